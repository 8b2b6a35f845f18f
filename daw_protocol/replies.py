"""All replies of the bridge. A job gets one acknowledgement, progress, takes, and exactly one terminal message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Choice, FileName, Flag, Real, Text, Whole
from daw_protocol.message import Message, value
from daw_protocol.part_fields import PartsKind
from daw_protocol.seed import Seed

SAMPLES = Whole(-(2**53), 2**53)
SENTENCE = Text(2000)


@dataclass(frozen=True, kw_only=True)
class Reply(Message):
    """What all replies share: the request they answer."""

    name: ClassVar[str] = ""
    terminal: ClassVar[bool] = False
    id: str = value(Text(64), "the request's id", "")


@dataclass(frozen=True, kw_only=True)
class Acknowledged(Reply):
    """The request is valid and queued; sent at once."""

    name: ClassVar[str] = "ack"
    job: str = value(Text(64), "the job's id")
    state: str = value(Text(32), "the job's state")
    note: str = value(SENTENCE, "anything worth knowing at this point", "")


@dataclass(frozen=True, kw_only=True)
class JobProgress(Reply):
    """A job's progress, at most ten times per second; of other long work at once, with the id for `cancel`."""

    name: ClassVar[str] = "progress"
    job: str = value(Text(64), "the job's id; empty for what is no job")
    stage: str = value(Text(200), "the current stage")
    fraction: float = value(Real(0, 1), "the part of the job that is done, 0 to 1")
    seconds_left: float | None = value(Real(0, 1e7), "estimated seconds left", None)


@dataclass(frozen=True, kw_only=True)
class TakeReady(Reply):
    """One clip is in the store, checked and ready to place."""

    name: ClassVar[str] = "take"
    job: str = value(Text(64), "the job's id")
    take: str = value(Text(64), "the take's id")
    number: int = value(Whole(1, 1000), "the take's number within the job, from 1")
    stem: str = value(Text(64), "mix, or the name of the stem or instrument")
    position: int = value(SAMPLES, "start on the timeline, in samples")
    length: int = value(SAMPLES, "length in samples")
    rate: int = value(Whole(1, 384_000), "samples per second")
    seed: int = value(Seed(), "the seed it was rendered with")
    passed: bool = value(Flag(), "whether its receipt has no warnings")
    warning: str = value(SENTENCE, "the receipt's first warning", "")
    path: str = value(FileName(4096), "the Broadcast WAV file on the server's machine", "")
    region: int | None = value(
        Whole(1, 1000), "which of the request's several `regions` it is for, from 1", None
    )
    track: int | None = value(
        Whole(1, 1000), "which of the request's several `tracks` it is for, from 1", None
    )


@dataclass(frozen=True, kw_only=True)
class Analysed(Reply):
    """What `analyse` found in a song; `jobs.show` also has its beats and parts."""

    name: ClassVar[str] = "analysed"
    job: str = value(Text(64), "the job's id")
    bpm: float = value(Real(0, 1e6), "quarter notes per minute where the music begins")
    other_bpm: float | None = value(Real(0, 1e6), "half or twice that, where it may be meant as well", None)
    steady: bool = value(Flag(), "whether one tempo fits the whole song; otherwise it has a tempo map")
    meter: str = value(Text(16), "the time signature")
    downbeat: float = value(
        Real(-1e9, 1e9), "where the first whole bar begins, in seconds from the song's first sample"
    )
    key: str = value(Text(32), "the key", "")
    tuning: float = value(Real(-1200, 1200), "cents above A = 440 Hz", 0.0)
    parts: str = value(Text(200), "the song's parts in order: A B A", "")
    chords: str = value(
        Text(1000),
        "its chords on bars and beats, as accompany reads them; of many the first",
        "",
    )
    tempo_confidence: float = value(Real(0, 1), "that beats are found, at this tempo or an octave from it")
    octave_confidence: float = value(Real(0, 1), "that it is this tempo, not its half or double")
    downbeat_confidence: float = value(Real(0, 1), "that bars begin there")
    meter_confidence: float = value(Real(0, 1), "that a bar has so many beats")
    key_confidence: float = value(Real(0, 1), "that it is in this key")
    caption: str = value(SENTENCE, "the music in a sentence or two, where it was described", "")
    language: str = value(Text(16), "the language of the lyrics, where it was described", "")
    text: str = value(SENTENCE, "all of it in a sentence", "")


