"""Sound devices that play when the test says so: small and real, as far as the audition can tell."""

from __future__ import annotations

import numpy as np

from bridge_server.audition.playback import PullSamples
from bridge_server.audition.sound_devices import SoundDevice, find_device
from daw_protocol.errors import ErrorCode, ProtocolError


class CrankedOutlet:
    """Keeps what it was given; `pull` is the device's next callback."""

    latency = 0.01

    def __init__(self, name: str = "crank", rate: int = 48000, channels: int = 2) -> None:
        self.name, self.rate, self.channels = name, rate, channels
        self.lost = self.closed = False
        self._pull: PullSamples | None = None
        self._blocks: list[np.ndarray] = []

    def start(self, pull: PullSamples) -> None:
        self._pull = pull

    def pull(self, frames: int = 480) -> np.ndarray:
        assert self._pull is not None
        assert not self.closed
        block = np.full((frames, self.channels), np.nan, np.float32)
        self._pull(block, False)
        self._blocks.append(block)
        return block

    @property
    def played(self) -> np.ndarray:
        return np.concatenate(self._blocks)

    def close(self, at_once: bool) -> None:
        self.closed = True


class CrankedDevices:
    """Devices that can be plugged and unplugged: names in the system's order, each with its rate."""

    def __init__(self, *names: str, rate: int = 48000) -> None:
        self.names = list(names)
        self.rate = rate
        self.opened: list[CrankedOutlet] = []

    def list(self) -> list[SoundDevice]:
        return [
            SoundDevice(number, name, "Crank", 2, self.rate, number == 0)
            for number, name in enumerate(self.names)
        ]

    def find(self, name: str) -> SoundDevice:
        return find_device(name, self.list())

    def open(self, name: str, rate: int) -> CrankedOutlet:
        device = self.find(name)
        if device.name.startswith("held"):
            raise ProtocolError(
                ErrorCode.NO_DEVICE, f"{device.label} cannot be opened: busy.", "Free it.", "name"
            )
        self.opened.append(CrankedOutlet(device.label, self.rate))
        return self.opened[-1]

    def unplug(self) -> None:
        """The device that plays goes."""
        outlet = self.opened[-1]
        outlet.lost = True
        self.names = [name for name in self.names if not outlet.name.startswith(name)]
