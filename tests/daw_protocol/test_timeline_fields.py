"""Places, lengths, keys and tempo maps as a table: what is accepted and as what, what is refused in which words."""

import json
import math
from fractions import Fraction

import pytest

from daw_protocol import timeline_fields
from daw_protocol.fields import shown
from daw_protocol.timeline import AtBbt, AtQuarters, AtSample, AtSeconds, Bbt, Key, Meter, TempoMap
from daw_protocol.timeline.duration import Duration, DurationUnit
from daw_protocol.timeline_fields import (
    KEPT_MAPS,
    LARGE_MAP,
    BarsKind,
    ChordsKind,
    DurationKind,
    KeyKind,
    MeterKind,
    PositionKind,
    TempoMapKind,
)
from tests.daw_protocol import kinds_of_value as kinds
from tests.daw_protocol.kinds_of_value import DEEP, HUGE

NAN, INF = math.nan, math.inf
POSITION, DURATION, KEY, METER, MAP = PositionKind(), DurationKind(), KeyKind(), MeterKind(), TempoMapKind()
BARS, CHORDS = BarsKind(), ChordsKind()
ALL = (BARS, CHORDS, POSITION, DURATION, KEY, METER, MAP)

TEMPO_MAP = TempoMap.constant(120)

ACCEPTED = [
    (POSITION, 384000, AtSample(384000)),
    (POSITION, 384000.0, AtSample(384000)),
    (POSITION, "384000", AtSample(384000)),
    (POSITION, "-12.5s", AtSeconds(Fraction(-25, 2))),
    (POSITION, "17|3|240", AtBbt(Bbt(17, 3, Fraction(240)))),
    (POSITION, "64b", AtQuarters(Fraction(64))),
    (DURATION, 192000, Duration(Fraction(192000), DurationUnit.SAMPLES)),
    (DURATION, 192000.0, Duration(Fraction(192000), DurationUnit.SAMPLES)),
    (DURATION, "8 bars", Duration(Fraction(8), DurationUnit.BARS)),
    (BARS, "17-20", "17-20"),
    (BARS, "17\N{EN DASH}20", "17-20"),
    (BARS, 17, "17"),
    (BARS, 17.0, "17"),
    (DURATION, "8\N{NO-BREAK SPACE}bars", Duration(Fraction(8), DurationUnit.BARS)),
    (KEY, "F# minor", Key("F#", "minor")),
    (KEY, "F#\N{NO-BREAK SPACE}minor", Key("F#", "minor")),
    (METER, "\N{FULLWIDTH DIGIT SEVEN}/8", Meter(7, 8)),
    (METER, "7/8", Meter(7, 8)),
    (MAP, {"points": [{"quarter": 0, "bpm": 120}]}, TEMPO_MAP),
    (MAP, '{"points": [{"quarter": 0, "bpm": "120/1"}]}', TEMPO_MAP),
]


@pytest.mark.parametrize(("kind", "given", "read"), ACCEPTED, ids=shown)
def test_accepted(kind, given, read):
    kinds.is_read_as(kind, given, read)


