"""What leaves the engine: the region of each stem, handles, and the rest of a song behind its stems."""

import numpy as np

from model.acestep.delivered_pieces import DeliveredPieces
from model.engine import RenderRequest, Song, Task
from tests.model.acestep.test_renderer import grid

RAMP = np.arange(20, dtype=np.float32)[:, None].repeat(2, axis=1)


def request(task: Task, start: int, end: int, **more: int) -> RenderRequest:
    song = Song(RAMP[:10], 48_000, "song")
    return RenderRequest(
        task=task, song=song, rate=48_000, channels=2, start=start, end=end, grid=grid(), seed=0, **more
    )


def test_a_mix_comes_as_its_region_and_with_its_handles() -> None:
    delivered = DeliveredPieces(request(Task.REPAINT, 4, 8, handle=2))
    found = [piece for start in (2, 6) for piece in delivered.pieces("mix", start, RAMP[start : start + 4])]
    assert [(piece.stem, piece.start, len(piece.samples)) for piece in found] == [
        ("handles", 2, 4), ("mix", 4, 2), ("handles", 6, 4), ("mix", 6, 2),
    ]  # fmt: skip
    assert delivered.peak == 7
    assert list(delivered.residual()) == []


def test_stems_and_the_residual_are_the_song_and_zeros_beyond_it() -> None:
    delivered = DeliveredPieces(request(Task.EXTRACT, 8, 12))
    (piece,) = delivered.pieces("drums", 8, np.ones((4, 2), np.float32))
    (rest,) = delivered.residual()
    assert (rest.stem, rest.start) == ("residual", 8)
    assert (piece.samples + rest.samples)[:, 0].tolist() == [8, 9, 0, 0]
