"""The values of the one interface of all engines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.engine import (
    Capability,
    EngineDescription,
    Grid,
    RenderRequest,
    Song,
    Task,
    TextLimit,
    stop_if_asked,
)
from model.errors import RenderStopped


def described(*tasks: Capability) -> EngineDescription:
    return EngineDescription("small", "Small", False, tasks)


def test_a_task_that_is_listed_has_its_own_reason() -> None:
    repaint, cover = (
        Capability(Task.REPAINT, True),
        Capability(Task.COVER, False, "No weights.", "Fetch them."),
    )
    about = described(repaint, cover)
    assert about.capability(Task.REPAINT) is repaint
    assert about.capability(Task.COVER) is cover


def test_a_task_that_is_not_listed_cannot_be_done() -> None:
    found = described(Capability(Task.REPAINT, True)).capability(Task.LEGO)
    assert (found.task, found.available) == (Task.LEGO, False)
    assert found.reason == "The Small engine does not support lego."


@pytest.mark.parametrize(
    ("limit", "text", "lost"),
    [
        (TextLimit(), "x" * 100_000, False),
        (TextLimit(tokens=0), "", False),
        (TextLimit(tokens=0), "x", True),
        (TextLimit(tokens=4), "x" * 12, False),
        (TextLimit(tokens=4), "x" * 13, True),
        (TextLimit(tokens=4), "ö" * 6, False),
        (TextLimit(tokens=4), "ö" * 7, True),  # two bytes each
        (TextLimit(characters=5), "x" * 100, False),  # refused before it can be lost
    ],
)
def test_a_text_may_be_lost_when_it_has_more_bytes_than_tokens_can_hold(
    limit: TextLimit, text: str, lost: bool
) -> None:
    assert limit.may_lose(text) is lost


def test_a_song_knows_its_shape() -> None:
    song = Song(np.zeros((48_000, 2), np.float32), 48_000, "digest")
    assert (song.frames, song.channels) == (48_000, 2)


def test_a_region_is_half_open() -> None:
    none = np.zeros(0)
    grid = Grid(none, none.astype(int), none.astype(int), none.astype(int), none)
    assert RenderRequest(Task.REPAINT, None, 48_000, 2, -100, 4_700, grid, seed=1).length == 4_800


def test_a_render_ends_once_the_caller_wants_no_more() -> None:
    stop_if_asked(lambda: False)
    with pytest.raises(RenderStopped):
        stop_if_asked(lambda: True)


BEATS = np.arange(4)
GRID = Grid(BEATS * 0.5, BEATS, BEATS * 0 + 4, BEATS * 0 + 1, BEATS * 0 + 120.0)


def asked(*takes: int) -> RenderRequest:
    return RenderRequest(Task.REPAINT, None, 48_000, 2, 0, 100, GRID, seed=1, takes=takes)


@pytest.mark.parametrize("takes", [(), (1, 0), (0, 0), (-1,)])
def test_takes_that_name_nothing_or_one_twice_are_refused(takes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="takes must be"):
        asked(*takes)


def test_takes_are_among_all_of_their_request() -> None:
    assert replace(asked(0, 2), takes_in_all=3).takes == (0, 2)
    with pytest.raises(ValueError, match="of 2 takes, numbered from 0, there is no 2"):
        replace(asked(0, 2), takes_in_all=2)
