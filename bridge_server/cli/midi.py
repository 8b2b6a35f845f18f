"""`takebridge midi list | learn | check`: which inputs there are, what a pad is called, whether a map is right."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from bridge_server.endpoints.midi.control import clock_changes, touch_in
from bridge_server.endpoints.midi.ports import input_names, open_input
from bridge_server.songs.alike import existing
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.midi_clock import ClockFollower, TempoMeant
from daw_protocol.pad_map import Binding, read_pad_map

MAX_BYTES = 1 << 20


def read_map(path: Path) -> tuple[Binding, ...]:
    """The bindings in a file. Raises ProtocolError."""
    path = existing(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ProtocolError(
                ErrorCode.TOO_LARGE,
                f"{path} is too large for a MIDI map.",
                "Name a text file of at most a megabyte.",
                "midi-map",
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ProtocolError(
            ErrorCode.FILE_MISSING,
            f"The MIDI map {path} cannot be read: {error.strerror}.",
            "Name a text file with lines such as: note 36   /bridge/repaint takes 2",
            "midi-map",
        ) from error
    except UnicodeDecodeError as error:
        raise ProtocolError(
            ErrorCode.FILE_UNREADABLE, f"The MIDI map {path} is no text.", "Save it as UTF-8.", "midi-map"
        ) from error
    return read_pad_map(text, path.name)


def list_inputs(console: Console) -> int:
    """Prints the inputs; exit status 0 when there is one."""
    names = input_names()
    for name in names:
        console.print(name, highlight=False, markup=False)
    if not names:
        console.print(
            "There is no MIDI input. Connect one, or use virtual:NAME or tcp:PORT.", highlight=False
        )
    return 0 if names else 1


def check(console: Console, path: Path) -> int:
    """Prints what a map binds. Raises ProtocolError with the line at fault."""
    bindings = read_map(path)
    for binding in bindings:
        channel = f" ch {binding.channel}" if binding.channel else ""
        what = f"{binding.control.value} {binding.number}{channel}"
        words = " ".join((binding.address, *binding.words))
        console.print(f"{what:16} {escape(words)}", highlight=False)
    console.print(f"{len(bindings)} controls are bound.", highlight=False)
    return 0


async def learn(console: Console, port: str) -> int:
    """Prints pads and controls as a map names them, and the clock's tempo, until interrupted."""
    clock = ClockFollower()
    seen: set[str] = set()

    def receive(message: Any, moment: float) -> None:
        touch = touch_in(message)
        if touch is not None and touch.value > 0 and str(touch) not in seen:
            seen.add(str(touch))
            console.print(f"{touch!s:16} /bridge/", highlight=False)
        for change in clock_changes(clock, message, moment):
            if isinstance(change, TempoMeant):
                console.print(
                    f"# clock: {change.bpm:g} BPM, jitter {change.reading.jitter_ms:.2f} ms", highlight=False
                )

    def plugged(there: bool) -> None:
        console.print("# The input is there." if there else "# The input has gone.", highlight=False)

    async with open_input(port, receive, plugged) as name:
        console.print(
            f"# Listening to {escape(name)}. Touch pads and pedals; Ctrl-C ends it.", highlight=False
        )
        await asyncio.Event().wait()
    return 0