@dataclass(frozen=True, kw_only=True)
class Planned(Reply):
    """A new song's blueprint by `plan` or `rewrite`; `jobs.show` has all of it, lyrics and codes too."""

    name: ClassVar[str] = "blueprint"
    job: str = value(Text(64), "the job's id, which `generate` takes as `blueprint`")
    number: int = value(Whole(1, 1000), "the blueprint's number within the job, from 1")
    caption: str = value(SENTENCE, "the music in a sentence or two", "")
    bpm: float = value(Real(0, 1e6), "quarter notes per minute where the song begins; 0 if not known", 0.0)
    meter: str = value(Text(16), "the time signature", "")
    key: str = value(Text(32), "the key", "")
    language: str = value(Text(16), "the language of the lyrics; empty without any", "")
    seconds: float = value(Real(0, 1e6), "the song's length", 0.0)
    sections: str = value(Text(1000), 'its sections with their bars: "verse 1-8, chorus 9-16"', "")
    codes: int = value(
        Whole(0, 100_000), "how many audio codes it has; 0: `generate` renders its words alone", 0
    )
    fit: float = value(
        Real(0, 1),
        "how well the codes say what the words say, as their planner reads them back; it ranks plans with the same "
        "words only",
        0.0,
    )
    text: str = value(SENTENCE, "all of it in a sentence, and what to know about it", "")


@dataclass(frozen=True, kw_only=True)
class Done(Reply):
    """Terminal: all takes are ready."""

    name: ClassVar[str] = "done"
    terminal: ClassVar[bool] = True
    job: str = value(Text(64), "the job's id")
    takes: int = value(Whole(0, 1000), "number of clips delivered")


@dataclass(frozen=True, kw_only=True)
class Failed(Reply):
    """Terminal: the request failed. What was wrong, where, and what to do."""

    name: ClassVar[str] = "failed"
    terminal: ClassVar[bool] = True
    job: str = value(Text(64), "the job's id, if there is a job", "")
    code: str = value(Choice(tuple(code.value for code in ErrorCode)), "for programs")
    sentence: str = value(SENTENCE, "what was wrong, for people")
    remedy: str = value(SENTENCE, "what to do about it", "")
    field: str = value(Text(64), "the value at fault", "")

    @classmethod
    def from_error(cls, error: ProtocolError, *, request_id: str = "", job: str = "") -> Failed:
        return cls(
            id=request_id,
            job=job,
            code=error.code.value,
            sentence=error.sentence[:2000],
            remedy=error.remedy[:2000],
            field=error.field[:64],
        )


@dataclass(frozen=True, kw_only=True)
class Cancelled(Reply):
    """Terminal: the job was cancelled on request, or replaced by a newer one."""

    name: ClassVar[str] = "cancelled"
    terminal: ClassVar[bool] = True
    job: str = value(Text(64), "the job's id")
    reason: str = value(SENTENCE, "who or what cancelled it", "")


@dataclass(frozen=True, kw_only=True)
class Understood(Reply):
    """The command was executed (commands without a job); echoes how it was interpreted."""

    name: ClassVar[str] = "ok"
    terminal: ClassVar[bool] = True
    command: str = value(Text(64), "the command it answers")
    text: str = value(SENTENCE, "how the server interpreted it", "")
    note: str = value(SENTENCE, "anything worth knowing, such as what is odd about an uploaded file", "")


@dataclass(frozen=True, kw_only=True)
class AuditionState(Reply):
    """The audition's state, sent to `watch` subscribers at every change and about 15 times a second during playback."""

    name: ClassVar[str] = "audition"
    state: str = value(
        Choice(("stopped", "playing", "waiting")), "waiting: for a render, or for the DAW's transport to roll"
    )
    take: str = value(Text(64), "the take's id; empty while a job or a song alone is playing")
    job: str = value(Text(64), "the job that plays while it renders")
    song: str = value(Text(80), "the song's digest; empty for a take without a source")
    stems: str = value(Text(2048), "the stems heard together, with commas; empty: the take alone", "")
    side: str = value(Choice(("take", "original")), "the side now playing")
    position: int = value(SAMPLES, "the audible position on the timeline, in samples")
    start: int = value(SAMPLES, "first sample of the loop or playback range")
    end: int = value(SAMPLES, "first sample after it")
    loop: bool = value(Flag(), "whether playback loops")
    auto: bool = value(Flag(), "whether renders play automatically")
    before: int = value(Whole(0, 64), "pre-roll in bars")
    after: int = value(Whole(0, 64), "post-roll in bars")
    gain_db: float = value(Real(-1000, 1000), "playback gain")
    match: bool = value(Flag(), "whether take and original play at the same loudness")
    match_db: float = value(Real(-1000, 1000), "loudness-matching gain on the side now playing")
    output: str = value(Text(256), "the chosen sound device; empty: the system's default")
    device: str = value(Text(256), "the open sound device; empty if none is open")
    rate: int = value(Whole(0, 10**7), "the device's sample rate; 0 if none is open")
    channels: int = value(Whole(0, 1024), "the device's channels in use")
    latency_ms: float = value(Real(0, 1e6), "output latency reported by the device")
    underruns: int = value(Whole(0, 2**53), "times the device ran out of samples since playback started")
    follow: str = value(Choice(("none", "osc", "midi", "jack", "link")), "the transport it chases")
    port: str = value(Text(256), "the MIDI input named for its clock; empty: the first one")
    offset_ms: float | None = value(Real(-1e9, 1e9), "measured lead over that transport", None)
    drift_ppm: float | None = value(
        Real(-1e6, 1e6), "how much faster that transport runs than this machine's clock", None
    )
    message: str = value(
        SENTENCE, "anything the producer should know, such as a lost device or a failed render"
    )


