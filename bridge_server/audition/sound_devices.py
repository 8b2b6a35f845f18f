"""PortAudio through sounddevice: lists devices and opens one. sounddevice is imported when first needed.

PortAudio keeps the list of devices it found when it was started; to see newly connected ones it is restarted, which is
possible only while nothing plays.

All methods run in the controller's audition thread: Windows ties a device to the thread that opened it. PortAudio
calls `DeviceOutlet._callback` and `_finished` in a thread of its own; they touch only the ring buffer and a flag.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bridge_server.audition.playback import PullSamples
from bridge_server.platforms import portaudio_remedy
from daw_protocol.errors import ErrorCode, ProtocolError, sendable
from daw_protocol.results import OutputDevice

log = logging.getLogger(__name__)

MAX_CHANNELS = 2
MAX_NAME = 200
# Requested of the device: three to five blocks of most. It takes what it can.
LATENCY_SECONDS = 0.04
ANY_DEVICE = "Connect or switch on a sound device. Everything else works without one."


@dataclass(frozen=True)
class SoundDevice:
    """One output. number: PortAudio's; label: name and host API, which tells it apart from its twins."""

    number: int
    name: str
    host: str
    channels: int
    rate: int
    default: bool

    @property
    def label(self) -> str:
        return f"{self.name}, {self.host}"

    def record(self) -> OutputDevice:
        """What `audition.devices` returns of it."""
        return OutputDevice(
            number=self.number, name=self.label, channels=self.channels, rate=self.rate, default=self.default
        )


class SoundDevices:
    """The machine's outputs. All methods are slow; one at a time, in one thread."""

    def __init__(self, allowed: bool = True) -> None:
        """allowed: False refuses everything, for a machine that must stay silent."""
        self._allowed = allowed
        self._library: Any = None
        self._open = 0

    def library(self) -> Any:
        """The module sounddevice. Raises ProtocolError, with what to install, if it cannot be used."""
        if not self._allowed:
            raise ProtocolError(
                ErrorCode.NO_DEVICE,
                "This server was started without sound.",
                "Start it without --no-sound to play takes through its sound device.",
            )
        if self._library is None:
            try:
                import sounddevice
            except ImportError as error:
                raise ProtocolError(
                    ErrorCode.NO_DEVICE,
                    "Playback needs the Python package sounddevice, which is not installed.",
                    "pip install sounddevice, then restart the server. Everything else works without it.",
                ) from error
            except OSError as error:  # the package is there, the library it binds is not
                raise ProtocolError(
                    ErrorCode.NO_DEVICE,
                    "Playback needs PortAudio, which is not installed.",
                    f"{portaudio_remedy()} Everything else works without it.",
                ) from error
            self._library = sounddevice
        elif self._open == 0:
            self._refresh()
        return self._library

    def _refresh(self) -> None:
        """Restarts PortAudio, so that it lists its devices again.

        sounddevice names these two with an underscore; its maintainer recommends them for this, because PortAudio has
        no function for it.
        """
        try:
            self._library._terminate()
            self._library._initialize()
        except self._library.PortAudioError as error:
            raise ProtocolError(
                ErrorCode.NO_DEVICE, f"PortAudio reports an error: {error}.", ANY_DEVICE
            ) from error

    def list(self) -> list[SoundDevice]:
        """The outputs there are now, the system's default first. Raises ProtocolError."""
        library = self.library()
        try:
            hosts = [host["name"] for host in library.query_hostapis()]
            chosen = library.default.device[1]
            found = [
                SoundDevice(
                    number, one_line(entry["name"]), hosts[entry["hostapi"]], entry["max_output_channels"],
                    round(entry["default_samplerate"]), number == chosen,
                )
                for number, entry in enumerate(library.query_devices())
                if entry["max_output_channels"] > 0
            ]  # fmt: skip
        except library.PortAudioError as error:
            raise ProtocolError(
                ErrorCode.NO_DEVICE, f"PortAudio reports an error: {error}.", ANY_DEVICE
            ) from error
        return sorted(found, key=lambda device: not device.default)

    def find(self, name: str) -> SoundDevice:
        """The device a producer means. Raises ProtocolError."""
        return find_device(name, self.list())

    def open(self, name: str, rate: int) -> DeviceOutlet:
        """The device a producer means, at the song's rate if supported, else at its own. Raises ProtocolError."""
        device = self.find(name)
        outlet = self._opened(device, rate)
        self._open += 1
        return outlet

    def _opened(self, device: SoundDevice, rate: int) -> DeviceOutlet:
        reason: Exception | None = None
        for wanted in dict.fromkeys((rate, device.rate)):
            try:
                return DeviceOutlet(self, device, wanted)
            except self._library.PortAudioError as error:
                log.info("%s at %d Hz: %s", device.label, wanted, error)
                reason = error
        raise ProtocolError(
            ErrorCode.NO_DEVICE,
            f"{device.label} cannot be opened: {reason}.",
            "Another program may be using it. Choose another sound device, or close that program.",
            "name",
        ) from reason

    def closed(self) -> None:
        self._open -= 1


