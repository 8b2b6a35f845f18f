"""Tempo and time signatures of a DAWproject, and the ones that cannot be read."""

import xml.etree.ElementTree as ET
from fractions import Fraction

import pytest

from clip_store.errors import ProjectError
from clip_store.projects.project_tempo import number, tempo_map_in
from daw_protocol.timeline import Bbt, TempoMap
from tests.clip_store.projects.made import document, meters, tempos


def read(automation: str = "", bpm: float = 120) -> TempoMap:
    return tempo_map_in(ET.fromstring(document("", automation, bpm)))


def test_one_tempo():
    assert read(bpm=127.3) == TempoMap.constant("127.3")


def test_steps_and_time_signatures():
    found = read(tempos((4, 120), (16, "90.5")) + meters((0, 7, 8), (7, 4, 4)))
    assert [(point.quarter, point.bpm) for point in found.points] == [
        (0, 120),
        (4, 120),
        (16, Fraction("90.5")),
    ]
    assert found.quarters_of(Bbt(3)) == 7
    assert str(found.meter_at(Fraction(8))) == "4/4"


def test_a_line_that_does_not_rise_is_no_ramp():
    assert [point.bpm for point in read(tempos((0, 120), (8, 120), how="linear")).points] == [120, 120]


@pytest.mark.parametrize(
    ("automation", "words"),
    [
        (tempos((0, 120), (8, 90), how="linear"), "ramps from 120 BPM"),
        (tempos((0, 120), (8, "fast")), "a tempo but 'fast'"),
        (tempos((0, 1e9)), "cannot be read"),
        (tempos((0, 120)).replace('timeUnit="beats"', 'timeUnit="seconds"'), "in seconds"),
        (meters((0, 4, 5)), "cannot be read"),
    ],
)
def test_what_cannot_be_read(automation, words):
    with pytest.raises(ProjectError, match=words):
        read(automation)


@pytest.mark.parametrize("text", ["", None, "nan", "inf", "1e999999999", "1/2", "0x10", "9" * 50])
def test_numbers_are_decimals_of_a_sane_length(text):
    with pytest.raises(ProjectError, match="no number for a place"):
        number(text, "a place")


def test_numbers_are_exact():
    assert number(" -1.5e-3 ", "a place") == Fraction(-3, 2000)
