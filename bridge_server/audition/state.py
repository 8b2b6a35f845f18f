"""What the audition is doing, as one frozen value: stopped, waiting for a render, or playing a scene. Pure.

The position, the device's figures and the followed transport's offset are measurements; they are not part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from bridge_server.audition.scene import TAKE, PlaybackOptions, Scene, not_playing


class Bars(NamedTuple):
    """Bars of the song played around a take."""

    before: int
    after: int


DEFAULT_BARS = Bars(2, 2)


@dataclass(frozen=True)
class Stopped:
    """Nothing plays and nothing is waited for; no device is open."""


@dataclass(frozen=True)
class Waiting:
    """A render was asked for that has no bar yet; no device is open. bars: around the region once it plays."""

    job: str
    bars: Bars


@dataclass(frozen=True)
class Playing:
    """A device is open and plays the scene: a take, a song, or what there is of a render. bars: around the take."""

    scene: Scene
    bars: Bars


@dataclass(frozen=True)
class ControllerState:
    """The controller's memory; `transition` makes the next one.

    options: how the scene plays now, and the next one will.
    bars:    around takes, where a command gives none.
    auto:    whether a render starts to play by itself while nothing else does.
    message: what the producer should know, "" for nothing.
    """

    activity: Stopped | Waiting | Playing = Stopped()
    options: PlaybackOptions = field(default_factory=lambda: PlaybackOptions(TAKE))
    bars: Bars = DEFAULT_BARS
    auto: bool = False
    message: str = ""

    @property
    def scene(self) -> Scene | None:
        """The scene that plays."""
        return self.activity.scene if isinstance(self.activity, Playing) else None

    @property
    def job(self) -> str:
        """The job whose render plays or is waited for, "" if none."""
        match self.activity:
            case Waiting(job=job):
                return job
            case Playing(scene=scene):
                return scene.job
            case _:
                return ""

    @property
    def render_bars(self) -> Bars:
        """The bars around the render that plays or is waited for."""
        return self.bars if isinstance(self.activity, Stopped) else self.activity.bars

    def playing(self) -> Playing:
        """Raises ProtocolError while nothing plays."""
        if not isinstance(self.activity, Playing):
            raise not_playing("Nothing is playing.", "Play a take first.")
        return self.activity

    def bars_or(self, before: int | None, after: int | None) -> Bars:
        """The bars a command gives, completed by the usual ones."""
        return Bars(
            self.bars.before if before is None else before, self.bars.after if after is None else after
        )
