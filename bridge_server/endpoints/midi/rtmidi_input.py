"""A MIDI input of python-rtmidi whose messages are fetched, not called back with.

rtmidi can call Python from the system's MIDI thread, as mido has it do. Closing such a port then stands still now and
then: JACK ends that thread wherever it is, also while it holds the mutex of Python's lock; ALSA and Windows wait for it
to end while it waits for that lock. So no thread of the system's runs Python here; rtmidi keeps the messages, and a
thread of ours fetches them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import mido

FETCH_SECONDS = 0.001
# Messages that rtmidi keeps for us. A cable brings about one a millisecond, a program many more in one burst.
KEPT_MESSAGES = 8192


class RtmidiInput:
    """An open input. callback: called in a thread of this input's own, with one mido message after the other.

    name: one of the system's inputs, or of a new one where virtual. api: rtmidi's name of a MIDI system, such as
    "UNIX_JACK"; None for the machine's usual one. Raises ImportError without python-rtmidi, OSError, and rtmidi's own
    errors.
    """

    def __init__(self, name: str, virtual: bool, callback: Callable[[Any], None], api: str | None) -> None:
        import rtmidi

        system = getattr(rtmidi, f"API_{api}", None) if api else rtmidi.API_UNSPECIFIED
        if system is None:
            raise OSError(f"rtmidi knows no MIDI system {api}")
        self._port = rtmidi.MidiIn(rtapi=system, queue_size_limit=KEPT_MESSAGES)
        try:
            self._port.ignore_types(sysex=False, timing=False, active_sense=True)
            if virtual:
                self._port.open_virtual_port(name)
            else:
                names = self._port.get_ports()
                if name not in names:
                    raise OSError(f"{name} has gone")
                self._port.open_port(names.index(name))
        except BaseException:
            self._port.delete()
            raise
        self._callback = callback
        self._closing = False  # set by whoever closes, read by the thread
        self._thread = threading.Thread(target=self._fetch, name="midi input", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No message comes any more. Takes some milliseconds; does nothing when it is closed already."""
        if not self._closing:
            self._closing = True
            self._thread.join()
            self._port.close_port()
            self._port.delete()

    def _fetch(self) -> None:
        while not self._closing:
            while found := self._port.get_message():
                try:
                    message = mido.Message.from_bytes(found[0])
                except ValueError:
                    continue  # no device is asked to explain itself
                self._callback(message)
            time.sleep(FETCH_SECONDS)
