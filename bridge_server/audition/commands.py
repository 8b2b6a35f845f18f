"""What changes the audition's state: commands of producers, and events of renders and devices. Frozen values.

Scenes are part of a command: the controller builds them first, which is slow, so that `transition` has all it needs.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge_server.audition.scene import Scene
from bridge_server.audition.state import Bars
from daw_protocol.timeline import Position

NO_TRANSPORT, OSC, MIDI = "none", "osc", "midi"


@dataclass(frozen=True)
class PlayScene:
    """Play a take or a song. bars: around the take; side: the one to begin with."""

    scene: Scene
    side: str
    bars: Bars


@dataclass(frozen=True)
class AwaitRender:
    """Play a job's render as soon as it has a bar."""

    job: str
    bars: Bars


@dataclass(frozen=True)
class Stop:
    """Stop. message: why, where it was not the producer who asked."""

    message: str = ""


@dataclass(frozen=True)
class Compare:
    """Play the other side, or the one named."""

    side: str | None = None


@dataclass(frozen=True)
class SwitchTake:
    """Play another take of the same place. only: whether the place has no other one."""

    scene: Scene
    only: bool


@dataclass(frozen=True)
class Configure:
    """Change how scenes play, now and later; None leaves a setting as it is. gain_db: in decibels."""

    loops: bool | None = None
    gain_db: float | None = None
    match: bool | None = None


@dataclass(frozen=True)
class SetBars:
    """Play other bars around takes.

    scene:    the take that plays, with these bars around it; None while no take plays.
    position: audible now, in samples of the timeline.
    """

    bars: Bars
    scene: Scene | None
    position: int


@dataclass(frozen=True)
class Seek:
    """Continue at another position."""

    position: Position


@dataclass(frozen=True)
class Follow:
    """Follow a transport: "osc", "midi", "jack", "link", or "none". port: the MIDI input."""

    what: str
    port: str = ""


@dataclass(frozen=True)
class SetAuto:
    """Whether renders start to play by themselves."""

    on: bool


@dataclass(frozen=True)
class RenderBegan:
    """Event: the engine has written the first audio of a job."""

    job: str


@dataclass(frozen=True)
class RenderGrown:
    """Event: the scene of a render as far as it has come, or the command to play it.

    bars:   around the region.
    silent: whether the open device plays silence, so that there is no position to continue from.
    """

    scene: Scene
    bars: Bars
    silent: bool


@dataclass(frozen=True)
class RenderDone:
    """Event: the job's render has become a take; scene: of that take. bars, silent: as in RenderGrown."""

    job: str
    scene: Scene
    bars: Bars
    silent: bool


@dataclass(frozen=True)
class DeviceMoved:
    """Event: the device was lost and playback continues on another one."""

    lost: str
    now: str


Command = (
    PlayScene | AwaitRender | Stop | Compare | SwitchTake | Configure | SetBars | Seek | Follow | SetAuto
    | RenderBegan | RenderGrown | RenderDone | DeviceMoved
)  # fmt: skip
