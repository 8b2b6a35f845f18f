"""The bar of a job: it goes forward only, and says which takes are under way."""

from __future__ import annotations

import math

import pytest

from bridge_server.languages.wording import text_in
from bridge_server.rendering.job_progress import ProgressBar, sensible
from daw_protocol.requests import Repaint
from daw_protocol.requests.parts import parts_of
from model.engine import Progress


def bar_of(takes: int):
    reported: list[Progress] = []
    return ProgressBar(takes, reported.append), reported


def test_one_take_is_the_whole_bar():
    bar, reported = bar_of(1)
    bar.rendering((1,), Progress("rendering", 0.5, 3.0))
    bar.finishing(1, "splicing")
    assert [(each.stage, each.fraction, each.seconds_left) for each in reported] == [
        ("rendering", 0.45, 3.0),
        ("splicing", 0.9, None),
    ]


def test_takes_one_after_the_other_fill_it():
    bar, reported = bar_of(4)
    bar.rendering((1,), Progress("rendering", 0.5))
    bar.recorded((1,))
    bar.rendering((2,), Progress("rendering", 0.5))
    assert [each.stage for each in reported] == ["rendering (take 1 of 4)", "rendering (take 2 of 4)"]
    assert [each.fraction for each in reported] == pytest.approx([0.45 / 4, 1.45 / 4])


def test_takes_at_once_are_named_and_the_first_one_speaks():
    bar, reported = bar_of(4)
    bar.rendering((1,), Progress("analysing", 0.1, 9.0))
    bar.rendering((2,), Progress("joining", 0.8, 1.0))
    bar.rendering((3,), Progress("analysing", 0.1))
    assert reported[1].stage == "analysing (takes 1 and 2 of 4)"
    assert reported[1].seconds_left == 9.0
    assert reported[2].stage == "analysing (takes 1, 2 and 3 of 4)"


def test_it_never_goes_back():
    bar, reported = bar_of(2)
    for number, fraction in ((1, 0.8), (2, 0.3), (1, 0.1), (2, 0.2), (1, 5.0), (1, -1.0), (2, 1.0)):
        bar.rendering((number,), Progress("rendering", fraction))
    fractions = [each.fraction for each in reported]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(0.9)


def test_an_order_of_several_takes_names_one_or_means_all():
    bar, reported = bar_of(2)
    bar.rendering((1, 2), Progress("denoising", 0.5))
    bar.rendering((1, 2), Progress("decoding", 1.0, take=1))
    assert [each.fraction for each in reported] == pytest.approx([0.45, 0.675])
    assert reported[1].stage == "denoising (takes 1 and 2 of 2)"


@pytest.mark.parametrize(
    ("given", "found"),
    [(None, None), (math.nan, None), (math.inf, None), (-3.0, 0.0), (7.0, 7.0), (1e9, 1e6)],
)
def test_an_estimate_that_is_none_is_left_out(given, found):
    assert sensible(given) == found


def test_a_job_about_several_regions_names_the_one_that_is_next():
    reports = []
    parts = parts_of(Repaint(regions="1,2,3", takes=2))
    bar = ProgressBar(6, reports.append, parts)
    bar.recorded((1, 2, 3))
    bar.rendering((4,), Progress("joining bars", 0.5, take=1), first=3)
    assert reports[-1].stage == "joining bars (region 2 of 3, take 2 of 2)"
    assert reports[-1].fraction == pytest.approx((3 + 0.45) / 6)


@pytest.mark.parametrize(
    ("asked", "stage", "korean"),
    [
        ({"regions": "1,2,3"}, "joining bars (region 2 of 3)", "마디 잇는 중(구간 3개 중 2번째)"),
        ({"tracks": ["a.wav", "b.wav"]}, "joining bars (track 2 of 2)", "마디 잇는 중(트랙 2개 중 2번째)"),
        (
            {"tracks": ["a.wav", "b.wav"], "regions": "1,2"},
            "joining bars (region 2 of track 1)",
            "마디 잇는 중(트랙 1의 2번 구간)",
        ),
    ],
)
def test_the_part_is_named_in_every_language(asked, stage, korean):
    reports = []
    parts = parts_of(Repaint(**asked))
    bar = ProgressBar(len(parts), reports.append, parts)
    bar.recorded((1,))
    bar.rendering((2,), Progress("joining bars", 0.5))
    assert reports[-1].stage == stage
    assert text_in(stage, "ko") == korean


def fractions_of(reported: list[Progress]) -> list[float]:
    return [each.fraction for each in reported]


def test_loading_an_engine_fills_little_of_the_bar_and_the_render_the_rest():
    """A checkpoint that is loaded counts from 0 to 1, and so does the render after it."""
    bar, reported = bar_of(1)
    for fraction in (0.0, 0.5, 1.0):
        bar.loading((1,), Progress("loading turbo", fraction))
    bar.loaded((1,))
    for fraction in (0.0, 0.5, 1.0):
        bar.rendering((1,), Progress("generating", fraction))
    assert fractions_of(reported) == pytest.approx([0, 0.045, 0.09, 0.09, 0.495, 0.9])
    assert [each.stage for each in reported] == ["loading turbo"] * 3 + ["generating"] * 3


def test_an_engine_that_is_loaded_again_moves_on_what_is_left():
    bar, reported = bar_of(2)
    bar.recorded((1,))
    bar.rendering((2,), Progress("generating", 0.5))
    bar.again((2,), "rendering again: the engine's process ended")
    for fraction in (0.0, 1.0):
        bar.loading((2,), Progress("loading base", fraction))
    bar.loaded((2,))
    bar.rendering((2,), Progress("generating", 0.0))
    bar.rendering((2,), Progress("generating", 0.5))
    found = fractions_of(reported)
    assert found == sorted(found)
    assert found[0] == found[1] == found[2] == pytest.approx((1 + 0.45) / 2)
    assert found[3] < found[5] < (1 + 0.9) / 2, "it still moves, as the work does"


def test_reading_another_song_of_a_job_leaves_the_bar_where_it_is():
    bar, reported = bar_of(2)
    bar.recorded((1,))
    bar.preparing("reading the song")
    assert [(each.stage, each.fraction) for each in reported] == [("reading the song", 0.5)]