@dataclass(frozen=True, kw_only=True)
class FocusMoved(Reply):
    """To `watch` subscribers: the song, region, tempo, time signature, key or playhead changed; see `focus.show`."""

    name: ClassVar[str] = "focus"
    revision: int = value(Whole(0, 2**53), "number of changes since the server started")
    client: str = value(Text(128), "the client that changed it", "")
    playhead: int | None = value(
        SAMPLES, "the DAW's playhead, in samples; playhead moves alone do not count as a revision", None
    )
    rolling: bool = value(Flag(), "whether the DAW's transport is rolling", False)


@dataclass(frozen=True, kw_only=True)
class TakeChosen(Reply):
    """To `watch` subscribers: the chosen take of a region changed."""

    name: ClassVar[str] = "chosen"
    take: str = value(
        Text(64), "the take chosen now, of a comp the one chosen last; empty for the original", ""
    )
    song: str = value(Text(80), "the song's digest", "")
    start: int = value(SAMPLES, "first sample of the region, counted from the song's first")
    end: int = value(SAMPLES, "first sample after it")
    stem: str = value(Text(64), "mix, or the name of the stem or instrument", "mix")
    parts: tuple[tuple[str, int, int], ...] = value(
        PartsKind(), "what plays where, counted like start and end, unless it is all of one take", ()
    )


@dataclass(frozen=True, kw_only=True)
class TakeMarked(Reply):
    """To `watch` subscribers: a take was named, given stars, hidden or shown."""

    name: ClassVar[str] = "marked"
    take: str = value(Text(64), "the take's id")
    called: str = value(Text(80), "the take's name; empty without one", "")
    stars: int = value(Whole(0, 5), "its stars", 0)
    hidden: bool = value(Flag(), "whether it is hidden", False)


MODEL_STATES = ("checking", "fetching", "done", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True)
class ModelProgress(Reply):
    """To `watch` subscribers: a model's download began, moved on (some four times a second) or ended."""

    name: ClassVar[str] = "model"
    model: str = value(Text(64), "the model's name")
    state: str = value(Choice(MODEL_STATES), "what it is doing, or how it ended")
    file: str = value(Text(200), "the file in progress", "")
    done: int = value(SAMPLES, "bytes that have come", 0)
    total: int = value(SAMPLES, "bytes to come in all; 0 while that is not known", 0)
    speed: float = value(Real(0, 2**40), "bytes per second", 0.0)
    sentence: str = value(SENTENCE, "why it failed", "")
    remedy: str = value(SENTENCE, "what to do about it", "")


TRAINING_STATES = ("training", "waiting", "stopped", "failed", "done")


@dataclass(frozen=True, kw_only=True)
class TrainingMoved(Reply):
    """To `watch` subscribers: a training began, moved on (some four times a second), waits for a render, or ended."""

    name: ClassVar[str] = "training"
    training: str = value(Text(64), "the name of the adapter")
    state: str = value(Choice(TRAINING_STATES), "what it is doing, or how it ended")
    phase: str = value(Text(300), "what is being done, in words", "")
    on: str = value(Text(300), "the render host that trains it; empty: this machine", "")
    share: float = value(Real(0, 1), "the part of that which is done, 0 to 1", 0.0)
    step: int = value(SAMPLES, "steps taken", 0)
    steps: int = value(SAMPLES, "steps wanted; 0 while that is not known", 0)
    loss: float | None = value(Real(0, 1e9), "loss of the last step", None)
    checked: float | None = value(
        Real(0, 1e9), "loss on the fixed examples, where it was measured after this step", None
    )
    seconds_left: float | None = value(Real(0, 1e9), "estimated seconds left", None)
    preview: str = value(Text(64), "the name of a preview that was just rendered", "")
    adapter: str = value(
        Text(300), "when it is done: the file, as the engine's option `adapter` names it", ""
    )
    sentence: str = value(SENTENCE, "why it failed", "")
    remedy: str = value(SENTENCE, "what to do about it", "")


REPLIES: tuple[type[Reply], ...] = (
    Acknowledged,
    JobProgress,
    TakeReady,
    Analysed,
    Planned,
    Done,
    Failed,
    Cancelled,
    Understood,
    AuditionState,
    FocusMoved,
    TakeChosen,
    TakeMarked,
    ModelProgress,
    TrainingMoved,
)
