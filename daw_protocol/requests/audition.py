"""Requests to the audition: playing takes inside the song, against the original, through a sound device."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Choice, FileName, Flag, Names, Real, Text, Whole
from daw_protocol.message import value
from daw_protocol.requests.request import Request
from daw_protocol.timeline.position import Position
from daw_protocol.timeline_fields import PositionKind

MAX_BARS = 64
MAX_NUMBER = 10_000
MIN_GAIN_DB, MAX_GAIN_DB = -60.0, 12.0

SIDES = ("take", "original")
FOLLOWED = ("none", "osc", "midi", "jack", "link")

SILENCE = "none"
STEMS_DOC = (
    "of a take that is a stem: which stems of its separation are heard together, at their own levels; "
    f"{SILENCE}: silence; by default the take alone"
)

ON = "on or off"
PRE_ROLL_DOC = "pre-roll: bars of the song played before the take"
POST_ROLL_DOC = "post-roll: bars of the song played after the take"


@dataclass(frozen=True, kw_only=True)
class PlayAudition(Request):
    """Play a take inside its song, a job while it renders, or the song alone."""

    take: str = value(Text(64), "the take's id, or a running job's", "")
    job: str = value(Text(64), "a running job; playback starts when its first bar is rendered", "")
    source: str | None = value(
        FileName(1024, 1), "a song to play without any take, named as in a render request", None
    )
    side: str = value(Choice(SIDES), "start with the take or the original", "take")
    stems: tuple[str, ...] = value(Names(), STEMS_DOC, ())
    before: int | None = value(
        Whole(0, MAX_BARS), f"{PRE_ROLL_DOC}; by default as set by audition.bars", None
    )
    after: int | None = value(
        Whole(0, MAX_BARS), f"{POST_ROLL_DOC}; by default as set by audition.bars", None
    )
    start: Position | None = value(PositionKind(), "play from here instead", None)
    end: Position | None = value(PositionKind(), "play (or loop) up to here instead", None)

    def check(self) -> None:
        _check_one_named(self)
        _check_stems(self.take, self.stems)


@dataclass(frozen=True, kw_only=True)
class StopAudition(Request):
    """Stop playback and release the sound device."""


@dataclass(frozen=True, kw_only=True)
class LoopAudition(Request):
    """Loop playback on the bar line."""

    on: bool = value(Flag(), ON)


@dataclass(frozen=True, kw_only=True)
class SetAuditionBars(Request):
    """Pre-roll and post-roll in bars, also for the take now playing; 2 and 2 at first."""

    before: int | None = value(Whole(0, MAX_BARS), f"{PRE_ROLL_DOC}; by default unchanged", None)
    after: int | None = value(Whole(0, MAX_BARS), f"{POST_ROLL_DOC}; by default unchanged", None)


@dataclass(frozen=True, kw_only=True)
class NextTake(Request):
    """Switch to the next take of the same region, at the same position."""


@dataclass(frozen=True, kw_only=True)
class PreviousTake(Request):
    """Switch to the previous take of the same region, at the same position."""


@dataclass(frozen=True, kw_only=True)
class CompareAudition(Request):
    """Switch between take and original, at the same position."""

    side: str | None = value(Choice(SIDES), "the side to play; by default the other one", None)


@dataclass(frozen=True, kw_only=True)
class SeekAudition(Request):
    """Move the playhead to another position."""

    position: Position = value(PositionKind(), "position on the timeline")


@dataclass(frozen=True, kw_only=True)
class SetAuditionGain(Request):
    """Playback gain."""

    db: float = value(Real(MIN_GAIN_DB, MAX_GAIN_DB), "decibels; 0 plays the samples unchanged")


@dataclass(frozen=True, kw_only=True)
class MatchAudition(Request):
    """Play takes and original at the same loudness, so that the louder one does not win by being louder."""

    on: bool = value(Flag(), ON)


@dataclass(frozen=True, kw_only=True)
class ChooseDevice(Request):
    """Choose the output device; playback continues there."""

    name: str = value(
        Text(256),
        "its name or part of it, or its number in audition.devices; empty: the system's default device",
        "",
    )


@dataclass(frozen=True, kw_only=True)
class ListDevices(Request):
    """The sound devices available now."""


@dataclass(frozen=True, kw_only=True)
class FollowTransport(Request):
    """Chase the DAW's transport: play at its playhead, and only while it rolls."""

    what: str = value(
        Choice(FOLLOWED),
        "osc (/bridge/transport messages), MIDI clock, JACK transport, Ableton Link, or none",
    )
    port: str = value(
        Text(256), "MIDI clock only: the input's name or part of it; empty: the first input", ""
    )


@dataclass(frozen=True, kw_only=True)
class AuditionRenders(Request):
    """Play a render automatically when its first bar is ready, unless something else is playing."""

    on: bool = value(Flag(), ON)


@dataclass(frozen=True, kw_only=True)
class ShowAudition(Request):
    """What is playing, where, at what gain and on which device."""


@dataclass(frozen=True, kw_only=True)
class ShowPassage(Request):
    """What `audition.play` would play, for clients that play it themselves. Plays and changes nothing."""

    take: str = value(Text(64), "the take's id; without take and job, the passage is of a song", "")
    job: str = value(Text(64), "a running job: what of its take is rendered by now, or the finished take", "")
    number: int | None = value(
        Whole(1, MAX_NUMBER),
        "which of the job's takes; by default the first one under way, or else the newest",
        None,
    )
    source: str | None = value(
        FileName(1024, 1),
        "a song without any take, named as in a render request; by default the song in focus",
        None,
    )
    before: int | None = value(
        Whole(0, MAX_BARS), f"{PRE_ROLL_DOC}; by default as set by audition.bars", None
    )
    after: int | None = value(
        Whole(0, MAX_BARS), f"{POST_ROLL_DOC}; by default as set by audition.bars", None
    )
    start: Position | None = value(PositionKind(), "begin here instead", None)
    end: Position | None = value(PositionKind(), "end here instead", None)
    stems: tuple[str, ...] = value(Names(), STEMS_DOC, ())

    def check(self) -> None:
        _check_stems(self.take, self.stems)
        _check_one_named(self)
        if self.number is not None and not self.job:
            raise ProtocolError(ErrorCode.MISSING_FIELD, "number: of which job?", "Give job as well.", "job")


def _check_one_named(request: PlayAudition | ShowPassage) -> None:
    named = [name for name in ("take", "job", "source") if getattr(request, name)]
    if len(named) > 1:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"{named[1]}: give only one of take, job and source, got {', '.join(named)}.",
            "Omit the others.",
            named[1],
        )


def _check_stems(take: str, stems: tuple[str, ...]) -> None:
    if stems and not take:
        raise ProtocolError(
            ErrorCode.MISSING_FIELD, "stems: of which separation?", "Name one of its stems as take.", "take"
        )
