"""A value that arrived whole and means nothing to any field, such as a colour or a blob."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unreadable:
    """Stands in the value's place, so that the values behind it keep theirs. what: "a colour (type tag r)"."""

    what: str

    def __str__(self) -> str:
        return self.what
