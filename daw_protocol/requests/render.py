"""Requests for audio. Positions stay as the producer typed them here; they become samples once, in bridge_server,
where the song's rate is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Choice, Flag, Names, Real, Switches, Text, Whole
from daw_protocol.message import value
from daw_protocol.requests.request import Request
from daw_protocol.tasks import TASKS, TaskSpec
from daw_protocol.timeline import Key, Meter, TempoMap
from daw_protocol.timeline.duration import Duration
from daw_protocol.timeline.position import Position
from daw_protocol.timeline_fields import DurationKind, KeyKind, MeterKind, PositionKind, TempoMapKind

PROJECT_RATES = (44_100, 48_000, 88_200, 96_000, 192_000)
MAX_TAKES = 8
MAX_SEED = 2**31 - 1  # what an OSC int32 holds, so that a seed can always be typed


@dataclass(frozen=True, kw_only=True)
class Render(Request):
    """What every request for audio shares: where in which song, on which grid, how many takes."""

    task: ClassVar[str] = ""

    source: str | None = value(
        Text(1024, 1),
        "the song: a file under one of the server's folders, or `audio:DIGEST` or `take:ID` for audio the store has",
        None,
    )
    source_position: Position | None = value(
        PositionKind(), "where on the timeline the first sample of the source lies", None
    )
    start: Position | None = value(PositionKind(), "first sample of the region", None)
    end: Position | None = value(PositionKind(), "first sample after the region", None)
    bars: str | None = value(Text(40, 1), 'the region as bars, both included: "17-20" or "17"', None)
    length: Duration | None = value(DurationKind(), "the region's length, instead of `end`", None)
    rate: int | None = value(
        Whole(8_000, 384_000), "the project's sample rate; the source's own when not given", None
    )
    bpm: float | None = value(
        Real(5, 1000), "the tempo in quarter notes a minute, when it never changes", None
    )
    meter: Meter | None = value(MeterKind(), "the meter, when it never changes", None)
    tempo_map: TempoMap | None = value(TempoMapKind(), "the whole tempo map, instead of bpm and meter", None)
    key: Key | None = value(KeyKind(), "the song's key", None)
    prompt: str = value(Text(2000), "what it should sound like, in words", "")
    lyrics: str = value(Text(8000), "words to sing, with [verse] and [chorus] tags", "")
    language: str = value(Text(16), "language of the lyrics, such as en or ja", "unknown")
    takes: int = value(Whole(1, MAX_TAKES), "how many versions to render", 1)
    seed: int | None = value(Whole(0, MAX_SEED), "names the result; drawn by the server when not given", None)
    handles: float = value(
        Real(0, 10), "seconds rendered before and after the region, kept un-spliced beside it", 1.0
    )
    crossfade: float = value(Real(0, 1000), "milliseconds of crossfade at each end, inside the region", 12.0)
    match_loudness: bool = value(Flag(), "bring the patch to the loudness of what it replaces", True)
    context: float | None = value(
        Real(0, 600), "seconds of the song on either side that the engine may listen to", None
    )
    engine: str = value(Text(32), "which engine renders; the server's choice when not given", "")
    options: dict[str, Any] = value(Switches(), "the engine's own switches", {})
    reference: str | None = value(
        Text(1024, 1),
        "audio whose timbre the render takes on, named like source; needs reference_consent",
        None,
    )
    reference_consent: bool = value(
        Flag(), "whoever is heard in the reference agreed to this use; kept in the take's recipe", False
    )
    title: str = value(Text(128), "the song's name for takes and files; the file's own when not given", "")
    track: str = value(Text(128), "the DAW's track, for names and for `replace`", "")
    replace: bool = value(
        Flag(),
        "take the place of an older request for the same task, track and region that still waits",
        False,
    )
    origin: str = value(Text(64), "the take this is a variation of; vary sets it", "")
    priority: str = value(
        Choice(("interactive", "batch")), "interactive requests are rendered before batch ones", "interactive"
    )

    @classmethod
    def spec(cls) -> TaskSpec:
        """The rules of its task."""
        return TASKS[cls.task]

    def check(self) -> None:
        if self.rate is not None and self.rate not in PROJECT_RATES:
            rates = ", ".join(map(str, PROJECT_RATES))
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                f"rate: {self.rate} is not a rate the bridge can place clips at.",
                f"Use one of {rates}.",
                "rate",
            )
        if self.bars is not None and (
            self.start is not None or self.end is not None or self.length is not None
        ):
            raise ProtocolError(
                ErrorCode.BAD_REGION,
                "bars: the region is given twice.",
                "Send either bars, or start and end.",
                "bars",
            )
        if self.end is not None and self.length is not None:
            raise ProtocolError(
                ErrorCode.BAD_REGION,
                "length: the region's end is given twice.",
                "Send either end or length.",
                "length",
            )
        if self.tempo_map is not None and (self.bpm is not None or self.meter is not None):
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                "tempo_map: the tempo is given twice.",
                "Send either tempo_map, or bpm and meter.",
                "tempo_map",
            )


STRENGTH = Real(0, 1)
LAYERS_DOC = "which part of the sound is made anew: all, keep vocals, drums only, no drums, fill, ..."


@dataclass(frozen=True, kw_only=True)
class Repaint(Render):
    """Render a region of the song anew; everything outside stays bit-identical."""

    task: ClassVar[str] = "repaint"
    strength: float = value(STRENGTH, "0 stays close to what was there, 1 moves as far away as it can", 0.5)
    layers: str = value(Text(64, 1), LAYERS_DOC, "all")


@dataclass(frozen=True, kw_only=True)
class Complete(Render):
    """Continue a song past its end, lead into its start, or fill a gap; without a region, 8 bars after its music."""

    task: ClassVar[str] = "complete"
    strength: float = value(STRENGTH, "0 follows the song closely, 1 wanders", 0.5)
    ending: bool = value(Flag(), "bring the song to an end inside the region", False)


@dataclass(frozen=True, kw_only=True)
class Accompany(Render):
    """A backing for a solo voice or instrument; without a region, for the whole of it."""

    task: ClassVar[str] = "accompany"
    strength: float = value(STRENGTH, "0 plays it safe, 1 takes liberties", 0.5)
    instruments: tuple[str, ...] = value(Names(), "instruments to use; the engine's choice when empty", ())


@dataclass(frozen=True, kw_only=True)
class Extract(Render):
    """Stems out of a mix; together with the residual they sum to the source. Without a region, all of it."""

    task: ClassVar[str] = "extract"
    stems: tuple[str, ...] = value(Names(), "which stems; all the engine knows when empty", ())


@dataclass(frozen=True, kw_only=True)
class Generate(Render):
    """A new song from words."""

    task: ClassVar[str] = "generate"


@dataclass(frozen=True, kw_only=True)
class Lego(Render):
    """One more track that fits the song."""

    task: ClassVar[str] = "lego"
    stems: tuple[str, ...] = value(Names(), "the track to add, such as drums or bass", ())


@dataclass(frozen=True, kw_only=True)
class Cover(Render):
    """The same song in another style."""

    task: ClassVar[str] = "cover"
    strength: float = value(STRENGTH, "0 stays close to the song, 1 moves as far away as it can", 0.5)


@dataclass(frozen=True, kw_only=True)
class Vary(Request):
    """A take again, with another seed, strength or words; everything else as in its recipe."""

    take: str = value(Text(64, 1), "the take to start from")
    seed: int | None = value(Whole(0, MAX_SEED), "another seed; drawn by the server when not given", None)
    takes: int = value(Whole(1, MAX_TAKES), "how many versions to render", 1)
    strength: float | None = value(STRENGTH, "another strength; the take's own when not given", None)
    prompt: str | None = value(Text(2000), "other words; the take's own when not given", None)
