from __future__ import annotations

import itertools
import json
import pickle
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daw_protocol.timeline.bar_grid import MeterChange
from daw_protocol.timeline.bbt import Bbt
from daw_protocol.timeline.meter import Meter
from daw_protocol.timeline.span import Span
from daw_protocol.timeline.tempo_map import Beat, TempoMap
from daw_protocol.timeline.tempo_point import TempoPoint
from tests.places import GOLDEN

RATES = (44100, 48000, 88200, 96000, 192000)
COMMON = MeterChange(Fraction(0), Meter(4, 4))


def long_song() -> TempoMap:
    """Over ten minutes: 200 odd tempos, half of them ramps, from crawling to racing, and changing meters."""
    draw = random.Random(20)
    quarter, points = Fraction(0), []
    for _ in range(200):
        bpm = Fraction(draw.randint(2000, 40000), 100)
        points.append(TempoPoint(quarter, bpm, draw.random() < 0.5))
        quarter += Fraction(draw.randint(1, 60), draw.choice([2, 3, 4, 7]))
    meters, quarter = [COMMON], Fraction(0)
    for _ in range(40):
        quarter += draw.randint(1, 9) * meters[-1].meter.quarters_per_bar
        cut = draw.random() < 0.2
        quarter += Fraction(1, 3) * cut
        meters.append(MeterChange(quarter, Meter(draw.randint(1, 13), draw.choice([2, 4, 8, 16])), cut))
    return TempoMap(tuple(points), tuple(meters), offset=Fraction(7, 3), first_bar=-2)


SONG = long_song()


def samples_to_try(rate: int) -> list[int]:
    """Every sample around every tempo point, some before the song, and many at random."""
    draw = random.Random(rate)
    near = [
        SONG.sample_at(point.quarter, rate) + around for point in SONG.points for around in range(-30, 31)
    ]
    end = SONG.sample_at(SONG.points[-1].quarter, rate)
    assert end > 600 * rate
    return sorted({*near, *(draw.randint(-20 * rate, end + 20 * rate) for _ in range(4000))})


@pytest.mark.parametrize("rate", RATES)
def test_samples_survive_quarters_and_bars(rate: int) -> None:
    previous = None
    for sample in samples_to_try(rate):
        quarters = SONG.quarters_at(sample, rate)
        assert previous is None or quarters > previous
        assert SONG.sample_at(quarters, rate) == sample
        assert SONG.sample_of(SONG.bbt_at(sample, rate), rate) == sample
        previous = quarters


def test_every_sample_of_a_stretch_survives() -> None:
    """A third of a second with a point in the middle of it, a ramp on either side, sample by sample."""
    index = next(i for i in range(1, 199) if SONG.points[i - 1].ramp and SONG.points[i].ramp)
    middle = SONG.sample_at(SONG.points[index].quarter, 44100)
    previous = SONG.quarters_at(middle - 7501, 44100)
    for sample in range(middle - 7500, middle + 7500):
        quarters = SONG.quarters_at(sample, 44100)
        assert quarters > previous
        assert SONG.sample_at(quarters, 44100) == sample
        assert SONG.sample_of(SONG.bbt_at(sample, 44100), 44100) == sample
        previous = quarters