TYPE, RANGE = TypeError, ValueError
REFUSED = [
    (BARS, 5.5, TYPE, 'bars must look like "17-20" .* or "17", in whole numbers, got 5.5'),
    (BARS, True, TYPE, "bars must look like"),
    (BARS, DEEP, TYPE, "a list of 1"),
    (BARS, "1" * 41, RANGE, "bars must look like"),
    (POSITION, ",5s", RANGE, 'write "0.5"'),
    (POSITION, True, TYPE, "position on the timeline"),
    (POSITION, DEEP, TYPE, "a list of 1"),
    (POSITION, 1.5, RANGE, '"1.5s"'),
    (POSITION, NAN, RANGE, "finite"),
    (POSITION, INF, RANGE, "finite"),
    (POSITION, 2**41, RANGE, "must be between"),
    (POSITION, HUGE, RANGE, "a number of 5001 digits"),
    (POSITION, 2.0**25, RANGE, "neighbouring samples"),
    (POSITION, "bar seventeen", RANGE, "not in an accepted form"),
    (POSITION, "", RANGE, "it is empty"),
    (POSITION, "x" * 5000, RANGE, "not in an accepted form"),
    (DURATION, True, TYPE, "length on the timeline"),
    (DURATION, DEEP, TYPE, "a list of 1"),
    (DURATION, 1.5, TYPE, "length"),
    (DURATION, NAN, TYPE, "length"),
    (DURATION, 0, RANGE, "more than 0"),
    (DURATION, -5, RANGE, "more than 0"),
    (DURATION, HUGE, RANGE, "at most"),
    (DURATION, "-4s", RANGE, "must be a length"),
    (DURATION, "soon", RANGE, "must be a length"),
    (KEY, 5, TYPE, "such as"),
    (KEY, "H minor", RANGE, "H is German"),
    (METER, 4, TYPE, '"4/4"'),
    (METER, "4/5", RANGE, "denominator"),
    (METER, "0/4", RANGE, "numerator"),
    (MAP, 120, TYPE, "must be an object"),
    (MAP, "{", RANGE, "not valid JSON"),
    (MAP, "[" * 100_000, RANGE, "not valid JSON"),
    (MAP, "[1]", TYPE, "must be an object"),
    (MAP, {}, RANGE, "lacks the fields points"),
    (MAP, {"points": []}, RANGE, "between 1 and"),
    (MAP, {"points": [{"quarter": 0, "bpm": NAN}]}, RANGE, r"points\[0\].bpm"),
    (MAP, {"points": [{"quarter": 0, "bpm": 0}]}, RANGE, r"points\[0\]"),
    (MAP, {"points": [{"quarter": 0, "bpm": 120}], "tempo": 1}, RANGE, "unknown field 'tempo'"),
]


@pytest.mark.parametrize(("kind", "given", "error", "words"), REFUSED, ids=shown)
def test_refused(kind, given, error, words):
    kinds.is_refused(kind, given, error, words)


def test_chords_come_as_text_or_as_a_list_of_bars():
    read = CHORDS.read("Am F | C G")
    assert CHORDS.read(["Am F", "C G"]) == CHORDS.read(read) == read
    assert CHORDS.write(read) == "Am F | C G"
    for given, error, words in (
        (7, TypeError, "must be chords"),
        ("Am Hm", ValueError, "bar 2"),
        ([], ValueError, "no chords"),
    ):
        kinds.is_refused(CHORDS, given, error, words)


@pytest.mark.parametrize("kind", ALL, ids=kinds.name)
def test_each_kind_keeps_its_promises(kind):
    kinds.keeps_its_promises(kind)


def test_the_remedy_for_a_tempo_map_shows_one_that_is_read():
    described = TempoMapKind().describe()
    example = described.removeprefix("tempo map object, such as ")
    assert isinstance(TempoMapKind().read(example), TempoMap)


def long_map(points: int = LARGE_MAP, bpm: int = 100) -> dict[str, object]:
    return {"points": [{"quarter": number, "bpm": bpm} for number in range(points)]}


def test_a_long_map_that_comes_again_is_the_same_one():
    """Also as it is written, which is how jobs and takes keep it, and as text, which is how OSC sends it."""
    kind = TempoMapKind()
    first = kind.read(long_map())
    assert first == TempoMap.from_json(long_map())
    for again in (long_map(), json.loads(json.dumps(kind.write(first))), json.dumps(long_map())):
        assert kind.read(again) is first
    assert kind.read(long_map(bpm=101)) != first


def test_few_long_maps_are_remembered():
    kind = TempoMapKind()
    first = kind.read(long_map())
    for bpm in range(101, 101 + KEPT_MAPS):
        kind.read(long_map(bpm=bpm))
    again = kind.read(long_map())
    assert again is not first
    assert again == first
    assert len(timeline_fields._kept) <= KEPT_MAPS


@pytest.mark.parametrize(
    "wrong", [{"points": [{1, 2}] * LARGE_MAP}, {"points": [7] * LARGE_MAP}, {**long_map(), "x": 1}]
)
def test_a_long_map_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match=r"points|x"):
        TempoMapKind().read(wrong)
