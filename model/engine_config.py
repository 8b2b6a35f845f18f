"""How an engine was set up: its options, from JSON or from a command line, as the engine's own frozen dataclass.

An engine with options has a class attribute `config_type`, a frozen dataclass with a default for every field, and is
made with a value of it. Fields are str, bool, int or float.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_type_hints

from model.errors import NotLoaded

Option = str | bool | int | float
Options = Mapping[str, Option]
"""Options by name, as JSON carries them. A number or a switch may be text, as on a command line."""

_SWITCHES = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def config_from(engine: type, options: Options) -> Any:
    """The engine's config with these options; None for an engine that takes none.

    Raises NotLoaded for an option the engine does not have, and for a value that is not of its kind.
    """
    kind = getattr(engine, "config_type", None)
    fields = {} if kind is None else get_type_hints(kind)
    for name in options:
        if name not in fields:
            remedy = f"It has: {', '.join(fields)}." if fields else "Omit it."
            raise NotLoaded(f"The engine has no start option called {name!r}.", remedy)
    if kind is None:
        return None
    try:
        return kind(**{name: _read(name, fields[name], given) for name, given in options.items()})
    except ValueError as error:  # from a value's own check too
        raise NotLoaded(f"The engine's start options are wrong: {error}.", "Correct them.") from error


def _read(name: str, kind: type, given: Option) -> Option:
    """Raises ValueError, with the name and what would be right."""
    found = _converted(kind, given)
    if found is None:
        raise ValueError(f"{name} must be {_WANTED[kind]}, got {given!r}")
    return found


_WANTED = {str: "text", bool: "on or off", int: "a whole number", float: "a number"}


def _converted(kind: type, given: Option) -> Option | None:
    if kind is bool:
        return given if isinstance(given, bool) else _SWITCHES.get(str(given).lower())
    if kind is str:
        return given if isinstance(given, str) else None
    assert kind in (int, float), f"a config has fields of str, bool, int and float, not {kind}"
    if isinstance(given, bool):
        return None
    try:
        number = kind(given)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number) or (kind is int and float(given) != number):
        return None
    return number
