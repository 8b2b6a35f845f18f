"""The checkpoint that a request names, of those an engine has found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from model.errors import CannotRender


class Named(Protocol):
    """A checkpoint."""

    @property
    def name(self) -> str: ...


Found = TypeVar("Found", bound=Named)


def named_checkpoint(
    found: Sequence[Found], wanted: str, is_called: Callable[[str, str], bool] = str.__eq__
) -> Found:
    """The one with this name; the first where none is wanted. is_called: whether a checkpoint's own name is the wanted
    one. Raises CannotRender."""
    for one in found:
        if not wanted or is_called(one.name, wanted):
            return one
    names = ", ".join(one.name for one in found)
    raise CannotRender(f"There is no checkpoint called {wanted!r}.", f"Available: {names}.")
