from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from daw_protocol.timeline.tempo_segment import TempoSegment

ZERO = Fraction(0)

Ramp = tuple[TempoSegment, Fraction, Fraction, Fraction, Fraction, Fraction]

# Both ramps by hand. Up: 60 to 120 bpm at 30 bpm/s, so quarters(x) = x + x**2/4.
UP = TempoSegment(ZERO, ZERO, Fraction(60), Fraction(30))
# Down: 120 to 60 bpm at -30 bpm/s, so quarters(x) = 2x - x**2/4.
DOWN = TempoSegment(ZERO, ZERO, Fraction(120), Fraction(-30))
STEADY = TempoSegment(Fraction(2), Fraction(1), Fraction(130), ZERO)

QUARTERS = [
    (UP, 48000, 48000, Fraction(5, 4)),
    (UP, 96000, 48000, Fraction(3)),
    (UP, 24000, 48000, Fraction(9, 16)),
    (DOWN, 44100, 44100, Fraction(7, 4)),
    (DOWN, 88200, 44100, Fraction(3)),
    # A second after its start 130/60 quarters have gone by.
    (STEADY, 96000, 48000, 2 + Fraction(13, 6)),
    (STEADY, 0, 48000, 2 - Fraction(13, 6)),
]

SAMPLES = [
    # x + x**2/4 = 1 at x = -2 + sqrt(8) = 0.828427124746...: 39764.50199 samples of 1/48000 s
    (UP, Fraction(1), 48000, 39765),
    # 2x - x**2/4 = 1 at x = 4 - sqrt(12) = 0.535898384862...: 23633.11877 samples of 1/44100 s
    (DOWN, Fraction(1), 44100, 23633),
    (UP, Fraction(3), 48000, 96000),
    (DOWN, Fraction(3), 48000, 96000),
    # One quarter at 130 bpm is 6/13 s: 20353.846 samples of 1/44100 s, after one second
    (STEADY, Fraction(3), 44100, 44100 + 20354),
]


@pytest.mark.parametrize(("segment", "sample", "rate", "quarters"), QUARTERS)
def test_quarters_by_hand(segment: TempoSegment, sample: int, rate: int, quarters: Fraction) -> None:
    assert segment.quarters_at(sample, rate) == quarters


@pytest.mark.parametrize(("segment", "quarters", "rate", "sample"), SAMPLES)
def test_samples_by_hand(segment: TempoSegment, quarters: Fraction, rate: int, sample: int) -> None:
    assert segment.sample_at(quarters, rate) == sample


def test_tempo_of_a_ramp() -> None:
    assert UP.bpm_at(48000, 48000) == 90
    assert DOWN.bpm_at(22050, 44100) == 105


def test_halfway_between_two_samples_is_the_later_one() -> None:
    # At 120 bpm and 1 Hz a sample is two quarters: quarter 1 lies at 0.5, quarter -1 at -0.5.
    steady = TempoSegment(ZERO, ZERO, Fraction(120), ZERO)
    assert steady.sample_at(Fraction(1), 1) == 1
    assert steady.sample_at(Fraction(-1), 1) == 0
    # On the ramps x is 1/2 s at 9/16 and at 15/16 quarters.
    assert UP.sample_at(Fraction(9, 16), 1) == 1
    assert UP.sample_at(Fraction(9, 16) - Fraction(1, 10**30), 1) == 0
    assert DOWN.sample_at(Fraction(15, 16), 1) == 1
    assert DOWN.sample_at(Fraction(15, 16) - Fraction(1, 10**30), 1) == 0


bpms = st.fractions(5, 1000, max_denominator=1000)


@st.composite
def ramps(draw: st.DrawFn) -> Ramp:
    """A ramp with its start (quarter, seconds), both tempos and its length in quarters."""
    quarter = draw(st.fractions(0, 1000, max_denominator=960))
    seconds = draw(st.fractions(-10, 1000, max_denominator=10**6))
    start, end = draw(bpms), draw(bpms)
    length = draw(st.fractions(Fraction(1, 960), 500, max_denominator=960))
    slope = (end**2 - start**2) / (120 * length)
    return TempoSegment(quarter, seconds, start, slope), quarter, seconds, start, end, length


@settings(max_examples=60)
@given(ramps(), st.fractions(0, 1), st.sampled_from([44100, 48000, 88200, 96000, 192000]))
def test_nearest_sample_against_decimals(ramp: Ramp, part: Fraction, rate: int) -> None:
    """The same root in another form and another arithmetic: 120 digits of Decimal."""
    segment, quarter, seconds, start, end, length = ramp
    target = quarter + part * length
    with localcontext() as context:
        context.prec = 120

        def decimal(value: Fraction) -> Decimal:
            return Decimal(value.numerator) / Decimal(value.denominator)

        now = (decimal(start) ** 2 + decimal(part) * (decimal(end) ** 2 - decimal(start) ** 2)).sqrt()
        moment = decimal(seconds) + 120 * decimal(part * length) / (decimal(start) + now)
        expected = moment * rate
        assert abs(segment.sample_at(target, rate) - expected) <= Decimal("0.5") + Decimal("1e-60")


@settings(max_examples=60)
@given(ramps(), st.integers(0, 10**6), st.sampled_from([44100, 48000, 192000]))
def test_a_ramp_is_the_area_under_its_tempo(ramp: Ramp, offset: int, rate: int) -> None:
    """Under a straight line the area is the mean of its ends times the width, exactly."""
    segment, quarter, seconds, start, end, length = ramp
    duration = 120 * length / (start + end)
    sample = -(-seconds * rate // 1) + offset % max(1, int(duration * rate))
    elapsed = Fraction(sample, rate) - seconds
    assume(elapsed <= duration)
    tempo = start + (end - start) * elapsed / duration
    assert segment.bpm_at(sample, rate) == tempo
    assert segment.quarters_at(sample, rate) == quarter + (start + tempo) / 2 * elapsed / 60
    assert segment.sample_at(segment.quarters_at(sample, rate), rate) == sample