class DeviceOutlet:
    """An opened output; see playback.Outlet."""

    def __init__(self, devices: SoundDevices, device: SoundDevice, rate: int) -> None:
        self._devices = devices
        self._stopping = False
        self._pull: PullSamples | None = None
        self.lost = False
        self.name = device.label
        self.rate = rate
        self.channels = min(device.channels, MAX_CHANNELS)
        self._stream = devices._library.OutputStream(
            device=device.number, samplerate=rate, channels=self.channels, dtype="float32",
            latency=LATENCY_SECONDS, callback=self._callback, finished_callback=self._finished,
        )  # fmt: skip
        self.latency = float(self._stream.latency)

    def start(self, pull: PullSamples) -> None:
        """Raises ProtocolError if the device does not start."""
        self._pull = pull
        try:
            self._stream.start()
        except self._devices._library.PortAudioError as error:
            raise ProtocolError(
                ErrorCode.NO_DEVICE, f"{self.name} does not start: {error}.", ANY_DEVICE
            ) from error

    def close(self, at_once: bool) -> None:
        self._stopping = True
        try:
            if at_once:
                self._stream.abort(ignore_errors=True)
            else:
                self._stream.stop(ignore_errors=True)
            self._stream.close(ignore_errors=True)
        finally:
            self._devices.closed()

    def _callback(self, out: np.ndarray[Any, Any], _frames: int, _time: Any, status: Any) -> None:
        assert self._pull is not None, "set before the stream is started"
        self._pull(out, bool(status))

    def _finished(self) -> None:
        self.lost = not self._stopping


def one_line(name: str) -> str:
    """A device's name on one line: some drivers put line breaks into it."""
    return sendable(" ".join(name.split()), MAX_NAME)


def find_device(name: str, devices: list[SoundDevice]) -> SoundDevice:
    """The device with this number or name, or the first whose label contains it; "" = the system's default.

    Raises ProtocolError if there is none.
    """
    if not devices:
        raise ProtocolError(
            ErrorCode.NO_DEVICE, "This machine has no sound device to play through.", ANY_DEVICE
        )
    wanted = name.strip().lower()
    if not wanted:
        return devices[0]
    tests: tuple[Callable[[SoundDevice], bool], ...] = (
        lambda device: wanted == str(device.number),
        lambda device: wanted in (device.name.lower(), device.label.lower()),
        lambda device: wanted in device.label.lower(),
    )
    for test in tests:
        for device in devices:
            if test(device):
                return device
    names = "; ".join(device.label for device in devices)
    raise ProtocolError(
        ErrorCode.NO_DEVICE, f"There is no sound device {name!r}.", f"Available devices: {names}.", "name"
    )