points = st.lists(
    st.tuples(
        st.fractions(Fraction(1, 960), 40, max_denominator=960),
        st.fractions(5, 1000, max_denominator=1000),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@st.composite
def tempo_maps(draw: st.DrawFn) -> TempoMap:
    quarter, placed = draw(st.sampled_from([Fraction(0), Fraction(5, 2)])), []
    for length, bpm, ramp in draw(points):
        placed.append(TempoPoint(quarter, bpm, ramp))
        quarter += length
    offset = draw(st.fractions(-20, 20, max_denominator=48000))
    return TempoMap(tuple(placed), (COMMON,), offset, draw(st.integers(-5, 5)))


def quarters_by_walking(tempo_map: TempoMap, seconds: Fraction) -> Fraction:
    """The map read in the plainest way: from point to point, area under the tempo by its two ends."""
    first, last = tempo_map.points[0], tempo_map.points[-1]
    now, quarter = tempo_map.offset + 60 * first.quarter / first.bpm, first.quarter
    if seconds < now:
        return quarter + first.bpm * (seconds - now) / 60
    for point, end in itertools.pairwise(tempo_map.points):
        end_bpm = end.bpm if point.ramp else point.bpm
        duration = 60 * (end.quarter - point.quarter) * 2 / (point.bpm + end_bpm)
        if seconds < now + duration:
            bpm = point.bpm + (end_bpm - point.bpm) * (seconds - now) / duration
            return quarter + (point.bpm + bpm) / 2 * (seconds - now) / 60
        now, quarter = now + duration, end.quarter
    return quarter + last.bpm * (seconds - now) / 60


@settings(max_examples=50)
@given(tempo_maps(), st.integers(-(10**6), 10**7), st.sampled_from(RATES))
def test_quarters_are_those_of_the_plainest_reading(tempo_map: TempoMap, sample: int, rate: int) -> None:
    walked = quarters_by_walking(tempo_map, Fraction(sample, rate))
    assert abs(tempo_map.quarters_at(sample, rate) - walked) < Fraction(1, 10**24)


@settings(max_examples=50)
@given(tempo_maps(), st.fractions(-50, 300, max_denominator=10**6), st.sampled_from(RATES))
def test_the_nearest_sample_is_the_nearest(tempo_map: TempoMap, quarter: Fraction, rate: int) -> None:
    """Half a sample before and after it, at twice the rate, the quarter is not yet, or already, reached."""
    sample = tempo_map.sample_at(quarter, rate)
    assert tempo_map.quarters_at(2 * sample - 1, 2 * rate) <= quarter
    assert quarter < tempo_map.quarters_at(2 * sample + 1, 2 * rate)


@settings(max_examples=50)
@given(tempo_maps(), st.integers(-(10**6), 10**7), st.sampled_from(RATES))
def test_samples_survive_any_map(tempo_map: TempoMap, sample: int, rate: int) -> None:
    assert tempo_map.sample_at(tempo_map.quarters_at(sample, rate), rate) == sample
    assert tempo_map.sample_of(tempo_map.bbt_at(sample, rate), rate) == sample
    assert tempo_map.quarters_at(sample, rate) < tempo_map.quarters_at(sample + 1, rate)


@settings(max_examples=50)
@given(tempo_maps())
def test_the_first_bar_lies_at_the_offset(tempo_map: TempoMap) -> None:
    rate = tempo_map.offset.denominator
    assert tempo_map.quarters_at(tempo_map.offset.numerator, rate) == 0
    assert tempo_map.sample_of(Bbt(tempo_map.first_bar), rate) == tempo_map.offset.numerator


@settings(max_examples=50)
@given(tempo_maps())
def test_json_and_back(tempo_map: TempoMap) -> None:
    assert TempoMap.from_json(json.loads(json.dumps(tempo_map.to_json()))) == tempo_map


def test_the_long_song_as_json_and_back() -> None:
    assert TempoMap.from_json(json.loads(json.dumps(SONG.to_json()))) == SONG


def test_a_stored_song_keeps_its_bars() -> None:
    """The file's arithmetic is written out in its `worked` fields."""
    stored = json.loads((GOLDEN / "timeline" / "song.json").read_text("utf-8"))
    song = TempoMap.from_json(stored["tempo_map"])
    for place in stored["places"]:
        bbt = Bbt.parse(place["bbt"])
        assert song.quarters_of(bbt) == Fraction(place["quarter"]), place
        assert song.sample_of(bbt, place["rate"]) == place["sample"], place
    assert song.to_json() == stored["tempo_map"]


CONSTANT = [
    # bpm, rate, bar, sample. At 120 bpm a 4/4 bar is 2 s.
    (120, 48000, 17, 16 * 96000),
    (120, 44100, 2, 88200),
    (120, 48000, 0, -96000),
    # 130 bpm at 44.1 kHz: a bar is 4 * 60 / 130 * 44100 = 81415.3846 samples.
    (130, 44100, 2, 81415),
    (130, 44100, 3, 162831),
    (130, 44100, 101, 8141538),
    # 127.3 bpm at 48 kHz: 1000 bars are 1000 * 4 * 60 * 480000 / 1273 = 90494893.952 samples.
    (127.3, 48000, 1001, 90494894),
    ("127.3", 48000, 1001, 90494894),
]


@pytest.mark.parametrize(("bpm", "rate", "bar", "sample"), CONSTANT)
def test_bars_of_one_tempo_by_hand(bpm: float | str, rate: int, bar: int, sample: int) -> None:
    assert TempoMap.constant(bpm).sample_of(Bbt(bar), rate) == sample


def test_a_song_that_does_not_start_at_bar_one() -> None:
    # Bar 9 lies 1.5 s into the timeline; at 120 bpm in 3/4 a bar is 1.5 s too, so bar 8 is at 0.
    song = TempoMap.constant(120, Meter(3, 4), offset="1.5", first_bar=9)
    assert song.sample_of(Bbt(9), 48000) == 72000
    assert song.bbt_at(0, 48000) == Bbt(8)
    assert song.bbt_at(-1, 48000) == Bbt(7, 3, 960 - Fraction(960, 24000))


def test_grid_ticks_round_for_display() -> None:
    # 130 bpm, 44.1 kHz: bar 2 lies at 81415.38, so sample 81415 is a hair before it.
    song = TempoMap.constant(130)
    assert song.bbt_at(81415, 44100) != Bbt(2)
    assert song.bbt_at(81415, 44100).bar == 1
    assert song.bbt_at(81415, 44100, grid_ticks=1) == Bbt(2)
    # Half a quarter on: 81415 + 10177 = 91592 is 959.99/2 ticks past bar 2.
    assert song.bbt_at(91592, 44100, grid_ticks=1) == Bbt(2, 1, Fraction(480))
    assert song.bbt_at(91592, 44100, grid_ticks=960) in (Bbt(2, 1), Bbt(2, 2))
    with pytest.raises(ValueError, match="unit must be between"):
        song.bbt_at(0, 44100, grid_ticks=0)


def test_tempo_and_meter_at_a_place() -> None:
    # 60 to 120 bpm over three quarters takes 2 s; then 120 holds.
    song = TempoMap(
        (TempoPoint(Fraction(0), Fraction(60), ramp=True), TempoPoint(Fraction(3), Fraction(120))),
        (MeterChange(Fraction(0), Meter(3, 4)), MeterChange(Fraction(3), Meter(7, 8))),
    )
    bpms = [song.tempo_at(sample, 48000) for sample in (-48000, 0, 48000, 95999, 96000, 500000)]
    assert bpms == [60, 60, 90, 120 - Fraction(30, 48000), 120, 120]
    assert [str(song.meter_at(Fraction(quarter))) for quarter in (-1, 2, 3)] == ["3/4", "3/4", "7/8"]
    assert [song.bar_at(Fraction(quarter)) for quarter in (-1, 0, 2, 3, 7)] == [0, 1, 1, 2, 3]
    assert song.seconds_at(72000, 48000) == Fraction(3, 2)


def test_a_ramp_on_the_last_point_holds() -> None:
    last = TempoMap((TempoPoint(Fraction(0), Fraction(90), ramp=True),))
    assert last.tempo_at(10**6, 48000) == 90
    assert last.is_constant_in(Span(0, 10**6), 48000)


def test_where_the_tempo_is_constant() -> None:
    # 120 holds for 2 s, then a ramp of 2 s (3 quarters, mean 90) down to 60, then a second point at 60.
    song = TempoMap(
        (
            TempoPoint(Fraction(0), Fraction(120)),
            TempoPoint(Fraction(4), Fraction(120), ramp=True),
            TempoPoint(Fraction(7), Fraction(60)),
            TempoPoint(Fraction(9), Fraction(60)),
        )
    )
    assert song.is_constant_in(Span(-1000, 96000), 48000)
    assert not song.is_constant_in(Span(-1000, 96001), 48000)
    assert not song.is_constant_in(Span(100000, 100001), 48000)
    assert not song.is_constant_in(Span(191999, 192001), 48000)
    assert song.is_constant_in(Span(192000, 900000), 48000)
    assert song.is_constant_in(Span(50, 50), 48000)


def test_beats_of_a_bar_by_hand() -> None:
    song = TempoMap(
        (TempoPoint(Fraction(0), Fraction(120)),),
        (MeterChange(Fraction(0), Meter(2, 4)), MeterChange(Fraction(2), Meter(3, 8))),
    )
    # Quarters are 24000 samples, eighths 12000; 2/4 is bar 1, 3/8 from sample 48000 on.
    quarter, eighth, bpm = Meter(2, 4), Meter(3, 8), Fraction(120)
    assert song.beats_between(Span(0, 84000), 48000) == [
        Beat(0, 1, 1, quarter, bpm),
        Beat(24000, 1, 2, quarter, bpm),
        Beat(48000, 2, 1, eighth, bpm),
        Beat(60000, 2, 2, eighth, bpm),
        Beat(72000, 2, 3, eighth, bpm),
    ]
    assert [beat.sample for beat in song.beats_between(Span(24000, 24001), 48000)] == [24000]
    assert song.beats_between(Span(24001, 48000), 48000) == []
    assert song.beats_between(Span(24000, 24000), 48000) == []
    assert [(bar.sample, bar.bar) for bar in song.bars_between(Span(-48000, 84001), 48000)] == [
        (-48000, 0),
        (0, 1),
        (48000, 2),
        (84000, 3),
    ]


def test_a_span_of_days_is_not_listed() -> None:
    # 120 bpm are two quarters a second.
    song = TempoMap.constant(120, Meter(64, 1))
    assert len(song.bars_between(Span(0, 50_000), 1)) == 391
    for ask in (song.beats_between, song.bars_between):
        with pytest.raises(
            ValueError, match="span has 2000000 quarter notes; beats and bars are listed for at most"
        ):
            ask(Span(0, 1_000_000), 1)


@pytest.mark.parametrize("rate", [44100, 96000])
def test_spans_share_the_beats_of_the_song_between_them(rate: int) -> None:
    """Cut anywhere, also right at, before and after a beat, no beat is lost or counted twice."""
    whole = SONG.beats_between(Span(-5 * rate, 60 * rate), rate)
    cuts = sorted({-5 * rate, 60 * rate, *(b.sample + d for b in whole[1:-1:7] for d in (-1, 0, 1))})
    parts = [SONG.beats_between(Span(*edges), rate) for edges in itertools.pairwise(cuts)]
    assert [beat for part in parts for beat in part] == whole
    for beat in whole:
        assert beat.sample == SONG.sample_of(Bbt(beat.bar, beat.beat), rate)
        assert beat.bpm == SONG.tempo_at(beat.sample, rate)
    bars = [bar for bar in whole if bar.beat == 1]
    assert SONG.bars_between(Span(-5 * rate, 60 * rate), rate) == bars


@settings(max_examples=60)
@given(st.integers(-(10**6), 3 * 10**7), st.sampled_from(["bar", "beat", Fraction(1, 4), Fraction(1, 3)]))
def test_snap_takes_the_nearest_line(sample: int, unit: str | Fraction) -> None:
    snapped = SONG.snap(sample, 48000, unit)
    assert SONG.snap(snapped, 48000, unit) == snapped
    bar = SONG.bbt_at(sample, 48000).bar
    start, end = SONG.quarters_of(Bbt(bar)), SONG.quarters_of(Bbt(bar + 1))
    step = unit if isinstance(unit, Fraction) else end - start
    if unit == "beat":
        step = SONG.meter_at(start).quarters_per_beat
    lines = [start + index * step for index in range(-(-(end - start) // step))] + [end]
    distances = [abs(SONG.sample_at(line, 48000) - sample) for line in lines]
    assert abs(snapped - sample) == min(distances)


def test_snap_by_hand() -> None:
    song = TempoMap.constant(120)
    assert [song.snap(sample, 48000, "beat") for sample in (11999, 12000, 24000)] == [0, 24000, 24000]
    assert [song.snap(sample, 48000, "bar") for sample in (47999, 48000, -1)] == [0, 96000, 0]
    assert song.snap(7000, 48000, Fraction(1, 4)) == 6000
    # 7/8 in quarters: the bar line at 84000 is a line too, and the nearer one, though no whole quarter.
    odd = TempoMap.constant(120, Meter(7, 8))
    assert [odd.snap(sample, 48000, Fraction(1)) for sample in (77999, 78000, 95999)] == [72000, 84000, 84000]
    with pytest.raises(ValueError, match='unit must be "bar", "beat" or'):
        song.snap(0, 48000, "quaver")
    with pytest.raises(ValueError, match="unit must be between"):
        song.snap(0, 48000, Fraction(0))


def test_ten_thousand_points_stay_exact_inverses() -> None:
    draw = random.Random(3)
    many = tuple(
        TempoPoint(Fraction(index, 7), Fraction(draw.randint(6000, 18000), 100), draw.random() < 0.5)
        for index in range(10_000)
    )
    song = TempoMap(many)
    for sample in range(0, 30_000_000, 97_001):
        assert song.sample_of(song.bbt_at(sample, 48000), 48000) == sample
    with pytest.raises(ValueError, match="points must have between 1 and 10000 entries, got 10001"):
        TempoMap((*many, TempoPoint(Fraction(2000), Fraction(100))))


def test_asking_at_many_rates_does_not_change_the_answers() -> None:
    asked = [SONG.quarters_at(10 * rate, rate) for rate in range(8000, 8100)]
    assert len(set(asked)) == 1


POINT = TempoPoint(Fraction(0), Fraction(120))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (((),), "points must have between 1 and 10000 entries, got 0"),
        (((POINT,), ()), "meters must have between 1 and 10000 entries, got 0"),
        (((POINT, POINT),), r"points\[1\].quarter 0 must be after points\[0\]'s"),
        (((POINT,), (MeterChange(Fraction(4), Meter(4, 4)),)), r"meters\[0\].quarter must be 0"),
        (((POINT,), (COMMON, MeterChange(Fraction(6), Meter(3, 4)))), "is inside a 4/4 bar"),
        (((POINT,), (COMMON,), Fraction(1_000_001)), "offset must be between"),
        (((POINT,), (COMMON,), Fraction(0), 1_000_001), "first_bar must be between"),
    ],
)
def test_maps_that_cannot_be(arguments: tuple, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        TempoMap(*arguments)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (([POINT],), "points must be a tuple of TempoPoint"),
        (((120,),), "points must be a tuple of TempoPoint"),
        (((POINT,), (Meter(4, 4),)), "meters must be a tuple of MeterChange"),
        (((POINT,), (COMMON,), 0.5), "offset must be an int or a Fraction"),
        (((POINT,), (COMMON,), Fraction(0), 1.0), "first_bar must be a whole number"),
    ],
)
def test_values_of_the_wrong_kind(arguments: tuple, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        TempoMap(*arguments)


def test_questions_of_the_wrong_kind() -> None:
    with pytest.raises(TypeError, match="sample must be a whole number"):
        SONG.quarters_at(1.5, 48000)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="quarters must be an int or a Fraction"):
        SONG.sample_at(1.5, 48000)  # type: ignore[arg-type]
    for ask in (SONG.quarters_at, SONG.tempo_at, SONG.bbt_at, SONG.seconds_at):
        with pytest.raises(ValueError, match="rate must be between"):
            ask(0, 0)
    with pytest.raises(TypeError, match="rate must be a whole number"):
        SONG.sample_at(Fraction(0), 48000.0)  # type: ignore[arg-type]


def test_a_map_in_use_can_be_sent_to_another_process() -> None:
    SONG.quarters_at(0, 48000)
    copy = pickle.loads(pickle.dumps(SONG))
    assert copy == SONG
    assert copy.quarters_at(12345, 48000) == SONG.quarters_at(12345, 48000)
