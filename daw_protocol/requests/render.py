"""Requests for audio. Positions stay as the producer typed them; bridge_server turns them into samples once, when it
knows the song's rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from daw_protocol.blueprint_field import BlueprintKind
from daw_protocol.depth import Depth
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Choice, FileName, Flag, Names, Real, Switches, Text, Texts, Whole
from daw_protocol.label_field import Label
from daw_protocol.message import value
from daw_protocol.requests.regions import Region, RegionsKind, check_region
from daw_protocol.requests.request import Request
from daw_protocol.requests.tracks import EACH, TOGETHER, Track, TracksKind
from daw_protocol.seed import Seed
from daw_protocol.tasks import TASKS, TaskSpec
from daw_protocol.timeline import Key, Meter, TempoMap
from daw_protocol.timeline.chord_progression import ChordProgression
from daw_protocol.timeline.duration import Duration
from daw_protocol.timeline.position import Position
from daw_protocol.timeline_fields import (
    BarsKind,
    ChordsKind,
    DurationKind,
    KeyKind,
    MeterKind,
    PositionKind,
    TempoMapKind,
)

PROJECT_RATES = (22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
"""The rates a project may have, in hertz."""
LEAST_ASSUMED_RATE = 44_100
"""Songs of lower rates are converted unless their own is asked for: other models render at them, but DAWs do not."""
HEARS = (ORIGINAL, ACCEPTED) = ("original", "accepted")
MAX_TAKES = 8
MAX_RENDERS = 64
"""Takes of one request in all its regions and songs. With a dozen stems each they are what one reply can count."""
MAX_TITLE = 128
MAX_NOTES = 32


@dataclass(frozen=True, kw_only=True)
class Render(Request):
    """What all requests for audio share: song, region, tempo grid, number of takes."""

    task: ClassVar[str] = ""

    source: str | None = value(
        FileName(1024, 1),
        "the song: a file in one of the server's folders, or `audio:DIGEST` or `take:ID` for audio in the store",
        None,
    )
    tracks: tuple[Track, ...] | None = value(
        TracksKind(), "several songs, instead of `source`: one job renders the request on all of them", None
    )
    mode: str = value(
        Choice((EACH, TOGETHER)),
        "of `tracks`: `each` by itself; or a repaint of all `together`, chosen on their sum and made alike in all",
        EACH,
    )
    source_position: Position | None = value(
        PositionKind(),
        "timeline position of the source's first sample; by default its time stamp, or where the project starts",
        None,
    )
    start: Position | None = value(PositionKind(), "first sample of the region", None)
    end: Position | None = value(PositionKind(), "first sample after the region", None)
    bars: str | None = value(BarsKind(), 'the region as bars, inclusive: "17-20" or "17"', None)
    length: Duration | None = value(DurationKind(), "the region's length, instead of `end`", None)
    regions: tuple[Region, ...] | None = value(
        RegionsKind(),
        "several regions of the song, instead of one: one job renders `takes` takes of each, in this order",
        None,
    )
    rate: int | None = value(
        Whole(8_000, 384_000),
        "the project's sample rate, to which the source is converted; by default the source's own, or the next that "
        "DAWs have (48000 for 32000)",
        None,
    )
    bpm: float | None = value(
        Real(5, 1000), "the tempo in quarter notes per minute, if it never changes", None
    )
    meter: Meter | None = value(MeterKind(), "the time signature, if it never changes", None)
    tempo_map: TempoMap | None = value(TempoMapKind(), "the whole tempo map, instead of bpm and meter", None)
    key: Key | None = value(KeyKind(), "the song's key", None)
    preset: str = value(
        Text(64), "a preset of the same task: its values count where the request's are at their default", ""
    )
    prompt: str = value(Text(2000), "a description of the sound", "")
    lyrics: str = value(Text(8000), "lyrics, with [verse] and [chorus] tags", "")
    language: str = value(Text(16), "language of the lyrics, such as en or ja", "unknown")
    takes: int = value(Whole(1, MAX_TAKES), "how many versions to render", 1)
    seed: int | None = value(Seed(), "the same seed gives the same result; by default a random one", None)
    handles: float = value(
        Real(0, 10),
        "seconds rendered before and after the region, stored unspliced as the clip's handles",
        1.0,
    )
    crossfade: float = value(Real(0, 1000), "milliseconds of crossfade at each end, inside the region", 12.0)
    depth: str = value(
        Depth(),
        "how deep clips are that take the song's place: as deep as the `song`, or `24` bits or `float` where that is "
        "deeper; every other sample stays what it was",
        "song",
    )
    match_loudness: bool = value(Flag(), "match the loudness of the audio it replaces", True)
    context: float | None = value(
        Real(0, 600), "seconds of the song on each side of the region that the engine uses as context", None
    )
    hears: str | None = value(
        Choice(HEARS),
        "what the engine hears of the song, and the take fits at its edges: `original`, or `accepted`, the song as it "
        "stands with what is accepted in it; by default `accepted` for the shared song, `original` for a source that "
        "is sent",
        None,
    )
    engine: str = value(Text(32), "the engine to use; by default the server chooses", "")
    options: dict[str, Any] = value(Switches(), "the engine's own options", {})
    reference: str | None = value(
        FileName(1024, 1),
        "reference audio for the timbre, named like source; requires reference_consent",
        None,
    )
    reference_consent: bool = value(
        Flag(), "the performers in the reference agreed to this use; recorded in the take's recipe", False
    )
    title: str = value(
        Label(MAX_TITLE), "the song's name for takes and files; by default the file's name", ""
    )
    track: str = value(Label(128), "the DAW track, for names and for `replace`", "")
    replace: bool = value(
        Flag(),
        "replace an older waiting request for the same task, track and region",
        False,
    )
    origin: str = value(Text(64), "the take this one varies; set by vary", "")
    notes: tuple[str, ...] = value(
        Texts(MAX_NOTES),
        "what was assumed or left out when files were read for this request; kept in the takes' recipes",
        (),
    )
    priority: str = value(
        Choice(("interactive", "batch")), "interactive requests render before batch ones", "interactive"
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
                f"rate: {self.rate} is not a supported project rate.",
                f"Use one of {rates}.",
                "rate",
            )
        check_region(self.bars, self.start, self.end, self.length)
        self._check_several()
        if self.tempo_map is not None and (self.bpm is not None or self.meter is not None):
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                "tempo_map: the tempo is defined twice.",
                "Send either tempo_map, or bpm and meter.",
                "tempo_map",
            )
        if self.hears == ACCEPTED and not self.spec().hears_accepted:
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                f"hears: {self.task} is about the song as it came, without accepted takes.",
                "Omit hears. To have the song as it stands, save it (export, format mix) and send that file.",
                "hears",
            )

    def _check_several(self) -> None:
        """Raises ProtocolError for several regions or songs beside one, where there are none, or for too many takes."""
        region = (self.bars, self.start, self.end, self.length)
        if self.regions is not None and any(given is not None for given in region):
            raise ProtocolError(
                ErrorCode.BAD_REGION,
                "regions: the region is defined twice.",
                "Send either regions, or bars, or start with end or length.",
                "regions",
            )
        if self.tracks is not None and (self.source is not None or self.source_position is not None):
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                "tracks: the song is named twice.",
                "Send either tracks, each with its source_position if need be, or source.",
                "tracks",
            )
        if self.mode == TOGETHER and self.task != "repaint":
            raise ProtocolError(
                ErrorCode.CANNOT_RENDER,
                f"mode: {self.task} does not render tracks together.",
                "Use mode each, or bounce the tracks into one file.",
                "mode",
            )
        for name in ("regions", "tracks"):
            if getattr(self, name) is not None and (not self.spec().needs_source or self.spec().only_whole):
                raise ProtocolError(
                    ErrorCode.OUT_OF_RANGE, f"{name}: {self.task} takes no {name}.", "Omit them.", name
                )
        renders = len(self.regions or "1") * len(self.tracks or "1") * self.takes
        if renders > MAX_RENDERS:
            raise ProtocolError(
                ErrorCode.TOO_LARGE,
                f"takes: these are {renders} takes in all; a request renders at most {MAX_RENDERS}.",
                "Send fewer takes, regions or tracks, or several requests.",
                "takes",
            )


STRENGTH = Real(0, 1)
REGION = ("start", "end", "bars", "length")
"""The fields of a region."""
CHORDS_DOC = (
    "chords to play, one per bar or at positions, repeated to the region's end; by default the engine chooses"
)
LYRIC_TIMES_DOC = (
    "find when each line of the lyrics is sung: in the recipe, as markers in the clip, as lyrics.lrc"
)
LAYERS_DOC = "which part of the sound to re-render: all, keep vocals, drums only, no drums, fill, ..."


@dataclass(frozen=True, kw_only=True)
class Repaint(Render):
    """Re-render a region of the song; everything outside stays bit-identical."""

    task: ClassVar[str] = "repaint"
    strength: float = value(STRENGTH, "0 stays close to the original, 1 departs from it most", 0.5)
    layers: str = value(Text(64, 1), LAYERS_DOC, "all")


@dataclass(frozen=True, kw_only=True)
class Complete(Render):
    """Continue a song past its end, lead into its start, or fill a gap. Without a region: 8 bars after the music."""

    task: ClassVar[str] = "complete"
    strength: float = value(STRENGTH, "0 follows the song closely, 1 departs freely", 0.5)
    ending: bool = value(Flag(), "bring the song to an end inside the region", False)


@dataclass(frozen=True, kw_only=True)
class Accompany(Render):
    """Accompany a solo voice or instrument. Without a region: all of it."""

    task: ClassVar[str] = "accompany"
    strength: float = value(STRENGTH, "0 plays it safe, 1 takes liberties", 0.5)
    instruments: tuple[str, ...] = value(Names(), "instruments to use; by default the engine chooses", ())
    chords: ChordProgression | None = value(ChordsKind(), CHORDS_DOC, None)


@dataclass(frozen=True, kw_only=True)
class Extract(Render):
    """Separate a mix into stems; together with the residual they sum to the source. Without a region: all of it."""

    task: ClassVar[str] = "extract"
    stems: tuple[str, ...] = value(Names(), "which stems; by default all the engine offers", ())


@dataclass(frozen=True, kw_only=True)
class Generate(Render):
    """Generate a new song from a prompt, or from the blueprint of a `plan`."""

    task: ClassVar[str] = "generate"
    blueprint: Mapping[str, Any] | str | None = value(
        BlueprintKind(),
        "the song's plan, as `plan` gave it or edited; prompt, lyrics, tempo, key and length are then its own",
        None,
    )
    lyric_times: bool = value(Flag(), LYRIC_TIMES_DOC, False)


@dataclass(frozen=True, kw_only=True)
class Lego(Render):
    """Add a track that fits the song."""

    task: ClassVar[str] = "lego"
    stems: tuple[str, ...] = value(Names(), "the track to add, such as drums or bass", ())


@dataclass(frozen=True, kw_only=True)
class Cover(Render):
    """Re-render the song in another style."""

    task: ClassVar[str] = "cover"
    strength: float = value(STRENGTH, "0 stays close to the song, 1 departs from it most", 0.5)
    edit: bool = value(
        Flag(),
        "keep the song, and change only what prompt and lyrics say: new words, another instrument",
        False,
    )
    song_prompt: str = value(
        Text(2000),
        "for edit: a description of the song as it is; by default the prompt of the take that is edited",
        "",
    )
    song_lyrics: str = value(Text(8000), "for edit: its lyrics as they are; by default those of the take", "")
    lyric_times: bool = value(Flag(), LYRIC_TIMES_DOC, False)


@dataclass(frozen=True, kw_only=True)
class Analyse(Render):
    """Find a song's tempo, first downbeat, meter, key and parts, from its audio alone. The result is `analysed`."""

    task: ClassVar[str] = "analyse"
    words: bool = value(
        Flag(),
        "describe it instead: caption, language and lyrics by ACE-Step's planner, added to what was measured; "
        "without a planner it is measured, and the result says so. With a region, that part is described by itself",
        False,
    )

    @property
    def part(self) -> str:
        """The field that names a part of the song; "" for all of it."""
        return next((name for name in REGION if getattr(self, name) is not None), "")

    def check(self) -> None:
        super().check()
        if self.part and not self.words:
            raise ProtocolError(
                ErrorCode.BAD_REGION,
                f"{self.part}: a song is analysed whole.",
                "Omit the region, or send words to have this part described.",
                self.part,
            )
        if self.takes != 1:
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE, "takes: a song is analysed once.", "Omit takes.", "takes"
            )


@dataclass(frozen=True, kw_only=True)
class Vary(Request):
    """Render a take again with another seed, strength or prompt, or a little differently; else as in its recipe."""

    take: str = value(Text(64, 1), "the take to vary")
    seed: int | None = value(Seed(), "another seed; by default a random one", None)
    variance: float | None = value(
        Real(0, 1),
        "how far from the take, which keeps its seed: 0 is the same, 0.1 to 0.4 alike, 1 another; `seed` then chooses "
        "among the variations",
        None,
    )
    takes: int = value(Whole(1, MAX_TAKES), "how many versions to render", 1)
    strength: float | None = value(STRENGTH, "another strength; by default the take's", None)
    prompt: str | None = value(Text(2000), "another prompt; by default the take's", None)
    lyric_times: bool = value(
        Flag(),
        "find when each line of the take's lyrics is sung; without seed, variance, strength and prompt its audio stays "
        "as it is, and `takes` must be 1",
        False,
    )
