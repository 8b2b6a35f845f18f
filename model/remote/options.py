"""Reads a request's options for other servers: checked here, because they answer wrong ones with silence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from model.errors import CannotRender


def number_of(
    options: Mapping[str, Any], name: str, least: float, most: float, *, whole: bool = False
) -> float | int | None:
    """The option's number; None where it is not given. Raises CannotRender."""
    given = options.get(name)
    if given is None:
        return None
    kinds = int if whole else (int, float)
    if (
        isinstance(given, bool)
        or not isinstance(given, kinds)
        or not math.isfinite(given)
        or not least <= given <= most
    ):
        kind = "whole number" if whole else "number"
        raise CannotRender(
            f"The option {name} cannot be {given!r}.", f"Use a {kind} from {least:g} to {most:g}."
        )
    return given
