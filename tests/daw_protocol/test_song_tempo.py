"""The tempo kept with a song: what a request without one gets, wherever the song is on the timeline."""

from fractions import Fraction

import pytest

from daw_protocol import requests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.song_tempo import SongTempo, is_musical, musical_field, of_analysis
from daw_protocol.timeline import Key, Meter, TempoMap, parse_position

KEPT = SongTempo(TempoMap.constant(97, Meter(3, 4), "0.31"), Key.parse("D minor"))


def test_a_request_without_a_tempo_gets_the_songs():
    filled = KEPT.fill(requests.Repaint(bars="3-4"), 48_000)
    assert (filled.tempo_map, filled.key) == (KEPT.tempo_map, KEPT.key)


@pytest.mark.parametrize(
    ("position", "seconds"), [(96_000, 2), ("1.5s", Fraction(3, 2)), ("-0.31s", Fraction(-31, 100))]
)
def test_the_map_moves_along_with_the_song(position, seconds):
    filled = KEPT.fill(requests.Repaint(source_position=position), 48_000)
    assert filled.tempo_map.offset == Fraction(31, 100) + seconds


def test_a_song_placed_on_a_bar_counts_on_the_map_as_it_is():
    assert KEPT.fill(requests.Repaint(source_position="2|1"), 48_000).tempo_map == KEPT.tempo_map


@pytest.mark.parametrize("own", [{"bpm": 120}, {"tempo_map": TempoMap.constant(88).to_json()}])
def test_a_request_with_a_tempo_of_its_own_keeps_it(own):
    request = requests.Repaint.from_fields(own)
    filled = KEPT.fill(request, 48_000)
    assert (filled.bpm, filled.tempo_map) == (request.bpm, request.tempo_map)


def test_values_of_the_request_win():
    filled = KEPT.fill(requests.Repaint(meter="4/4", key="C major"), 48_000)
    assert (str(filled.tempo_map.meters[0].meter), str(filled.key)) == ("4/4", "C major")
    assert filled.tempo_map.points == KEPT.tempo_map.points
    assert filled.meter is None  # a map and a meter would be the time signature twice


def test_it_is_kept_as_json():
    assert SongTempo.from_json(KEPT.to_json()) == KEPT
    with pytest.raises(ValueError, match="tempo map"):
        SongTempo.from_json({})


def test_a_steady_analysis_is_one_tempo_from_its_downbeat():
    found = of_analysis(
        BlueprintRecord(tempo=121.0, meter="4/4", downbeat=0.7, key="A minor", confidence={"key": 0.9})
    )
    assert found == SongTempo(TempoMap.constant(121, Meter(4, 4), "0.7"), Key.parse("A minor"))


def test_a_doubtful_key_is_none():
    found = of_analysis(BlueprintRecord(tempo=121.0, downbeat=0.0, key="A minor", confidence={"key": 0.4}))
    assert found.key is None


def test_an_analysis_with_beats_is_a_map():
    beats = (*tuple(0.4 + 0.5 * beat for beat in range(9)), 4.8, 5.2, 5.6)
    found = of_analysis(BlueprintRecord(tempo=120.0, meter="4/4", downbeat=0.9, beats=beats))
    assert [float(point.bpm) for point in found.tempo_map.points] == [120.0, 150.0]


def test_an_analysis_without_a_tempo_is_refused():
    with pytest.raises(ProtocolError) as refused:
        of_analysis(BlueprintRecord(key="A minor"))
    assert refused.value.code is ErrorCode.MISSING_FIELD


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"bars": "3-4"}, "bars"),
        ({"start": "3|1", "end": "4s"}, "start"),
        ({"start": 0, "end": "16b"}, "end"),
        ({"start": 0, "length": "8 bars"}, "length"),
        ({"start": 0, "length": "4b"}, "length"),
        ({"source_position": "bar 3"}, "source_position"),
        ({"start": 0, "end": "4s"}, ""),
        ({"start": "00:00:01:00@25", "length": 48_000}, ""),
        ({}, ""),
    ],
)
def test_which_value_of_a_region_takes_a_tempo(fields, field):
    assert musical_field(requests.Repaint.from_fields(fields)) == field


def test_seconds_samples_and_timecode_are_not_musical():
    assert [is_musical(parse_position(text)) for text in ("1s", "1", "00:00:01:00@25", "1b", "1|1")] == [
        False, False, False, True, True,
    ]  # fmt: skip
