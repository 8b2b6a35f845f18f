"""Times against the stored schedules of the reference samplers."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from model.acestep.sampling import schedules
from tests.model.acestep.golden_data import table

GOLDEN = table("schedules")
TOLERANCE = 1e-6


def named(key: str) -> dict[str, float]:
    """Numbers in a case name such as "infer_steps=8 shift=3.0"."""
    pairs = (word.split("=") for word in key.split() if "=" in word)
    return {name: float(value) for name, value in pairs if value != "None"}


def visited(family: str, key: str) -> schedules.Times:
    numbers, case = named(key), GOLDEN[family][key]
    if key.startswith("table"):
        return schedules.turbo_table(numbers["shift"])
    if key.startswith("custom"):
        wanted = case["input"]
        return schedules.turbo_custom(wanted) if family == "turbo" else schedules.base_custom(wanted)
    full = schedules.turbo_times if family == "turbo" else schedules.base_times
    if key.startswith("infer_steps"):
        return full(int(numbers["infer_steps"]), numbers["shift"])
    times = full(int(numbers["steps"]), numbers["shift"])
    return schedules.from_nearest(times, 1 - numbers["cover_noise_strength"])


@pytest.mark.parametrize(("family", "key"), [(f, k) for f in ("turbo", "base") for k in GOLDEN[f]])
def test_visited_times_are_those_of_the_reference(family: str, key: str) -> None:
    case = GOLDEN[family][key]
    expected = case["visited"] if isinstance(case, dict) else case
    times = visited(family, key)
    assert times[-1] == 0.0
    assert times[:-1] == pytest.approx(expected, abs=TOLERANCE, rel=0)


def test_both_turbo_routes_agree_at_eight_steps() -> None:
    for shift in (1.0, 2.0, 3.0):
        assert schedules.turbo_table(shift) == schedules.turbo_times(8, shift)


def test_the_tables_hold_twenty_different_times() -> None:
    known = schedules.known_turbo_times()
    assert len(known) == 20
    assert list(known) == sorted(known, reverse=True)


def test_a_custom_base_list_may_end_above_zero() -> None:
    assert schedules.base_custom([1.0, 0.5, 0.25]) == (1.0, 0.5, 0.25)


@pytest.mark.parametrize("wanted", [[0.5], [0.5, 0.5], [0.2, 0.7], [1.2, 0.0], [0.5, -0.1]])
def test_custom_base_lists_must_fall_within_one_and_zero(wanted: list[float]) -> None:
    with pytest.raises(ValueError, match="falling strictly"):
        schedules.base_custom(wanted)


@pytest.mark.parametrize(("steps", "shift"), [(0, 3.0), (8, 0.0), (8, -1.0)])
def test_impossible_numbers_are_refused(steps: int, shift: float) -> None:
    for times in (schedules.turbo_times, schedules.base_times):
        with pytest.raises(ValueError):
            times(steps, shift)


def test_the_noisier_time_wins_a_tie() -> None:
    assert schedules.from_nearest((1.0, 0.75, 0.5, 0.0), 0.625) == (0.75, 0.5, 0.0)


def test_ties_are_decided_between_doubles() -> None:
    """The reference implementation's choice; between the float32 times it would be the next one."""
    for steps, shift, noise, first in ((8, 3.0, 0.6, 6), (4, 3.0, 0.05, 1), (10, 1.0, 0.35, 3)):
        times = schedules.turbo_times(steps, shift)
        assert schedules.from_nearest(times, 1 - noise) == times[first:]
        assert schedules.from_nearest(schedules.rounded(times), 1 - noise) != schedules.rounded(times)[first:]


def test_step_count_leaves_out_the_last_time() -> None:
    assert schedules.step_count(schedules.turbo_times(8, 3.0)) == 8
