"""Regions at any sample on the 40 ms grid: against the reference's padding, and by property."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.acestep.latent_grid import (
    HOP,
    MAX_FRAMES,
    MIN_FRAMES,
    MODEL_RATE,
    Window,
    hop_of,
    plan_window,
)
from model.errors import CannotRender
from tests.model.acestep.golden_data import table

RATES = (44_100, 48_000, 88_200, 96_000, 192_000)
PADDED = [case for case in table("repaint_settings")["outpaint_padding"] if case["latent_region"]]


@pytest.mark.parametrize("case", PADDED, ids=lambda case: case["name"])
def test_windows_of_the_reference(case: dict[str, Any]) -> None:
    source = round(case["source_s"] * MODEL_RATE)
    to_the_end = case["repainting_end"] in (None, -1)
    end = source if to_the_end else round(case["repainting_end"] * MODEL_RATE)
    window = plan_window(round(case["repainting_start"] * MODEL_RATE), end, source, MODEL_RATE)
    assert window.frames == case["latent_frames"]
    assert list(window.region) == case["latent_region"]
    assert window.source[0] * HOP == case["source_first_sample"]
    assert window.source[1] * HOP == case["source_end_sample"]


def check(window: Window, start: int, end: int) -> None:
    """What every window promises."""
    hop = window.hop
    first, last = window.region
    assert MIN_FRAMES <= window.frames <= MAX_FRAMES
    assert 0 <= first < last <= window.frames
    assert window.origin + first * hop <= start
    assert window.origin + last * hop >= end
    assert start - (window.origin + first * hop) < hop
    cut = window.cut
    assert 0 <= cut.start < cut.stop <= window.samples
    assert (window.origin + cut.start, window.origin + cut.stop) == window.wanted
    decoded = window.wanted_frames
    assert 0 <= decoded[0] * hop <= cut.start
    assert cut.stop <= decoded[1] * hop <= window.samples


@given(
    rate=st.sampled_from(RATES),
    start_seconds=st.floats(-60, 900),
    seconds=st.floats(0.0001, 590),
    song_seconds=st.floats(0, 900),
    surround=st.none() | st.floats(0, 100),
    offset=st.integers(0, 5000),
    ending=st.booleans(),
)
def test_every_region_fits_its_window(
    rate: int,
    start_seconds: float,
    seconds: float,
    song_seconds: float,
    surround: float | None,
    offset: int,
    ending: bool,
) -> None:
    song = round(song_seconds * rate)
    start = round(start_seconds * rate) + offset
    end = start + max(1, round(seconds * rate))
    window = plan_window(start, end, song, rate, surround_seconds=surround, ending=ending)
    check(window, start, end)
    if song:
        assert window.origin % window.hop == 0, "the grid is the song's"
    first, last = (frame * window.hop for frame in window.song_frames)
    if window.source != (0, 0):
        assert 0 <= first < song
        assert last - song < window.hop


@given(rate=st.sampled_from(RATES), start=st.integers(0, 2_000_000), handle=st.integers(0, 50_000))
def test_handles_inside_the_song_are_decoded_but_not_rendered_anew(
    rate: int, start: int, handle: int
) -> None:
    song = 60 * rate
    start = min(start + handle + 1, song - handle - rate - 1)
    bare = plan_window(start, start + rate, song, rate)
    wide = plan_window(start, start + rate, song, rate, handle=handle)
    assert wide.region == bare.region
    assert wide.wanted == (start - handle, start + rate + handle)


def test_a_handle_beyond_the_song_is_rendered_with_the_continuation() -> None:
    rate = 48_000
    window = plan_window(10 * rate, 14 * rate, 10 * rate, rate, handle=rate)
    assert window.region == (250, 375)
    assert window.wanted == (9 * rate, 15 * rate)


@pytest.mark.parametrize(("ending", "last"), [(False, MIN_FRAMES), (True, 100)])
def test_a_short_continuation_goes_on_through_the_padding_unless_it_ends(ending: bool, last: int) -> None:
    rate = 48_000
    window = plan_window(2 * rate, 4 * rate, 2 * rate, rate, ending=ending)
    assert window.frames == MIN_FRAMES
    assert window.region == (50, last)


def test_a_short_surround_prefers_song_to_silence() -> None:
    rate = 48_000
    window = plan_window(30 * rate, 31 * rate, 60 * rate, rate, surround_seconds=0.4)
    assert window.frames == MIN_FRAMES
    assert window.source == (0, MIN_FRAMES)


def test_a_surround_is_measured_from_the_region() -> None:
    rate = 44_100
    window = plan_window(100 * rate, 110 * rate, 300 * rate, rate, surround_seconds=20)
    assert (window.origin, window.frames) == (80 * rate, 50 * 25)


def test_a_long_song_is_shown_around_the_region_up_to_the_limit() -> None:
    rate = 48_000
    middle = plan_window(1000 * rate, 1010 * rate, 2000 * rate, rate)
    assert middle.frames == MAX_FRAMES
    assert middle.region == (7375, 7625)
    near_the_start = plan_window(100 * rate, 110 * rate, 2000 * rate, rate)
    assert (near_the_start.origin, near_the_start.frames) == (0, MAX_FRAMES)
    near_the_end = plan_window(1950 * rate, 1960 * rate, 2000 * rate, rate)
    assert near_the_end.origin + near_the_end.samples == 2000 * rate


def test_without_a_song_the_grid_starts_at_the_region() -> None:
    window = plan_window(12_345, 12_345 + 48_000 * 30, 0, 48_000)
    assert window.origin == 12_345
    assert window.source == (0, 0)
    assert window.region == (0, 750)


def test_the_longest_region_is_taken_and_one_sample_more_is_refused() -> None:
    rate = 44_100
    assert plan_window(0, 600 * rate, 0, rate).frames == MAX_FRAMES
    with pytest.raises(CannotRender, match="at most 600 s"):
        plan_window(0, 600 * rate + 1, 0, rate)


def test_an_empty_region_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        plan_window(5, 5, 100, 48_000)


def test_project_rates_lie_on_the_grid() -> None:
    assert [hop_of(rate) for rate in RATES] == [1764, 1920, 3528, 3840, 7680]
    with pytest.raises(AssertionError):
        hop_of(48_001)
