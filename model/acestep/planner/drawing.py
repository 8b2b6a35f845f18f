"""How the planner's tokens are drawn, and the engine's options for it. Numbers only, so that no torch is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from model.acestep.sampling.option_help import PLANNER_HELP
from model.errors import CannotRender


@dataclass(frozen=True)
class Drawing:
    """temperature: 0 = always the best. top_k: 0 = of all tokens. guidance: 1 = none; for codes only."""

    temperature: float = 0.85
    top_p: float = 0.9
    top_k: int = 0
    repetition: float = 1.0
    guidance: float = 2.0

    def changed(self, options: Mapping[str, float]) -> Drawing:
        """With what a request's options say; see `take_options`."""
        return replace(self, **options)  # type: ignore[arg-type]


DESCRIBING = Drawing(top_p=1.0, guidance=1.0)
"""As the reference expands and rewrites."""
UNDERSTANDING = Drawing(temperature=0.3, top_p=1.0, guidance=1.0)
"""As the reference describes a song: close to the best word, since there is one right answer."""

_PREFIX = "planner_"
_RANGES = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "top_k": (0, 1000),
    "repetition": (1.0, 2.0),
    "guidance": (1.0, 10.0),
}
assert {_PREFIX + name for name in _RANGES} == set(PLANNER_HELP)


def take_options(options: dict[str, Any]) -> dict[str, float]:
    """Takes the planner's options out of `options`, by the names of Drawing. Raises CannotRender."""
    found: dict[str, float] = {}
    for name, (low, high) in _RANGES.items():
        given = options.pop(_PREFIX + name, None)
        if given is None:
            continue
        whole = isinstance(low, int)
        number = isinstance(given, (int, float)) and not isinstance(given, bool)
        if not number or not low <= given <= high or (whole and given != int(given)):
            kind = "a whole number" if whole else "a number"
            raise CannotRender(
                f"The option {_PREFIX}{name} cannot be {given!r}.", f"Use {kind} from {low:g} to {high:g}."
            )
        found[name] = int(given) if whole else float(given)
    return found
