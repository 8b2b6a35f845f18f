"""A meter (time signature): how many beats of which note value make a bar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from daw_protocol.timeline.exact_number import check_int
from daw_protocol.timeline.written_number import plain

DENOMINATORS = (1, 2, 4, 8, 16, 32)
MAX_NUMERATOR = 64

# ".0": Lua writes 4.0/4.0 where its numbers are floats.
_TEXT = re.compile(r"\s*(\d{1,4})(?:\.0+)?\s*/\s*(\d{1,4})(?:\.0+)?\s*", re.ASCII)


@dataclass(frozen=True)
class Meter:
    """`numerator` beats to the bar, each a 1/`denominator` note. 7/8 has seven beats of half a quarter.

    Raises TypeError for anything but integers, ValueError for a numerator outside 1..64 or a denominator
    other than 1, 2, 4, 8, 16, 32.
    """

    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        check_int("numerator", self.numerator, 1, MAX_NUMERATOR)
        check_int("denominator", self.denominator, DENOMINATORS[0], DENOMINATORS[-1])
        if self.denominator not in DENOMINATORS:
            raise ValueError(f"denominator must be one of {DENOMINATORS}, got {self.denominator}")

    @property
    def quarters_per_beat(self) -> Fraction:
        """Length of one beat in quarter notes."""
        return Fraction(4, self.denominator)

    @property
    def quarters_per_bar(self) -> Fraction:
        """Length of one bar in quarter notes."""
        return Fraction(4 * self.numerator, self.denominator)

    @classmethod
    def parse(cls, text: str) -> Meter:
        """The meter written as "7/8". Raises TypeError unless given text, ValueError if it is not a meter."""
        if not isinstance(text, str):
            raise TypeError(f'a time signature must be text such as "4/4", got {text!r}')
        match = _TEXT.fullmatch(plain(text))
        if match is None:
            raise ValueError(f'a time signature must look like "4/4" or "7/8", got {text[:40]!r}')
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"
