"""Everything the bridge says back. One acknowledgement, progress, takes, and exactly one terminal message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.kinds import Choice, Flag, Real, Text, Whole
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


REPLIES: tuple[type[Reply], ...] = (
    Acknowledged,
    JobProgress,
    TakeReady,
    Done,
    Failed,
    Cancelled,
    Understood,
)
