"""Messages that set the context: what each needs, and what it takes for granted."""

import pytest

from daw_protocol.errors import ErrorCode
from daw_protocol.requests import Select, SetKey, SetMeter, SetSource, SetTempo, Transport
from daw_protocol.timeline import AtSample, Key, Meter, TempoMap
from tests.refusals import refusal

MAP = TempoMap.constant(120).to_json()


def test_tempo_needs_one_of_two():
    assert SetTempo(bpm="93.5").bpm == 93.5
    assert SetTempo(tempo_map=MAP).tempo_map == TempoMap.constant(120)
    for fields in ({}, {"bpm": 120, "tempo_map": MAP}):
        error = refusal(SetTempo, **fields)
        assert (error.code, error.field) == (ErrorCode.MISSING_FIELD, "bpm")


def test_a_selection_has_two_ends():
    assert Select(start=0, end="2400").end == AtSample(2400)
    for name in ("start", "end"):
        error = refusal(Select.from_fields, {name: 0})
        assert error.code is ErrorCode.MISSING_FIELD
        assert error.field == ({"start", "end"} - {name}).pop()


def test_a_source_may_say_nothing_of_its_place():
    assert (SetSource(source="a.wav").position, SetSource(source="a.wav").rate) == (None, None)
    assert SetSource(source="a.wav", position=-480, rate=44_100).position == AtSample(-480)


@pytest.mark.parametrize("rate", [7_999, 384_001])
def test_rates_no_project_has(rate):
    assert refusal(SetSource, source="a.wav", rate=rate).field == "rate"


def test_a_playhead_stands_unless_the_host_rolls():
    assert Transport(position=0).rolling is False
    assert Transport(position=0, rolling=1).rolling is True


def test_signatures_are_read_as_they_are_written():
    assert SetMeter(meter="7/8").meter == Meter(7, 8)
    assert SetKey(key="Am").key == Key("A", "minor")
