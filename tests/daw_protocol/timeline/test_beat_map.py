"""Tempo maps through found beats: few tempos, and every beat within the tolerance."""

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daw_protocol.timeline import Bbt, Meter
from daw_protocol.timeline.beat_map import TOLERANCE, map_of_beats

NANOSECONDS = 1_000_000_000


@given(
    st.lists(st.floats(0.3, 1.0), min_size=1, max_size=60),
    st.floats(0.0, 5.0),
    st.sampled_from(["4/4", "3/4", "6/8"]),
    st.integers(0, 7),
)
def test_every_beat_is_within_the_tolerance_and_bar_1_at_the_downbeat(gaps, first, meter, downbeat):
    meter = Meter.parse(meter)
    beats = list(accumulate(gaps, initial=first))
    downbeat = min(downbeat, len(beats) - 1)
    found = map_of_beats(beats, meter, beats[downbeat])
    for index, seconds in enumerate(beats):
        bar, beat = divmod(index - downbeat, meter.numerator)
        at = found.sample_of(Bbt(1 + bar, 1 + beat), NANOSECONDS) / NANOSECONDS
        assert at == pytest.approx(seconds, abs=float(TOLERANCE) + 2e-6), index


def test_a_steady_tempo_is_one_and_a_change_two():
    steady = [0.5 * beat for beat in range(40)]
    assert len(map_of_beats(steady, Meter(4, 4), 0.0).points) == 1
    faster = [*steady, *(steady[-1] + 0.4 * beat for beat in range(1, 40))]
    assert [float(point.bpm) for point in map_of_beats(faster, Meter(4, 4), 0.0).points] == [120.0, 150.0]


def test_scatter_below_the_tolerance_makes_no_tempos():
    beats = [0.5 * beat + (0.002 if beat % 3 else -0.002) for beat in range(200)]
    assert len(map_of_beats(beats, Meter(4, 4), 0.0).points) <= 2


def test_eighths_of_a_compound_meter_count_as_its_beats():
    found = map_of_beats([0.25 * beat for beat in range(25)], Meter(6, 8), 0.0)
    assert found.points[0].bpm == Fraction(120)  # quarters


@pytest.mark.parametrize(("beats", "wrong"), [([1.0], "two beats, got 1"), ([1.0, 1.0], "ascend")])
def test_beats_that_make_no_map(beats, wrong):
    with pytest.raises(ValueError, match=wrong):
        map_of_beats(beats, Meter(4, 4), 0.0)
