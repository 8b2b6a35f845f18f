from __future__ import annotations

import copy
from fractions import Fraction

import pytest

from daw_protocol.timeline.bar_grid import MeterChange
from daw_protocol.timeline.meter import Meter
from daw_protocol.timeline.tempo_map import TempoMap
from daw_protocol.timeline.tempo_point import TempoPoint

WRITTEN = {
    "points": [
        {"quarter": 0, "bpm": 120, "ramp": True},
        {"quarter": "7/3", "bpm": "1273/10", "ramp": False},
    ],
    "meters": [
        {"quarter": 0, "meter": "4/4", "cuts_bar": False},
        {"quarter": "1/2", "meter": "7/8", "cuts_bar": True},
    ],
    "offset": "-1/3",
    "first_bar": -2,
}

BUILT = TempoMap(
    (TempoPoint(Fraction(0), Fraction(120), True), TempoPoint(Fraction(7, 3), Fraction(1273, 10))),
    (MeterChange(Fraction(0), Meter(4, 4)), MeterChange(Fraction(1, 2), Meter(7, 8), cuts_bar=True)),
    Fraction(-1, 3),
    -2,
)


def test_the_written_form_both_ways() -> None:
    assert TempoMap.from_json(WRITTEN) == BUILT
    assert BUILT.to_json() == WRITTEN


def test_a_short_form_typed_by_hand() -> None:
    assert TempoMap.from_json({"points": [{"quarter": 0, "bpm": 127.3}]}) == TempoMap.constant("127.3")


REPLACED = [
    # path into WRITTEN, what is put there, the complaint
    ((), [], "tempo map must be an object, got list"),
    (("points",), {}, "points must be an array, got dict"),
    (("points",), [], "points must have between 1 and 10000 entries, got 0"),
    (("points",), [{}] * 10_001, "points must have between 1 and 10000 entries, got 10001"),
    (("points", 1), 120, r"points\[1\] must be an object, got int"),
    (("points", 1), {"quarter": 1}, r"points\[1\] lacks the fields bpm"),
    (
        ("points", 1, "tempo"),
        120,
        r"points\[1\] has an unknown field 'tempo'; it takes bpm, quarter, ramp",
    ),
    (("points", 1, "quarter"), 0, r"points\[1\].quarter 0 must be after points\[0\]'s"),
    (("points", 1, "quarter"), "soon", r"points\[1\].quarter must be a number"),
    (("points", 1, "quarter"), -1, r"points\[1\].quarter must be between 0"),
    (("points", 1, "bpm"), None, r"points\[1\].bpm must be a number"),
    (("points", 1, "bpm"), True, r"points\[1\].bpm must be a number"),
    (("points", 1, "bpm"), float("inf"), r"points\[1\].bpm must be a finite number"),
    (("points", 1, "bpm"), 2000, r"points\[1\].bpm must be between 5 and 1000"),
    (("points", 1, "bpm"), "1/0", r"points\[1\].bpm divides by zero"),
    (("points", 1, "ramp"), 1, r"points\[1\].ramp must be true or false"),
    (("meters",), "4/4", "meters must be an array, got str"),
    (("meters", 1, "meter"), "7/9", r"meters\[1\]: denominator must be one of"),
    (("meters", 1, "meter"), 4, r"meters\[1\].meter must be text"),
    (("meters", 1, "quarter"), [], r"meters\[1\].quarter must be a number"),
    (("meters", 1, "cuts_bar"), "yes", r"meters\[1\].cuts_bar must be true or false"),
    (("meters", 1, "cuts_bar"), False, r"meters\[1\].quarter 0.5 is inside a 4/4 bar"),
    (("meters", 0, "quarter"), "1/4", r"meters\[0\].quarter must be 0"),
    (("offset",), {}, "offset must be a number"),
    (("offset",), "10000000", "offset must be between"),
    (("first_bar",), 1.0, "first_bar must be a whole number"),
    (("first_bar",), True, "first_bar must be a whole number"),
    (("swing",), 0.6, "tempo map has an unknown field 'swing'"),
]


@pytest.mark.parametrize(("path", "value", "complaint"), REPLACED)
def test_every_complaint_names_its_field(path: tuple, value: object, complaint: str) -> None:
    written: object = copy.deepcopy(WRITTEN)
    if not path:
        written = value
    else:
        place = written
        for step in path[:-1]:
            place = place[step]  # type: ignore[index]
        place[path[-1]] = value  # type: ignore[index]
    with pytest.raises(ValueError, match=complaint):
        TempoMap.from_json(written)
