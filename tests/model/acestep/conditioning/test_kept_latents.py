"""Latents that are kept with audio: where they begin with it, read with care, fitted to the song."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.conditioning.kept_latents import aligned, decoded, encoded, joined, kept_of
from model.acestep.latent_grid import plan_window
from model.engine import Grid, RenderRequest, Song, Task
from model.kept import CLIP, SONG
from tests.model.acestep.golden_data import tensors
from tests.model.acestep.tiny_models import silence

RATE = 48_000
HOP = 1920
NO_BEATS = Grid(*(np.zeros(0) for _ in range(5)))  # type: ignore[arg-type]


def test_a_song_of_another_length_gets_what_the_official_application_gives_it() -> None:
    golden = tensors("stored_latents")
    for frames in (15, 20, 27):
        found = aligned(golden["stored"], frames, silence())
        assert torch.equal(
            found.reshape(golden[f"aligned_to_{frames}"].shape), golden[f"aligned_to_{frames}"]
        )


def test_what_is_written_is_read() -> None:
    latents = torch.randn(20, 64)
    found = decoded(encoded(latents))
    assert found is not None
    assert torch.equal(found, latents)


def array(value: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, value)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not an array",
        array(np.zeros((20, 64), np.float32))[:-9],
        array(np.zeros((1, 20, 64), np.float32)),
        array(np.zeros((20, 63), np.float32)),
        array(np.zeros((0, 64), np.float32)),
        array(np.zeros((20, 64), np.int16)),
        array(np.full((20, 64), np.nan, np.float32)),
    ],
)
def test_anything_else_counts_as_nothing_kept(data: bytes) -> None:
    assert decoded(data) is None


def asked(task: Task, start: int, end: int, channels: int = 2, song: int = 300 * HOP) -> RenderRequest:
    has_song = task is not Task.GENERATE
    audio = Song(np.zeros((song, channels), np.float32), RATE, "song") if has_song else None
    return RenderRequest(task, audio, RATE, channels, start, end, NO_BEATS, seed=1)


WHOLE = 300 * HOP
KEPT = {
    "a new song": (asked(Task.GENERATE, 0, 70_003), CLIP, 0, 37),
    "a whole cover": (asked(Task.COVER, 0, WHOLE), CLIP, 0, 300),
    "part of a song on the grid": (asked(Task.COVER, 10 * HOP, 200 * HOP + 5), CLIP, 10, 201),
    "part of it off the grid": (asked(Task.COVER, 10 * HOP + 7, 200 * HOP), None, 0, 0),
    "a repaint within the whole song": (asked(Task.REPAINT, 777, 9999), SONG, 0, 300),
    "a continuation": (asked(Task.COMPLETE, WHOLE, 350 * HOP + 1), SONG, 0, 351),
    "a lead-in, which moves the song": (asked(Task.COMPLETE, -HOP, 0), None, 0, 0),
    "mono": (asked(Task.COVER, 0, WHOLE, channels=1), None, 0, 0),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_kept_begins_with_the_audio(name: str) -> None:
    request, of, first, end = KEPT[name]
    window = plan_window(request.start, request.end, 0 if request.song is None else WHOLE, RATE)
    latents = torch.arange(float(window.frames))[None, :, None].expand(1, -1, 64)
    found = list(kept_of(request, window, "mix", latents))
    assert [(each.of, each.stem) for each in found] == ([] if of is None else [(of, "mix")])
    for each in found:
        kept = decoded(each.data)
        assert kept is not None
        assert kept[:, 0].tolist() == list(range(first, end))


def test_outside_a_repaint_the_song_keeps_its_own_latents() -> None:
    source, rendered = torch.zeros(1, 10, 64), torch.ones(1, 10, 64)
    assert joined(source, rendered, (3, 5))[0, :, 0].tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    assert not source.any()
    assert joined(source, rendered, None) is rendered


def test_a_repaint_that_saw_part_of_the_song_keeps_nothing() -> None:
    request = asked(Task.REPAINT, 100 * HOP, 120 * HOP)
    window = plan_window(request.start, request.end, WHOLE, RATE, surround_seconds=2.0)
    assert list(kept_of(request, window, "mix", torch.zeros(1, window.frames, 64))) == []
