"""What can be asked of the audition: hearing takes inside the song, against the original, through a sound device."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Choice, Flag, Real, Text, Whole
from daw_protocol.message import value
from daw_protocol.requests.request import Request
from daw_protocol.timeline.position import Position
from daw_protocol.timeline_fields import PositionKind

MAX_BARS = 64
MIN_GAIN_DB, MAX_GAIN_DB = -60.0, 12.0

SIDES = ("take", "original")
FOLLOWED = ("none", "osc", "midi", "jack")

ON = "on or off"
BARS_DOC = "bars of the song"


@dataclass(frozen=True, kw_only=True)
class PlayAudition(Request):
    """Play a take inside its song, a render that still runs, or the bare song from a position."""

    take: str = value(Text(64), "the take's id; also a running job's", "")
    job: str = value(Text(64), "a job that is being rendered: heard as soon as its first bar is there", "")
    source: str | None = value(
        Text(1024, 1), "a song to play without any take, named as in a render request", None
    )
    side: str = value(Choice(SIDES), "begin with the take, or with the original", "take")
    before: int | None = value(
        Whole(0, MAX_BARS), f"{BARS_DOC} before the take; as in audition.bars when not given", None
    )
    after: int | None = value(
        Whole(0, MAX_BARS), f"{BARS_DOC} after the take; as in audition.bars when not given", None
    )
    start: Position | None = value(PositionKind(), "play from here instead", None)
    end: Position | None = value(PositionKind(), "play, or loop, up to here instead", None)

    def check(self) -> None:
        named = [name for name in ("take", "job", "source") if getattr(self, name)]
        if len(named) > 1:
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                f"{named[1]}: it is said twice what to play, by {' and by '.join(named)}.",
                "Send a take, a job or a source.",
                named[1],
            )


@dataclass(frozen=True, kw_only=True)
class StopAudition(Request):
    """Stop; the sound device is given back."""


@dataclass(frozen=True, kw_only=True)
class LoopAudition(Request):
    """Whether playback begins again, on the bar, when it has come to its end."""

    on: bool = value(Flag(), ON)


@dataclass(frozen=True, kw_only=True)
class SetAuditionBars(Request):
    """How many bars of the song are heard around takes, the one that is playing included; 2 and 2 at first."""

    before: int | None = value(
        Whole(0, MAX_BARS), f"{BARS_DOC} before the take; left as it is when not given", None
    )
    after: int | None = value(
        Whole(0, MAX_BARS), f"{BARS_DOC} after the take; left as it is when not given", None
    )


@dataclass(frozen=True, kw_only=True)
class NextTake(Request):
    """The next take of the same place, from the same position on."""


@dataclass(frozen=True, kw_only=True)
class PreviousTake(Request):
    """The take of the same place before this one, from the same position on."""


@dataclass(frozen=True, kw_only=True)
class CompareAudition(Request):
    """Change between take and original, at the same position."""

    side: str | None = value(Choice(SIDES), "the one to hear; the other one than now when not given", None)


@dataclass(frozen=True, kw_only=True)
class SeekAudition(Request):
    """Go on from another position."""

    position: Position = value(PositionKind(), "where on the timeline")


@dataclass(frozen=True, kw_only=True)
class SetAuditionGain(Request):
    """How loud everything is played."""

    db: float = value(Real(MIN_GAIN_DB, MAX_GAIN_DB), "decibels; 0 plays the samples as they are")


@dataclass(frozen=True, kw_only=True)
class MatchAudition(Request):
    """Whether takes and original are played at one loudness, so that the louder one does not win."""

    on: bool = value(Flag(), ON)


@dataclass(frozen=True, kw_only=True)
class ChooseDevice(Request):
    """The sound device to play through; what is playing goes on there."""

    name: str = value(
        Text(256),
        "its name or a part of it, or its number in audition.devices; the system's own when empty",
        "",
    )


@dataclass(frozen=True, kw_only=True)
class ListDevices(Request):
    """Sound devices there are at this moment."""


@dataclass(frozen=True, kw_only=True)
class FollowTransport(Request):
    """Play in time with the DAW: where its playhead is, and only while it moves."""

    what: str = value(Choice(FOLLOWED), "/bridge/transport messages, MIDI clock, JACK transport, or nothing")
    port: str = value(
        Text(256), "MIDI clock only: the input's name or a part of it; the first one when empty", ""
    )


@dataclass(frozen=True, kw_only=True)
class AuditionRenders(Request):
    """Whether a render is played by itself as soon as its first bar is there, when nothing else is playing."""

    on: bool = value(Flag(), ON)


@dataclass(frozen=True, kw_only=True)
class ShowAudition(Request):
    """What is playing, where, how loud and on which device."""
