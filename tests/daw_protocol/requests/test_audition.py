"""Requests to the audition: one thing to play at a time, and the limits of what is played."""

import itertools

import pytest

from daw_protocol.errors import ErrorCode
from daw_protocol.requests import (
    CompareAudition,
    FollowTransport,
    PlayAudition,
    SeekAudition,
    SetAuditionBars,
    SetAuditionGain,
    ShowPassage,
)
from daw_protocol.timeline import AtSample
from tests.refusals import refusal

PLAYED = {"take": "t1", "job": "j1", "source": "song.wav"}


@pytest.mark.parametrize("name", PLAYED)
def test_a_take_a_job_or_a_song_can_be_played(name):
    asked = PlayAudition(**{name: PLAYED[name]})
    assert getattr(asked, name) == PLAYED[name]
    assert asked.side == "take"


@pytest.mark.parametrize("names", list(itertools.combinations(PLAYED, 2)))
def test_and_only_one_of_them(names):
    error = refusal(PlayAudition, **{name: PLAYED[name] for name in names})
    assert (error.code, error.field) == (ErrorCode.OUT_OF_RANGE, names[1])


def test_playing_again_needs_no_words():
    asked = PlayAudition()
    assert (asked.take, asked.job, asked.source) == ("", "", None)
    assert (asked.before, asked.after, asked.start, asked.end) == (None, None, None, None)


@pytest.mark.parametrize(
    ("request_type", "field", "allowed", "beyond"),
    [
        (PlayAudition, "before", (0, 64), (-1, 65)),
        (PlayAudition, "after", (0, 64), (-1, 65)),
        (SetAuditionBars, "before", (0, 64), (-1, 65)),
        (ShowPassage, "after", (0, 64), (-1, 65)),
        (SetAuditionBars, "after", (0, 64), (-1, 65)),
        (SetAuditionGain, "db", (-60.0, 12.0), (-60.1, 12.1)),
        (PlayAudition, "side", ("take", "original"), ("both",)),
        (CompareAudition, "side", ("take", "original"), ("both",)),
        (FollowTransport, "what", ("none", "osc", "midi", "jack", "link"), ("ltc",)),
    ],
)
def test_the_limits_of_what_is_played(request_type, field, allowed, beyond):
    for value in allowed:
        assert getattr(request_type(**{field: value}), field) == value
    for value in beyond:
        error = refusal(request_type, **{field: value})
        assert (error.code, error.field) == (ErrorCode.OUT_OF_RANGE, field)


def test_a_passage_is_of_a_take_or_of_a_song():
    assert ShowPassage(take="t1").source is None
    error = refusal(ShowPassage, take="t1", source="song.wav")
    assert (error.code, error.field) == (ErrorCode.OUT_OF_RANGE, "source")


def test_a_comparison_changes_sides_when_none_is_named():
    assert CompareAudition().side is None


def test_the_playhead_is_sought_by_position():
    assert SeekAudition(position="96000").position == AtSample(96_000)
    assert refusal(SeekAudition.from_fields, {}).code is ErrorCode.MISSING_FIELD
