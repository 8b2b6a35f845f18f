"""From the network's rate to the project's: when the region begins in the prompt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers", reason="MusicGen needs transformers: pip install takebridge[musicgen]")

import torch

from model.engine import Piece, Song, Task
from model.musicgen.musicgen_settings import MusicgenSettings
from model.musicgen.published_musicgen import MusicgenCheckpoint
from model.musicgen.renderer import MusicgenRenderer
from model.pace import Pace
from tests.model.musicgen.musicgen_requests import request


class Mirror:
    """Has the network's shape; its codes are the numbers of frames, and what it plays is the song it was given."""

    rate, frame, channels, window_frames = 32_000, 640, 1, 100

    def encode(self, samples, pace):
        assert len(samples) % self.frame == 0
        self.heard = samples.mean(axis=1, keepdims=True)
        return torch.arange(len(samples) // self.frame)[None]

    def generate(self, plan, settings, pace):
        count = plan.prompt.shape[1] + plan.frames
        assert count <= self.window_frames
        silence = np.zeros((count * self.frame - len(self.heard), 1), np.float32)
        return torch.arange(count)[None], np.concatenate([self.heard, silence])


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_what_it_heard_comes_back_where_it_was_heard(musicgen_models: Path, rate: int):
    """A click a little before the region is in the handles, on its very sample."""
    found = MusicgenRenderer(
        MusicgenCheckpoint(musicgen_models / "musicgen-melody", "musicgen-melody"), torch.device("cpu"), "cpu"
    )
    found._network = Mirror()  # type: ignore[assignment]
    start, click = rate + 37, rate - 200
    samples = np.zeros((2 * rate, 2), np.float32)
    samples[click] = 0.5
    asked = request(
        Task.COMPLETE, rate=rate, song=Song(samples, rate, "click"), start=start, end=start + 999, handle=500
    )
    quiet = Pace(lambda _: None, lambda: False)
    pieces = [
        each
        for each in found.render(asked, MusicgenSettings(), quiet)
        if isinstance(each, Piece) and each.stem == "handles"
    ]
    handles = np.concatenate([piece.samples for piece in pieces])
    assert int(np.abs(handles[:, 0]).argmax()) == click - (start - 500)
