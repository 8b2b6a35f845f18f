from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from clip_store.exports.arrange import song_project
from clip_store.exports.project import Project
from tests.clip_store.exports.songs import MOVING, Shelf, describe, offset


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Callable[..., Shelf]]:
    """Makes stores: `shelf(rate=..., position=...)`."""
    with ExitStack() as stack:

        def make(**values: Any) -> Shelf:
            made = Shelf(tmp_path / "shelf", **values)
            stack.enter_context(closing(made.connection))
            return made

        yield make


CASES = [
    pytest.param((44_100, 2, 0, MOVING), id="44.1 kHz stereo"),
    pytest.param((48_000, 1, 5 * 48_000 + 1, MOVING), id="48 kHz mono, late"),
    pytest.param((96_000, 2, 7_777_777, offset(MOVING, "0.3701")), id="96 kHz, zero inside a bar"),
    pytest.param((44_100, 1, -30_000, offset(MOVING, "-1.75")), id="44.1 kHz mono, before zero"),
]
"""Rate, channels, place of the song, tempo map."""


@pytest.fixture(params=CASES)
def full(request: pytest.FixtureRequest, shelf: Callable[..., Shelf]) -> tuple[Shelf, Project]:
    """A song with a chosen take, two others, and three stems that are not chosen."""
    rate, channels, position, tempo_map = request.param
    made = shelf(rate=rate, channels=channels, position=position, tempo_map=tempo_map)
    made.add(40_001, 12_345)
    chosen = made.add(40_001, 12_345)
    made.add(50_000, 9_999)
    made.stems(0, 2 * rate, "vocals", "drums", "residual")
    made.store.index.choose(chosen.id)
    return made, song_project(made.store, made.song.digest, describe)


def expected_clips(project: Project) -> list[tuple[str, int, int, int, bool]]:
    """(track, position, start, length, audible) of every clip, as the project says."""
    return [
        (track.name, clip.position, clip.start, clip.length, not (track.muted or clip.muted))
        for track in project.tracks
        for clip in track.clips
    ]
