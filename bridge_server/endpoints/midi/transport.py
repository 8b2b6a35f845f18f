"""The transport of a DAW that sends MIDI clock, as the audition follows it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import Any

from bridge_server.audition.transport_sync import OnReading
from bridge_server.endpoints.midi.ports import VIRTUAL, input_names, open_input
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.song_position import SongPosition
from daw_protocol.timeline.position import AtQuarters


@contextlib.asynccontextmanager
async def midi_transport(port: str, on_reading: OnReading) -> AsyncIterator[None]:
    """Reads MIDI clock for as long as the block lasts.

    port: as for `open_input`, "" for the first input there is. Raises ProtocolError.
    """
    song = SongPosition()

    def receive(message: Any, when: float) -> None:
        position = position_in(song, message)
        if position is not None:
            on_reading(when, AtQuarters(position), song.rolling)

    def plugged(there: bool) -> None:
        if not there:
            song.stop()
            on_reading(time.perf_counter(), AtQuarters(song.quarters), False)

    async with contextlib.AsyncExitStack() as stack:
        try:
            name = port or await asyncio.to_thread(first_input)
            await stack.enter_async_context(open_input(name, receive, plugged))
        except ProtocolError as error:
            raise ProtocolError(ErrorCode.NO_DEVICE, error.sentence, error.remedy, "port") from error
        yield


def first_input() -> str:
    """The machine's first MIDI input. Slow, for a thread. Raises ProtocolError."""
    names = input_names()
    if not names:
        raise ProtocolError(
            ErrorCode.NO_DEVICE,
            "This machine has no MIDI input.",
            f"Connect one, or follow {VIRTUAL}NAME and let the DAW send MIDI clock there.",
            "port",
        )
    return names[0]


def position_in(song: SongPosition, message: Any) -> Fraction | None:
    """The position a mido message reports, in quarter notes; None for messages that report none."""
    match message.type:
        case "clock":
            return song.clock()
        case "songpos":
            song.locate(message.pos)
        case "stop":
            song.stop()
        case "start":
            song.start()
            return None  # the song moves with the next clock
        case "continue":
            song.go_on()
            return None
        case _:
            return None
    return song.quarters
