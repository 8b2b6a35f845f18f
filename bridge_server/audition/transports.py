"""Transports a DAW offers beside OSC: MIDI clock with song position, and JACK. Each reads in a thread of its own.

A reading is (when, position, rolling), `when` in seconds of time.perf_counter.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline.position import AtQuarters, AtSeconds, Position

Reading = Callable[[float, Position, bool], None]

CLOCKS_PER_QUARTER = 24  # MIDI 1.0: F8
SONG_POSITIONS_PER_QUARTER = 4  # MIDI 1.0: F2 counts sixteenth notes
LOOKS_PER_SECOND = 20
INSTALL_MIDI = "pip install 'takebridge[midi]'"
INSTALL_JACK = "pip install 'takebridge[jack]'"


class Transport(Protocol):
    """A transport that is being read. patience: seconds without a reading after which it counts as stopped."""

    patience: float

    def close(self) -> None: ...


class MidiClock:
    """MIDI's clock messages as positions. Pure; knows no port."""

    def __init__(self, tell: Reading) -> None:
        self._tell = tell
        self._clocks = 0
        self.rolling = False
        self._began = False  # the clock after a start marks the position itself, those after it move it on

    def hear(self, message: Any, when: float) -> None:
        """One mido message; others than clock messages mean nothing here."""
        kind = message.type
        if kind == "songpos":
            self._clocks = message.pos * CLOCKS_PER_QUARTER // SONG_POSITIONS_PER_QUARTER
        elif kind == "start":
            self._clocks, self.rolling, self._began = 0, True, True
            return  # it begins to move with the next clock
        elif kind == "continue":
            self.rolling, self._began = True, True
            return
        elif kind == "stop":
            self.rolling = False
        elif kind == "clock" and self.rolling:
            if not self._began:
                self._clocks += 1
            self._began = False
        else:
            return
        self._tell(when, AtQuarters(Fraction(self._clocks, CLOCKS_PER_QUARTER)), self.rolling)


class MidiTransport:
    """MIDI clock from an input port, through mido."""

    patience = 0.5  # even at 5 BPM a clock comes every half second

    def __init__(self, port: str, tell: Reading) -> None:
        """Raises ProtocolError when there is no such input, or no way to open one."""
        import mido

        clock = MidiClock(tell)
        try:
            names = list(dict.fromkeys(mido.get_input_names()))
            name = next((one for one in names if port.lower() in one.lower()), None)
            if name is None:
                raise ProtocolError(
                    ErrorCode.NO_DEVICE,
                    f"There is no MIDI input {port!r}." if port else "There is no MIDI input.",
                    f"There are: {'; '.join(names)}."
                    if names
                    else "Let the DAW send MIDI clock to a virtual port.",
                    "port",
                )
            self._port = mido.open_input(
                name, callback=lambda message: clock.hear(message, time.perf_counter())
            )
        except ImportError as error:
            raise ProtocolError(
                ErrorCode.NO_DEVICE,
                "The Python package python-rtmidi is not installed, so no MIDI input can be opened.",
                f"{INSTALL_MIDI}, or follow /bridge/transport.",
                "what",
            ) from error
        except ProtocolError:
            raise
        except Exception as error:  # rtmidi has an error type for each system, mido passes all of them on
            raise ProtocolError(
                ErrorCode.NO_DEVICE,
                f"MIDI cannot be used here: {str(error).strip().rstrip('.')}.",
                "Follow the DAW over OSC instead (/bridge/transport).",
                "what",
            ) from error

    def close(self) -> None:
        self._port.close()


class JackTransport:
    """JACK's transport, looked at some times a second through JACK-Client."""

    patience = 0.5

    def __init__(self, _port: str, tell: Reading) -> None:
        """Raises ProtocolError when no JACK server runs, or what it takes is not installed."""
        try:
            import jack

            self._jack = jack
            self._client = jack.Client("takebridge", no_start_server=True)
        except ImportError as error:
            raise ProtocolError(
                ErrorCode.NO_DEVICE,
                "The Python package JACK-Client is not installed.",
                f"{INSTALL_JACK}.",
                "what",
            ) from error
        except Exception as error:  # OSError without libjack; JackOpenError, which cannot be named without it
            raise ProtocolError(
                ErrorCode.NO_DEVICE,
                f"JACK cannot be reached: {str(error).strip().rstrip('.')}.",
                "Start JACK (or PipeWire's JACK), or follow the DAW over OSC instead (/bridge/transport).",
                "what",
            ) from error
        self._tell = tell
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look, name="jack transport", daemon=True)
        self._thread.start()

    def _look(self) -> None:
        rate = int(self._client.samplerate)
        while not self._closing.wait(1 / LOOKS_PER_SECOND):
            when = time.perf_counter()
            # transport_frame is where it is at this moment, between JACK's periods; transport_query is not.
            frame, state = int(self._client.transport_frame), self._client.transport_state
            self._tell(when, AtSeconds(Fraction(frame, rate)), state == self._jack.ROLLING)

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        self._client.close()


TRANSPORTS: dict[str, Callable[[str, Reading], Transport]] = {"midi": MidiTransport, "jack": JackTransport}
