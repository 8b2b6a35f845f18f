"""What commands about takes return, the choices in a song and its exports included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from daw_protocol.fields import Choice, Flag, Real, Whole
from daw_protocol.message import Message, value
from daw_protocol.part_fields import PartsKind
from daw_protocol.receipt import Receipt
from daw_protocol.recipe import LyricRecord, Recipe
from daw_protocol.replies import SAMPLES
from daw_protocol.result_fields import AnyText, ListOf, Nullable, Record, Row
from daw_protocol.results import ID, MOMENT, MOMENT_DOC, RATE, REQUEST, TEXTS
from daw_protocol.seed import Seed
from daw_protocol.song_receipt import SongReceipt
from daw_protocol.tasks import InSong


@dataclass(frozen=True, kw_only=True)
class TakeRecord(Message):
    """A take. Positions and lengths are in samples at `rate`."""

    take: str = value(ID, "the take's id")
    job: str = value(ID, "the job that made it")
    number: int = value(Whole(1, 1000), "the take's number within the request, from 1")
    task: str = value(ID, "the task, such as repaint")
    stem: str = value(AnyText(), "mix, or the name of the stem or instrument")
    title: str = value(AnyText(), "the song's name")
    song: str | None = value(Nullable(AnyText()), "digest of the song it was made from")
    audio: str = value(AnyText(), "digest of the clip")
    origin: str | None = value(Nullable(AnyText()), "the take it is a variation of")
    position: int = value(SAMPLES, "its start on the timeline")
    length: int = value(SAMPLES, "its length")
    rate: int = value(RATE, "samples per second")
    created: float = value(MOMENT, f"when it was made, {MOMENT_DOC}")
    prompt: str = value(AnyText(), "the prompt of its request")
    seed: int | None = value(Nullable(Seed()), "the seed it was rendered with")
    engine: str = value(AnyText(), "the engine of its request")
    receipt: Receipt = value(Record(Receipt), "the measurements")
    words: tuple[str, ...] = value(TEXTS, "the receipt in sentences")
    heard: tuple[str, ...] = value(TEXTS, "accepted takes that were in the song it was made for", ())
    heard_before: tuple[str, ...] = value(TEXTS, "those of them that are no longer accepted", ())
    handles: bool = value(Flag(), "whether it has handles")
    attachments: tuple[str, ...] = value(TEXTS, "names of its attachments")
    strength: float | None = value(
        Nullable(Real(0, 1)), "the strength of its request, where it had one", None
    )
    name: str = value(AnyText(), "the name it was given; empty without one", "")
    stars: int = value(Whole(0, 5), "its stars", 0)
    hidden: bool = value(Flag(), "whether it was hidden", False)
    region: int | None = value(
        Whole(1, 1000), "which of its request's several `regions` it is for, from 1", None
    )
    track: int | None = value(
        Whole(1, 1000), "which of its request's several `tracks` it is for, from 1", None
    )


@dataclass(frozen=True, kw_only=True)
class ListedTake(TakeRecord):
    """A take in a list."""

    chosen: bool = value(Flag(), "whether it is chosen for its region, or a part of it is")
    parts: tuple[tuple[int, int], ...] = value(
        ListOf(Row((SAMPLES, SAMPLES))),
        "the parts of it that are chosen, first sample and first after it, on the timeline; empty for all or nothing",
        (),
    )


@dataclass(frozen=True, kw_only=True)
class TakeList(Message):
    """Takes."""

    takes: tuple[ListedTake, ...] = value(ListOf(Record(ListedTake)), "the takes")
    accepted: tuple[tuple[str, int, int], ...] = value(
        ListOf(Row((Choice(tuple(InSong)), SAMPLES, SAMPLES))),
        "with `song`, all that is accepted in it, in its takes and in its stems: what it is in the song (`song` takes "
        "the song's place, `stem` changes a stem of it, `backing` plays along), its first sample and the first after "
        "it, from the song's first",
        (),
    )


@dataclass(frozen=True, kw_only=True)
class RankedTake(Message):
    """How well one take follows a prompt."""

    take: str = value(ID, "the take's id")
    match: float | None = value(
        Nullable(Real(-1, 1)),
        "how alike the take and the prompt are to the network, -1 to 1; takes of one prompt can be compared. null: it "
        "has no prompt",
    )
    prompt: str = value(AnyText(), "the prompt it was compared with; empty without one")


@dataclass(frozen=True, kw_only=True)
class RankedTakes(Message):
    """Takes, the one that follows its prompt best first; those without a prompt last."""

    takes: tuple[RankedTake, ...] = value(ListOf(Record(RankedTake)), "the takes")
    network: str = value(AnyText(), "the network that heard them")


@dataclass(frozen=True, kw_only=True)
class HeardTake(Message):
    """What a speech recogniser heard in one take."""

    take: str = value(ID, "the take's id")
    match: float | None = value(
        Nullable(Real(0, 1)),
        "share of the lyrics' words that were heard in their order, 0 to 1. null: it has no lyrics",
    )
    words: int = value(Whole(0, 100_000), "how many words its lyrics have", 0)
    text: str = value(AnyText(), "what was heard", "")
    confidence: float = value(
        Real(0, 1), "how sure the recogniser is of what it heard, 0 to 1; below 0.5 it guesses", 0.0
    )
    language: str = value(AnyText(), "the language it listened for, such as en", "")
    language_confidence: float = value(
        Real(0, 1), "how sure it is of that, 0 to 1; 1 where the request named it", 0.0
    )


@dataclass(frozen=True, kw_only=True)
class HeardTakes(Message):
    """Takes and their words, newest first."""

    takes: tuple[HeardTake, ...] = value(ListOf(Record(HeardTake)), "the takes")
    network: str = value(AnyText(), "the network that heard them")


@dataclass(frozen=True, kw_only=True)
class TakeWithRecipe(TakeRecord):
    """A take with its request, recipe and file."""

    request: Mapping[str, object] = value(REQUEST, "its request, completed from the context")
    recipe: Recipe = value(Record(Recipe), "how it was rendered")
    path: str = value(AnyText(), "its Broadcast WAV file on the server's machine")
    sung: tuple[LyricRecord, ...] = value(
        ListOf(Record(LyricRecord)),
        "its lines where they are sung, in seconds from the clip's first sample; empty unless they were timed",
        (),
    )


@dataclass(frozen=True, kw_only=True)
class ChosenTake(Message):
    """The take now chosen for the region."""

    chosen: str | None = value(
        Nullable(ID), "the take's id, of a comp the one chosen last; null: the original"
    )
    parts: tuple[tuple[str, int, int], ...] = value(
        PartsKind(),
        "what plays where, unless it is all of one take: take, first sample and first after it, from the song's first",
        (),
    )


@dataclass(frozen=True, kw_only=True)
class MarkedTake(Message):
    """What is noted on a take now."""

    take: str = value(ID, "the take's id")
    name: str = value(AnyText(), "its name; empty without one")
    stars: int = value(Whole(0, 5), "its stars")
    hidden: bool = value(Flag(), "whether it is hidden")


@dataclass(frozen=True, kw_only=True)
class SongChange(ChosenTake):
    """What was undone or redone in a song: the region it is in, and what is chosen there now."""

    song: str = value(AnyText(), "the song's digest")
    start: int = value(SAMPLES, "first sample of the region, counted from the song's first")
    end: int = value(SAMPLES, "first sample after it")
    stem: str = value(AnyText(), "mix, or the name of the stem or instrument")
    undo: bool = value(Flag(), "whether there is more to undo")
    redo: bool = value(Flag(), "whether there is more to redo")


@dataclass(frozen=True, kw_only=True)
class DeletedTake(ChosenTake):
    """A deleted take's clip file, and the choice for its region."""

    take: str = value(ID, "the deleted take")
    clip: str = value(AnyText(), "its clip file, which stays for DAWs that use it; empty if there is none")


@dataclass(frozen=True, kw_only=True)
class ExportedProject(Message):
    """The files of an export."""

    path: str = value(AnyText(), "the project, or the finished song")
    files: tuple[str, ...] = value(TEXTS, "all files written")
    notes: tuple[str, ...] = value(TEXTS, "what the format cannot carry, and anything else worth knowing")
    url: str | None = value(
        AnyText(), "where GET finds a file in the store's export folder, at the server's port", None
    )
    receipt: SongReceipt | None = value(Record(SongReceipt), "of a finished song: the measurements", None)
    words: tuple[str, ...] = value(TEXTS, "the receipt in sentences", ())
