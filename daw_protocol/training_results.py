"""What commands about trainings return."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Choice, Flag, Real
from daw_protocol.message import Message, value
from daw_protocol.replies import TRAINING_STATES
from daw_protocol.result_fields import AnyText, ListOf, Nullable, Record, Row
from daw_protocol.results import COUNT, TEXTS

SECONDS = Real(0, 1e9)
LOSS = Real(0, 1e9)


@dataclass(frozen=True, kw_only=True)
class TrainingRecord(Message):
    """A training, under way or not."""

    name: str = value(AnyText(), "the adapter's name")
    state: str = value(Choice(TRAINING_STATES), "what it is doing, or how it ended")
    phase: str = value(AnyText(), "what is being done, in words", "")
    on: str = value(AnyText(), "the render host that trains it; empty: this machine", "")
    elsewhere: bool = value(Flag(), "whether another program trains it, which alone can stop it", False)
    share: float = value(Real(0, 1), "the part of that which is done, 0 to 1", 0.0)
    step: int = value(COUNT, "steps taken", 0)
    steps: int = value(COUNT, "steps wanted; 0 while that is not known", 0)
    seconds_left: float | None = value(Nullable(SECONDS), "estimated seconds left", None)
    songs: tuple[str, ...] = value(TEXTS, "the songs it learns from", ())
    described: tuple[str, ...] = value(TEXTS, "those of them that a planner wrote about", ())
    adapter: str = value(
        AnyText(), "when it is done: the file, as the engine's option `adapter` names it", ""
    )
    previews: tuple[str, ...] = value(
        TEXTS, "what was rendered on the way, by step; `/trainings/NAME/previews/PREVIEW.wav` has it", ()
    )
    sentence: str = value(AnyText(), "why it failed", "")
    remedy: str = value(AnyText(), "what to do about it", "")


@dataclass(frozen=True, kw_only=True)
class TrainingHost(Message):
    """A render host, as far as trainings go."""

    name: str = value(AnyText(), "its name")
    address: str = value(AnyText(), "where it is")
    ready: bool = value(Flag(), "whether it can be reached and can train")
    reason: str = value(AnyText(), "why not", "")
    remedy: str = value(AnyText(), "what to do about it", "")
    models: tuple[str, ...] = value(TEXTS, "the models an adapter can be trained for there", ())
    planner: bool = value(Flag(), "whether a planner can write about songs there", False)


@dataclass(frozen=True, kw_only=True)
class TrainingList(Message):
    """The trainings of a server."""

    ready: bool = value(Flag(), "whether something can be trained: packages and a model are there")
    reason: str = value(AnyText(), "why not", "")
    remedy: str = value(AnyText(), "what to do about it", "")
    models: tuple[str, ...] = value(TEXTS, "the models an adapter can be trained for")
    planner: bool = value(Flag(), "whether a planner can write about songs that have no words with them")
    hosts: tuple[TrainingHost, ...] = value(
        ListOf(Record(TrainingHost)), "the render hosts, which may train too", ()
    )
    folders: tuple[str, ...] = value(TEXTS, "folders in which songs may lie")
    trainings: tuple[TrainingRecord, ...] = value(
        ListOf(Record(TrainingRecord)), "the one under way first, then by name"
    )


@dataclass(frozen=True, kw_only=True)
class ShownTraining(TrainingRecord):
    """A training with its figures."""

    losses: tuple[float, ...] = value(ListOf(LOSS), "loss of every step", ())
    checks: tuple[tuple[int, float], ...] = value(
        ListOf(Row((COUNT, LOSS))), "`[step, loss]` on the fixed examples", ()
    )


@dataclass(frozen=True, kw_only=True)
class SongToTrainOn(Message):
    """A song of a folder."""

    name: str = value(AnyText(), "its file")
    seconds: float = value(SECONDS, "how long it is")
    caption: str = value(AnyText(), "what stands next to it about its sound; else its name")
    words: bool = value(Flag(), "whether anything stands next to it")
    lyrics: bool = value(Flag(), "whether lyrics do")


@dataclass(frozen=True, kw_only=True)
class TrainingSongs(Message):
    """The songs of a folder."""

    folder: str = value(AnyText(), "the folder's whole name")
    digest: str = value(AnyText(), "of all of them, for `training.start`")
    songs: tuple[SongToTrainOn, ...] = value(ListOf(Record(SongToTrainOn)), "the songs, by name")


@dataclass(frozen=True, kw_only=True)
class DiscardedTraining(Message):
    """What is unfinished of a training was removed."""

    name: str = value(AnyText(), "the adapter's name")
    note: str = value(AnyText(), "what may be left of it at a render host; empty where nothing is", "")
