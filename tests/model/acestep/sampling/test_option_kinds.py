"""What each kind of option reads, and what it says about anything else."""

from __future__ import annotations

import enum
from typing import Any

import pytest

from model.acestep.sampling.option_kinds import Number, Numbers, TimeList, WordOption
from model.errors import CannotRender


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


READ = [
    (Number("", 0, 2), 1.5, 1.5),
    (Number("", 0, 9, whole=True), 8.0, 8),
    (Numbers("", 0, 1), 0.25, (0.25,)),
    (Numbers("", 0, 1), "0.25, 0.5", (0.25, 0.5)),
    (Numbers("", 0, 2**63 - 1, whole=True), "9007199254740993", (9007199254740993,)),
    (TimeList(""), "1, 0.5", (1.0, 0.5)),
    (WordOption("", Colour), "red", Colour.RED),
]
REFUSED = [
    (Number("", 0, 2), 2.5, "a number from 0 to 2"),
    (Number("", 0, 9, whole=True), 1.5, "a whole number from 0 to 9"),
    (Numbers("", 0, 1), "0.5, many", "a number from 0 to 1"),
    (Numbers("", 0, 9, whole=True), "1,1.5", "a whole number from 0 to 9"),
    (TimeList(""), "2, 1", "times from 1"),
    (WordOption("", Colour), "green", "one of red, blue"),
]


@pytest.mark.parametrize(("kind", "given", "found"), READ)
def test_what_is_read(kind: Any, given: Any, found: Any) -> None:
    assert kind.read("x", given) == found


@pytest.mark.parametrize(("kind", "given", "right"), REFUSED)
def test_what_is_refused_with_what_is_right(kind: Any, given: Any, right: str) -> None:
    with pytest.raises(CannotRender, match="The option x cannot be") as refused:
        kind.read("x", given)
    assert right in refused.value.remedy
