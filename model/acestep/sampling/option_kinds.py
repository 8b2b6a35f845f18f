"""The kinds of options: what values each takes, and what is said about any other."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from model.errors import CannotRender


@dataclass(frozen=True)
class Number:
    """An option with a number in a range."""

    help: str
    low: float
    high: float
    whole: bool = False

    def read(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self._allows(value):
            kind = "a whole number" if self.whole else "a number"
            raise CannotRender(
                f"The option {name} cannot be {value!r}.", f"Use {kind} from {self.low:g} to {self.high:g}."
            )
        return value

    def _allows(self, value: float) -> bool:
        return self.low <= value <= self.high and (not self.whole or float(value).is_integer())


@dataclass(frozen=True)
class Numbers:
    """An option with a number in a range or several: a number, or comma-separated text."""

    help: str
    low: float
    high: float
    whole: bool = False

    def read(self, name: str, value: Any) -> tuple[float, ...]:
        parts = value.split(",") if isinstance(value, str) else [value]
        one = Number(self.help, self.low, self.high, self.whole)
        return tuple(one.read(name, self._number(part)) for part in parts)

    def _number(self, part: Any) -> Any:
        """A part of a text as the number it spells; anything else unchanged, to be refused."""
        try:
            return (int if self.whole else float)(part) if isinstance(part, str) else part
        except ValueError:
            return part


@dataclass(frozen=True)
class WordOption:
    """An option with a fixed set of values."""

    help: str
    values: type[enum.Enum]

    def read(self, name: str, value: Any) -> enum.Enum:
        try:
            return self.values(value)
        except ValueError as wrong:
            words = ", ".join(str(member.value) for member in self.values)
            raise CannotRender(f"The option {name} cannot be {value!r}.", f"Use one of {words}.") from wrong


@dataclass(frozen=True)
class TimeList:
    """An option with falling times, as a list of numbers or as comma-separated text."""

    help: str

    def read(self, name: str, value: Any) -> tuple[float, ...]:
        try:
            values = value.split(",") if isinstance(value, str) else list(value)
            times = tuple(float(time) for time in values)
        except (TypeError, ValueError) as wrong:
            raise CannotRender(
                f"The option {name} cannot be {value!r}.", "Use times such as 1, 0.75, 0.5."
            ) from wrong
        if not times or not all(0 <= time <= 1 for time in times):
            raise CannotRender(
                f"The option {name} cannot be {value!r}.", "Use times from 1 (noise) to 0 (music)."
            )
        return times
