"""What the controller has to do with the device and the transport to bring about a state. Frozen values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge_server.audition.playback import AudibleFrame
from bridge_server.audition.scene import PlaybackOptions, Scene

Place = Callable[[AudibleFrame, int, int], float]
"""The sample of the timeline to play: (what is audible now, frame of the output, its rate) -> sample."""


@dataclass(frozen=True)
class StartPlayback:
    """Play the scene from its beginning, or from where the followed transport is; opens a device if none is open."""

    scene: Scene
    options: PlaybackOptions


@dataclass(frozen=True)
class ChangePlayback:
    """Play this scene on the open device. position: in samples of the timeline; None continues at the audible one."""

    scene: Scene
    options: PlaybackOptions
    position: int | None = None


@dataclass(frozen=True)
class StopPlayback:
    """Fade out and close the device."""


@dataclass(frozen=True)
class MutePlayback:
    """Play silence; the device stays open."""


@dataclass(frozen=True)
class AlignPlayback:
    """Play the scene where the followed transport is."""

    scene: Scene
    options: PlaybackOptions
    place: Place


@dataclass(frozen=True)
class SwitchTransport:
    """Follow another transport, or none."""

    what: str
    port: str


Effect = StartPlayback | ChangePlayback | StopPlayback | MutePlayback | AlignPlayback | SwitchTransport
