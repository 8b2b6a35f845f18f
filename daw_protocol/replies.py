"""Everything the bridge says back. One acknowledgement, progress, takes, and exactly one terminal message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Choice, Flag, Real, Text, Whole
from daw_protocol.message import Message, value

SAMPLES = Whole(-(2**53), 2**53)
SENTENCE = Text(2000)


@dataclass(frozen=True, kw_only=True)
class Reply(Message):
    """What all replies share: which request they answer."""

    name: ClassVar[str] = ""
    terminal: ClassVar[bool] = False
    id: str = value(Text(64), "the request's id", "")


@dataclass(frozen=True, kw_only=True)
class Acknowledged(Reply):
    """The request was understood and is in the queue; comes at once."""

    name: ClassVar[str] = "ack"
    job: str = value(Text(64), "the job's id")
    state: str = value(Text(32), "the job's state")
    note: str = value(SENTENCE, "anything worth knowing now", "")


@dataclass(frozen=True, kw_only=True)
class JobProgress(Reply):
    """How far a job is; ten a second at most."""

    name: ClassVar[str] = "progress"
    job: str = value(Text(64), "the job's id")
    stage: str = value(Text(200), "what is being done")
    fraction: float = value(Real(0, 1), "how much of the job is done, 0 to 1")
    seconds_left: float | None = value(Real(0, 1e7), "estimate", None)


@dataclass(frozen=True, kw_only=True)
class TakeReady(Reply):
    """One clip is in the store, checked and ready to be placed."""

    name: ClassVar[str] = "take"
    job: str = value(Text(64), "the job's id")
    take: str = value(Text(64), "the take's id")
    number: int = value(Whole(1, 1000), "which of the job's takes, from 1")
    stem: str = value(Text(64), "mix, or which stem or instrument")
    position: int = value(SAMPLES, "where it starts, in samples of the timeline")
    length: int = value(SAMPLES, "its length in samples")
    rate: int = value(Whole(1, 384_000), "samples per second")
    seed: int = value(Whole(0, 2**53), "the seed it was rendered with")
    passed: bool = value(Flag(), "whether its receipt is clean")
    warning: str = value(SENTENCE, "the receipt's first warning", "")
    path: str = value(Text(4096), "the Broadcast WAV file on the server's machine", "")


@dataclass(frozen=True, kw_only=True)
class Done(Reply):
    """Terminal: all takes are there."""

    name: ClassVar[str] = "done"
    terminal: ClassVar[bool] = True
    job: str = value(Text(64), "the job's id")
    takes: int = value(Whole(0, 1000), "how many clips came back")


@dataclass(frozen=True, kw_only=True)
class Failed(Reply):
    """Terminal: it could not be done. What was wrong, where, and what to do."""

    name: ClassVar[str] = "failed"
    terminal: ClassVar[bool] = True
    job: str = value(Text(64), "the job's id, when there is one", "")
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
    """Terminal: the job was stopped on request, or a newer request took its place."""

    name: ClassVar[str] = "cancelled"
    terminal: ClassVar[bool] = True
    job: str = value(Text(64), "the job's id")
    reason: str = value(SENTENCE, "who stopped it", "")


@dataclass(frozen=True, kw_only=True)
class Understood(Reply):
    """A message that needs no job was carried out; says how it was understood."""

    name: ClassVar[str] = "ok"
    terminal: ClassVar[bool] = True
    command: str = value(Text(64), "the command it answers")
    text: str = value(SENTENCE, "what the server made of it", "")


@dataclass(frozen=True, kw_only=True)
class AuditionState(Reply):
    """What is being played, at every change and some 15 times a second while it plays; to those who `watch`."""

    name: ClassVar[str] = "audition"
    state: str = value(
        Choice(("stopped", "playing", "waiting")), "waiting: for a render, or for the DAW's transport to move"
    )
    take: str = value(Text(64), "the take's id; empty while a job or a bare song is playing")
    job: str = value(Text(64), "the job that is heard while it is being rendered")
    song: str = value(Text(80), "the song's digest; empty for a take that was made from none")
    side: str = value(Choice(("take", "original")), "which of both is heard")
    position: int = value(SAMPLES, "what is heard now, in samples of the timeline")
    start: int = value(SAMPLES, "first sample of the loop, or of what is played")
    end: int = value(SAMPLES, "first sample after it")
    loop: bool = value(Flag(), "whether it begins again at its end")
    auto: bool = value(Flag(), "whether renders are played by themselves")
    before: int = value(Whole(0, 64), "bars of the song that are heard before takes")
    after: int = value(Whole(0, 64), "bars of the song that are heard after takes")
    gain_db: float = value(Real(-1000, 1000), "how loud everything is played")
    match: bool = value(Flag(), "whether take and original are brought to one loudness")
    match_db: float = value(Real(-1000, 1000), "what that does to the side that is heard")
    output: str = value(Text(256), "the sound device that was chosen; empty: the system's own")
    device: str = value(Text(256), "the sound device that is open; empty while none is")
    rate: int = value(Whole(0, 10**7), "its rate, 0 while none is open")
    channels: int = value(Whole(0, 1024), "its channels in use")
    latency_ms: float = value(
        Real(0, 1e6), "from the samples handed to the device to the ear, as the device says"
    )
    underruns: int = value(
        Whole(0, 2**53), "how often the device was left without samples since playback began"
    )
    follow: str = value(Choice(("none", "osc", "midi", "jack")), "the transport it is in time with")
    port: str = value(Text(256), "the MIDI input that was named for its clock; empty: the first one")
    offset_ms: float | None = value(Real(-1e9, 1e9), "how far it is ahead of that transport, measured", None)
    drift_ppm: float | None = value(
        Real(-1e6, 1e6), "how much faster that transport runs than this machine's clock", None
    )
    message: str = value(
        SENTENCE, "anything the producer should know: a device that has gone, a render that failed"
    )


@dataclass(frozen=True, kw_only=True)
class FocusMoved(Reply):
    """To those who watch: another song, region, tempo, meter, key or playhead; `focus.show` tells which."""

    name: ClassVar[str] = "focus"
    revision: int = value(Whole(0, 2**53), "counts the changes since the server started")
    client: str = value(Text(128), "who moved it", "")
    playhead: int | None = value(
        SAMPLES, "the DAW's playhead, in samples; its moves alone are no revision", None
    )
    rolling: bool = value(Flag(), "whether the DAW plays", False)


@dataclass(frozen=True, kw_only=True)
class TakeChosen(Reply):
    """To those who watch: which take is in force at a place has changed."""

    name: ClassVar[str] = "chosen"
    take: str = value(Text(64), "the take in force now; empty when the original is back", "")
    song: str = value(Text(80), "digest of the song", "")
    start: int = value(SAMPLES, "first sample of the place, counted from the song's first")
    end: int = value(SAMPLES, "first sample after it")
    stem: str = value(Text(64), "mix, or which stem or instrument", "mix")


REPLIES: tuple[type[Reply], ...] = (
    Acknowledged,
    JobProgress,
    TakeReady,
    Done,
    Failed,
    Cancelled,
    Understood,
    AuditionState,
    FocusMoved,
    TakeChosen,
)
