"""From the network's rate to the project's: places in time, channels, and when the region begins in the prompt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers", reason="MusicGen needs transformers: pip install takebridge[musicgen]")

import torch

from model.engine import Piece, Song, Task
from model.musicgen.musicgen_settings import MusicgenSettings
from model.musicgen.published_musicgen import MusicgenCheckpoint
from model.musicgen.renderer import MusicgenRenderer, _placed, _with_channels
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


def test_pieces_are_cut_to_what_is_wanted_and_silence_stands_before_them():
    pieces = [np.full((4, 1), value, np.float32) for value in (1, 2, 3)]
    assert [(at, len(cut)) for at, cut in _placed(iter(pieces), 10, (12, 19))] == [(12, 2), (14, 4), (18, 1)]
    found = list(_placed(iter(pieces), 10, (7, 15)))
    assert [(at, float(cut[0, 0])) for at, cut in found] == [(7, 0.0), (10, 1.0), (14, 2.0)]
    with pytest.raises(AssertionError):
        list(_placed(iter(pieces), 10, (10, 23)))


def test_channels():
    stereo = np.array([[1.0, 3.0]], np.float32)
    assert _with_channels(stereo, 1).tolist() == [[2.0]]
    assert _with_channels(stereo, 2) is stereo
    assert _with_channels(np.array([[2.0]], np.float32), 2).tolist() == [[2.0, 2.0]]
