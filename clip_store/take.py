"""A take: one rendered answer to a request, as a record. It names its audio by digest and never changes.

Which take is chosen is not a property of the take; the index keeps that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from daw_protocol.receipt import Receipt
from daw_protocol.recipe import Recipe
from daw_protocol.timeline.span import Span

MIX = "mix"
"""The stem name of takes that are the whole mix."""


class Attachment(NamedTuple):
    """Something that belongs to a take and is not its audio: a MIDI file, a picture. Kept as a blob."""

    name: str
    media_type: str
    digest: str


@dataclass(frozen=True)
class Take:
    """One take.

    id:       unique; its first eight characters stand in file names.
    job:      id of the job that made it.
    number:   1-based among the takes of its request.
    task:     "repaint", "extract", ...
    stem:     MIX, or the name of the stem or track.
    title:    the song's name as the producer knows it.
    parent:   digest of the song it was made from; None when there was none ("generate").
    audio:    digest of the clip: exactly the region, crossfades in it.
    handles:  digest of the render with pre- and post-roll, un-spliced; None when there is none.
    result:   digest of the whole song with the clip in it, whether or not it is stored: links to later takes.
    origin:   id of the take this is a variation of; None for a first one.
    position: of its first sample, on the timeline, in samples (negative before the timeline's zero).
    start:    of its first sample, in samples from the parent song's first (negative before it).
    length:   in samples.
    rate:     hertz.
    request:  what was asked: the JSON form of the request, with everything the context added.
    recipe:   how it was rendered.
    receipt:  what was measured on it.
    created:  seconds since 1970, given by the caller.
    """

    id: str
    job: str
    number: int
    task: str
    parent: str | None
    audio: str
    position: int
    start: int
    length: int
    rate: int
    created: float
    stem: str = MIX
    title: str = ""
    handles: str | None = None
    result: str | None = None
    origin: str | None = None
    request: Mapping[str, object] = field(default_factory=dict)
    recipe: Recipe = field(default_factory=Recipe)
    receipt: Receipt = field(kw_only=True)
    attachments: tuple[Attachment, ...] = ()

    def __post_init__(self) -> None:
        # A file name that is not UTF-8 gives letters that no text column, XML or JSON reader takes.
        object.__setattr__(self, "title", self.title.encode("utf-8", "replace").decode("utf-8"))
        if not self.id:
            raise ValueError("id must not be empty")
        if self.number < 1:
            raise ValueError(f"number must be 1 or more, got {self.number}")
        if self.length < 1:
            raise ValueError(f"length must be 1 or more samples, got {self.length}")
        if self.rate < 1:
            raise ValueError(f"rate must be positive, got {self.rate}")

    @property
    def region(self) -> Span:
        """Where it lies in its parent song, in samples from the song's first."""
        return Span(self.start, self.start + self.length)

    @property
    def base(self) -> str | None:
        """Digest of the song it was spliced into: its parent, or that with accepted takes in it."""
        return self.recipe.heard.digest if self.recipe.heard else self.parent

    @property
    def start_in_base(self) -> int:
        """Of its first sample, in samples from the base's first."""
        return self.start - (self.recipe.heard.begins if self.recipe.heard else 0)

    @property
    def digests(self) -> tuple[str, ...]:
        """Every blob it needs, the song, what was heard of it and a reference included."""
        reference = self.recipe.reference.digest if self.recipe.reference else None
        named = (
            self.parent, self.base, self.audio, self.handles, reference, *(entry.digest for entry in self.attachments)
        )  # fmt: skip
        return tuple(dict.fromkeys(digest for digest in named if digest))


def unmeasured(position: int, length: int, rate: int) -> Receipt:
    """The receipt of a clip that nothing was measured on: where it lies, and a warning."""
    warning = "The receipt of this take is missing, so nothing is known of its alignment."
    return Receipt(position=position, length=length, rate=rate, exact=False, warnings=(warning,))


_JSON_COLUMNS = ("request", "recipe", "receipt", "attachments")

COLUMNS = tuple(entry.name for entry in fields(Take))
"""The table's columns are the fields, in order; the four JSON ones as text."""


def to_row(take: Take) -> tuple[Any, ...]:
    """Values in the order of COLUMNS. Raises ValueError when a JSON field holds NaN or infinity."""
    stored = {
        "request": dict(take.request),
        "recipe": take.recipe.to_fields(),
        "receipt": take.receipt.to_fields(),
        "attachments": take.attachments,
    }
    return tuple(
        json.dumps(stored[name], allow_nan=False, sort_keys=True) if name in stored else getattr(take, name)
        for name in COLUMNS
    )


def from_row(row: Sequence[Any]) -> Take:
    """The inverse of to_row; rows that an earlier or later version wrote may have fewer or other JSON keys."""
    values = dict(zip(COLUMNS, row, strict=True))
    for name in _JSON_COLUMNS:
        values[name] = json.loads(values[name])
    values["attachments"] = tuple(Attachment(*entry) for entry in values["attachments"])
    values["recipe"] = Recipe.from_stored(values["recipe"])
    values["receipt"] = _receipt_in(values["receipt"], values["position"], values["length"], values["rate"])
    return Take(**values)


def _receipt_in(stored: Mapping[str, Any], position: int, length: int, rate: int) -> Receipt:
    if "exact" not in stored:  # nothing else it says can be relied on
        return Receipt.from_stored({**unmeasured(position, length, rate).to_fields(), **stored})
    return Receipt.from_stored({"position": position, "length": length, "rate": rate, **stored})
