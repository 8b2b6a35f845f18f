"""The checkpoint that a request names, of those an engine has found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from model.errors import CannotRender


class Named(Protocol):
    """A checkpoint."""

    @property
    def name(self) -> str: ...


Found = TypeVar("Found", bound=Named)


def named_checkpoint(found: Sequence[Found], wanted: str) -> Found:
    """The one with this name; the first where none is wanted. Raises CannotRender."""
    for one in found:
        if wanted in ("", one.name):
            return one
    names = ", ".join(one.name for one in found)
    raise CannotRender(f"There is no checkpoint called {wanted!r}.", f"Available: {names}.")
