"""Everything a DAW, a script or the panel can ask for: one frozen type each, that checks itself when built.

OSC and JSON are two encodings of these types (osc_form.py, jsonrpc.py); addresses.py says under which name each
one is asked for. Positions stay as the producer typed them here; they become samples once, in bridge_server,
where the song's rate is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.kinds import (
    Choice,
    Flag,
    Names,
    Real,
    Switches,
    Text,
    Whole,
)
from daw_protocol.message import Message, value
from daw_protocol.timeline import Key, Meter, TempoMap
from daw_protocol.timeline.duration import Duration
from daw_protocol.timeline.position import Position
from daw_protocol.timeline_kinds import DurationKind, KeyKind, MeterKind, PositionKind, TempoMapKind

PROJECT_RATES = (44_100, 48_000, 88_200, 96_000, 192_000)
MOST_TAKES = 8
MOST_SEED = 2**31 - 1  # what an OSC int32 holds, so that a seed can always be typed


@dataclass(frozen=True, kw_only=True)
class Request(Message):
    """What all requests share."""

    id: str = value(
        Text(64), "the client's name for the request; a repeated id is answered, not done twice", ""
    )
    reply_port: int | None = value(
        Whole(1, 65_535), "OSC only: the port on the sender's machine that replies go to", None
    )
    client: str = value(
        Text(64), "OSC and mailbox: keeps context and ids apart from other scripts on the same machine", ""
    )
    token: str = value(Text(256), "OSC only: the server's token, where it was started with one", "")


@dataclass(frozen=True, kw_only=True)
class Render(Request):
    """What every request for audio shares: where in which song, on which grid, how many takes."""

    task: ClassVar[str] = ""
    needs_source: ClassVar[bool] = True

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
    takes: int = value(Whole(1, MOST_TAKES), "how many versions to render", 1)
    seed: int | None = value(
        Whole(0, MOST_SEED), "names the result; drawn by the server when not given", None
    )
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
    needs_source: ClassVar[bool] = False


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
    seed: int | None = value(Whole(0, MOST_SEED), "another seed; drawn by the server when not given", None)
    takes: int = value(Whole(1, MOST_TAKES), "how many versions to render", 1)
    strength: float | None = value(STRENGTH, "another strength; the take's own when not given", None)
    prompt: str | None = value(Text(2000), "other words; the take's own when not given", None)


@dataclass(frozen=True, kw_only=True)
class Cancel(Request):
    """Stop a job, waiting or running."""

    job: str = value(Text(64, 1), "the job's id, or the request id it was asked for with")


@dataclass(frozen=True, kw_only=True)
class Status(Request):
    """How the server is: engine, queue, store, folders."""


@dataclass(frozen=True, kw_only=True)
class ListEngines(Request):
    """What each engine can do, and what it cannot, with the reason."""


@dataclass(frozen=True, kw_only=True)
class ListJobs(Request):
    """Jobs, newest first."""

    state: str | None = value(
        Choice(("queued", "running", "done", "failed", "cancelled")), "only jobs in this state", None
    )
    limit: int = value(Whole(1, 1000), "how many at most", 50)


@dataclass(frozen=True, kw_only=True)
class ShowJob(Request):
    """One job, with its takes."""

    job: str = value(Text(64, 1), "the job's id")


@dataclass(frozen=True, kw_only=True)
class ListTakes(Request):
    """Takes, newest first."""

    song: str | None = value(Text(80, 1), "only takes of the song with this digest", None)
    job: str | None = value(Text(64, 1), "only takes of this job", None)
    task: str | None = value(Text(32, 1), "only takes of this task", None)
    limit: int = value(Whole(1, 1000), "how many at most", 50)
    before: str | None = value(
        Text(64, 1), "only takes older than this one: the last of the page before", None
    )


@dataclass(frozen=True, kw_only=True)
class ShowTake(Request):
    """One take with its recipe and receipt."""

    take: str = value(Text(64, 1), "the take's id")


@dataclass(frozen=True, kw_only=True)
class FetchTake(Request):
    """A take's files, as binary WebSocket frames that follow the answer."""

    take: str = value(Text(64, 1), "the take's id")
    what: str = value(
        Choice(("clip", "handles", "song", "picture", "recipe", "attachment")),
        "the clip, its handles, the whole song with the clip in it, the picture, the recipe, an attachment",
        "clip",
    )
    name: str = value(Text(255), "the attachment's name", "")


@dataclass(frozen=True, kw_only=True)
class ChooseTake(Request):
    """Accept a take for its region; the one chosen before stays in the history."""

    take: str = value(Text(64, 1), "the take's id")


@dataclass(frozen=True, kw_only=True)
class RevertTake(Request):
    """Go back to what was chosen before this take, or to the original."""

    take: str = value(Text(64, 1), "the take's id")


@dataclass(frozen=True, kw_only=True)
class VerifyStore(Request):
    """Read every stored audio again and compare it with its digest."""


@dataclass(frozen=True, kw_only=True)
class SweepStore(Request):
    """Remove stored audio that no take, job or chosen song refers to."""


@dataclass(frozen=True, kw_only=True)
class BeginUpload(Request):
    """Announce audio that will come as binary WebSocket frames."""

    name: str = value(Text(255, 1), "the file's name, for the takes")
    size: int = value(Whole(1, 2**34), "bytes that will follow")
    sha256: str = value(Text(64, 64), "SHA-256 of those bytes, in hexadecimal")

    def check(self) -> None:
        if not set(self.sha256.lower()) <= set("0123456789abcdef"):
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                "sha256: must be 64 hexadecimal digits.",
                "Send the SHA-256 of the file's bytes, as sha256sum prints it.",
                "sha256",
            )


@dataclass(frozen=True, kw_only=True)
class SetTempo(Request):
    """The song's tempo, for requests that do not give one."""

    bpm: float | None = value(Real(5, 1000), "quarter notes a minute", None)
    tempo_map: TempoMap | None = value(TempoMapKind(), "the whole tempo map", None)

    def check(self) -> None:
        if (self.bpm is None) == (self.tempo_map is None):
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                "bpm: the tempo is given twice, or not at all.",
                "Send either bpm or tempo_map.",
                "bpm",
            )


@dataclass(frozen=True, kw_only=True)
class SetMeter(Request):
    """The song's meter, for requests that do not give one."""

    meter: Meter = value(MeterKind(), "the time signature")


@dataclass(frozen=True, kw_only=True)
class SetKey(Request):
    """The song's key, for requests that do not give one."""

    key: Key = value(KeyKind(), "the key")


@dataclass(frozen=True, kw_only=True)
class SetSource(Request):
    """The song, for requests that do not name one."""

    source: str = value(Text(1024, 1), "as in a render request")
    position: Position | None = value(PositionKind(), "where its first sample lies on the timeline", None)
    rate: int | None = value(Whole(8_000, 384_000), "the project's sample rate", None)


@dataclass(frozen=True, kw_only=True)
class Select(Request):
    """The region, for requests that do not give one."""

    start: Position = value(PositionKind(), "first sample of the selection")
    end: Position = value(PositionKind(), "first sample after the selection")


@dataclass(frozen=True, kw_only=True)
class Transport(Request):
    """Where the DAW's playhead is."""

    position: Position = value(PositionKind(), "the playhead")
    rolling: bool = value(Flag(), "whether it moves", False)


@dataclass(frozen=True, kw_only=True)
class ForgetContext(Request):
    """Forget tempo, meter, key, source and selection of this client."""
