"""A take: one rendered answer to a request, as a record. It names its audio by digest and never changes.

Which take is chosen is not a property of the take; the index keeps that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

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
    request, recipe, receipt: JSON objects: what was asked, how to render it again, what was measured.
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
    request: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    receipt: Mapping[str, Any] = field(default_factory=dict)
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
    def digests(self) -> tuple[str, ...]:
        """Every blob it needs, the song and a reference included."""
        reference = self.recipe.get("reference")
        heard = reference.get("digest") if isinstance(reference, Mapping) else None
        named = (self.parent, self.audio, self.handles, heard, *(entry.digest for entry in self.attachments))
        return tuple(digest for digest in named if digest is not None)


_JSON_COLUMNS = ("request", "recipe", "receipt", "attachments")

COLUMNS = tuple(entry.name for entry in fields(Take))
"""The table's columns are the fields, in order; the four JSON ones as text."""


def to_row(take: Take) -> tuple[Any, ...]:
    """Values in the order of COLUMNS. Raises ValueError when a JSON field holds NaN or infinity."""
    return tuple(
        json.dumps(_plain(getattr(take, name)), allow_nan=False, sort_keys=True)
        if name in _JSON_COLUMNS
        else getattr(take, name)
        for name in COLUMNS
    )


def from_row(row: Sequence[Any]) -> Take:
    """The inverse of to_row."""
    values = dict(zip(COLUMNS, row, strict=True))
    for name in _JSON_COLUMNS:
        values[name] = json.loads(values[name])
    values["attachments"] = tuple(Attachment(*entry) for entry in values["attachments"])
    return Take(**values)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
