"""The picture of a take shows where its edges and joins are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.real_music.pictures import AROUND_SECONDS, Look, picture
from benchmarks.sketch_pictures import COLUMNS, LABEL, MARGIN
from bridge_server.songs.take_picture import AFTER

RATE = 8000


def test_edges_and_joins_are_marked_in_their_place(tmp_path: Path) -> None:
    old = np.zeros((20 * RATE, 2), np.float32)
    new = old.copy()
    new[8 * RATE : 12 * RATE] = 0.1
    edges, joins = (8 * RATE, 12 * RATE), [9 * RATE]
    picture(Look("title", "subtitle", old, new, edges, joins, RATE), tmp_path / "take.png")
    image = np.asarray(Image.open(tmp_path / "take.png").convert("RGB")).astype(int)
    green = (np.abs(image - AFTER).sum(axis=2) < 12).sum(axis=0)
    marked = np.flatnonzero(green > 100)
    first = edges[0] - AROUND_SECONDS * RATE
    span = edges[1] + AROUND_SECONDS * RATE - first
    expected = [
        MARGIN + LABEL + round((frame - first) / span * COLUMNS) for frame in (edges[0], joins[0], edges[1])
    ]
    assert marked.tolist() == expected
