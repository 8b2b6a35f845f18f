"""Reference clips: length, level, origin, repeat."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep.conditioning.reference_audio import CLIP_SAMPLES, reference_clip
from model.acestep.latent_grid import MODEL_RATE
from model.acestep.sampling.samplers import NoisePurpose, generator


def ramp(seconds: float) -> Tensor:
    """Each sample tells its place: rising from 0 to 1 in double precision."""
    return torch.linspace(0, 1, round(seconds * MODEL_RATE), dtype=torch.float64).expand(2, -1)


def clip(audio: Tensor, seed: int = 1) -> Tensor:
    return reference_clip(audio, generator(seed, 0, NoisePurpose.REFERENCE))


@pytest.mark.parametrize("seconds", [0.001, 7, 29.99, 30, 30.01, 95])
def test_a_clip_is_always_thirty_seconds(seconds: float) -> None:
    assert clip(ramp(seconds)).shape == (2, CLIP_SAMPLES)


def test_each_third_gives_ten_seconds_in_a_row() -> None:
    audio = ramp(40)
    places = (clip(audio)[0] * (audio.shape[1] - 1)).round().long().unflatten(0, (3, -1))
    for third, piece in enumerate(places):
        assert torch.equal(piece, torch.arange(len(piece)) + piece[0])
        assert third * audio.shape[1] // 3 <= int(piece[0])
        assert int(piece[-1]) < (third + 1) * audio.shape[1] // 3


def test_the_pieces_come_from_the_seed() -> None:
    audio = ramp(35)
    assert torch.equal(clip(audio), clip(audio))
    assert not torch.equal(clip(audio), clip(audio, seed=2))


def test_short_audio_is_repeated_and_loud_audio_is_held() -> None:
    short = torch.tensor([[0.5, -3.0, 2.0]]).expand(2, -1)
    assert clip(short)[1, :6].tolist() == [0.5, -1, 1, 0.5, -1, 1]


def test_no_audio_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        clip(torch.zeros(2, 0))
