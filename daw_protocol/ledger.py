"""The authorship ledger of a song: whose each stretch of it is, and who chose what.

It travels with finished songs and projects, in their sound files, and later versions must be able to read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from daw_protocol.errors import ProtocolError
from daw_protocol.fields import Choice, Flag, Real, Whole
from daw_protocol.message import Message, value
from daw_protocol.receipt import MAX_SAMPLES
from daw_protocol.result_fields import AnyText, ListOf, Nullable, Record

SAMPLE = Whole(-MAX_SAMPLES, MAX_SAMPLES)
COUNT = Whole(0, MAX_SAMPLES)
LATEST = 2.0**40
"""Seconds since 1970."""
MOMENT = Nullable(Real(0, LATEST))

HUMAN, MACHINE, MIXED = "human", "machine", "mixed"
WHOSE = (HUMAN, MACHINE, MIXED)

SAME, EDITED, ABSENT = "same", "edited", "absent"


@dataclass(frozen=True, kw_only=True)
class LedgerStretch(Message):
    """One stretch of a song, from one change of what plays to the next."""

    writes_defaults: ClassVar[bool] = True
    start: int = value(SAMPLE, "its first sample, counted from the first of the original song")
    end: int = value(SAMPLE, "the first sample after it")
    whose: str = value(
        Choice(WHOSE),
        "human: the original, bit for bit; machine: takes alone; mixed: both, or the original rearranged",
    )
    takes: tuple[str, ...] = value(ListOf(AnyText()), "ids of the takes in it", ())
    reason: str = value(AnyText(), "why it is called that", "")


@dataclass(frozen=True, kw_only=True)
class LedgerTake(Message):
    """A take that plays in a song: how it was made, and who chose it."""

    writes_defaults: ClassVar[bool] = True
    take: str = value(AnyText(), "its id")
    task: str = value(AnyText(), "the task, such as repaint")
    stem: str = value(AnyText(), "mix, or the name of the stem or instrument", "mix")
    audio: str = value(AnyText(), "digest of its clip's audio", "")
    source_type: str = value(AnyText(), "digital source type, from IPTC's vocabulary", "")
    engine: str = value(AnyText(), "the engine's display name", "")
    made_by: str = value(AnyText(), "program and version", "")
    neural: bool = value(Flag(), "whether a neural network generated the audio", False)
    weights: str = value(AnyText(), "the model's weights; empty for an engine without weights", "")
    weights_digest: str = value(AnyText(), "digest of the weights, where the engine gives one", "")
    licence: str = value(AnyText(), "licence of the weights, as their publisher states it", "")
    prompt: str = value(AnyText(), "what was asked for", "")
    lyrics: str = value(AnyText(), "lyrics that were given", "")
    reference: str = value(AnyText(), "name of the reference audio, used with its performer's consent", "")
    made: float = value(Real(0, 2**40), "when it was rendered, in seconds since 1970", 0.0)
    chosen_by: str = value(AnyText(), "the program that chose it; empty where that was not noted", "")
    chosen: float | None = value(MOMENT, "when, in seconds since 1970; null where that was not noted", None)
    file: str = value(
        Choice(("", SAME, EDITED, ABSENT)),
        "of a ledger from files: whether its clip is there, and unchanged; empty for one from the store",
        "",
    )


@dataclass(frozen=True, kw_only=True)
class Ledger(Message):
    """Whose a finished song is, sample by sample."""

    writes_defaults: ClassVar[bool] = True
    title: str = value(AnyText(), "the song's title")
    song: str = value(AnyText(), "digest of the original song's audio")
    position: int = value(SAMPLE, "of the original's first sample on the timeline, in samples")
    rate: int = value(Whole(1, 768_000), "samples per second")
    start: int = value(SAMPLE, "the finished song's first sample, counted from the original's first", 0)
    end: int = value(SAMPLE, "the first sample after the finished song")
    source_type: str = value(
        AnyText(),
        "digital source type of the finished song; empty where nothing is known of the original",
        "",
    )
    stretches: tuple[LedgerStretch, ...] = value(
        ListOf(Record(LedgerStretch)), "in order; of a song without gaps, of clips alone with them", ()
    )
    takes: tuple[LedgerTake, ...] = value(
        ListOf(Record(LedgerTake)), "those that play, in order of appearance", ()
    )
    human: int = value(COUNT, "samples that are the original's", 0)
    machine: int = value(COUNT, "samples that are takes alone", 0)
    mixed: int = value(COUNT, "samples that are both", 0)
    notes: tuple[str, ...] = value(ListOf(AnyText()), "what the ledger does not know, and edited clips", ())


def ledger_in(stored: object) -> Ledger | None:
    """The ledger that a file carries as JSON; None for one that was written by hand, or is damaged."""
    try:
        return Ledger.from_stored(stored) if isinstance(stored, dict) else None
    except (ProtocolError, ValueError, TypeError):
        return None
