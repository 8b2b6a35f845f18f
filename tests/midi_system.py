"""A machine's MIDI as mido sees it, for tests: a whole backend of mido's, whose devices a test plugs and unplugs.

`MIDO_BACKEND=tests.midi_system` chooses it. As with rtmidi, an open port receives nothing any more once its device has
gone, without an error, and a device that comes back has to be opened anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

fail = False
"""Whether the system's MIDI cannot be used at all, as without a JACK server."""
open_ports = 0
_listeners: dict[str, list[Callable[[Any], None]]] = {}


@contextlib.contextmanager
def plugged(name: str) -> Iterator[None]:
    """A device for as long as the block lasts."""
    _listeners[name] = []
    try:
        yield
    finally:
        del _listeners[name]


def send(name: str, message: Any) -> None:
    """What the device sends, to whoever has opened it."""
    for receive in _listeners[name]:
        receive(message)


def get_devices(**_: Any) -> list[dict[str, Any]]:
    """mido's question for the ports."""
    if fail:
        raise OSError("no MIDI")
    return [{"name": name, "is_input": True, "is_output": False} for name in _listeners]


class Input:
    """mido's port."""

    def __init__(self, name: str, virtual: bool, callback: Callable[[Any], None]) -> None:
        global open_ports
        if virtual or name not in _listeners:
            raise OSError(f"unknown port {name}")
        self._hearers = _listeners[name]
        self._hearers.append(callback)
        self._callback = callback
        open_ports += 1

    def close(self) -> None:
        global open_ports
        self._hearers.remove(self._callback)
        open_ports -= 1
