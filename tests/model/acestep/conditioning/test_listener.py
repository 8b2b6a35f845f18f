"""Songs are encoded in blocks that neighbouring regions share, and that come out the same in any order."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep.conditioning import listener, sound_latents
from model.acestep.conditioning.audio_rate import song_audio
from model.acestep.conditioning.listener import BLOCK_FRAMES, Listener
from model.acestep.latent_grid import Window, plan_window
from model.acestep.networks.vae_tiling import ENCODE_REACH
from model.acestep.sampling.render_settings import Encoding
from model.engine import Song
from model.pace import Pace
from tests.model.acestep.small_parts import SmallParts, small_vae
from tests.model.acestep.tiny_models import BLOCK_TOLERANCE

RATE = 48_000
SECONDS = 21.3


@pytest.fixture(name="song", scope="module")
def _song() -> Song:
    samples = np.random.default_rng(1).normal(0, 0.1, (round(SECONDS * RATE), 2)).astype(np.float32)
    return Song(samples, RATE, "noise")


@pytest.fixture(name="encoded")
def _encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Latent frames of each piece of audio that was encoded."""
    found: list[int] = []
    real = sound_latents.encode

    def counting(vae: Any, audio: Tensor, *rest: Any, **more: Any) -> Any:
        found.append(audio.shape[2] // 1920)
        return real(vae, audio, *rest, **more)

    monkeypatch.setattr(listener.sound_latents, "encode", counting)
    return found


def window_at(start: float, song: Song, context: float | None = 3.0) -> Window:
    begin = round(start * RATE)
    return plan_window(begin, begin + 2 * RATE, song.frames, RATE, surround_seconds=context)


def latents_of(by: Listener, song: Song, window: Window, encoding: Encoding = Encoding.MEAN) -> Tensor:
    found = by.encode(song, window, encoding, 1, 0, Pace(lambda _: None, lambda: False, time.monotonic))
    assert found is not None
    return found


def test_blocks_equal_the_whole_song_encoded_at_once(song: Song) -> None:
    frames = -(-song.frames // 1920)
    audio = torch.from_numpy(song_audio(song.samples, RATE, (0, frames)))[None]
    whole = sound_latents.encode(small_vae(), audio, streams=False).mean.transpose(1, 2)
    everything = latents_of(Listener(SmallParts()), song, window_at(9.0, song, None))
    assert everything.shape == whole.shape
    assert float((everything - whole).abs().max()) <= BLOCK_TOLERANCE
    part = window_at(9.0, song)
    first, end = part.song_frames
    assert float((latents_of(Listener(SmallParts()), song, part) - whole[:, first:end]).abs().max()) <= 1e-5


def test_what_was_encoded_before_changes_no_bit(song: Song) -> None:
    used = Listener(SmallParts())
    for start in (2.0, 12.0, 7.0):
        window = window_at(start, song)
        assert torch.equal(latents_of(used, song, window), latents_of(Listener(SmallParts()), song, window))


def test_neighbouring_regions_share_what_they_both_show(song: Song, encoded: list[int]) -> None:
    one = Listener(SmallParts())
    latents_of(one, song, window_at(6.0, song))
    first = sum(encoded)
    encoded.clear()
    latents_of(one, song, window_at(8.0, song))
    assert len(encoded) == 1, "one new block"
    assert sum(encoded) <= BLOCK_FRAMES + 2 * ENCODE_REACH < first
    encoded.clear()
    goes_on = plan_window(song.frames, song.frames + RATE, song.frames, RATE, surround_seconds=4)
    latents_of(one, song, goes_on)
    latents_of(one, song, window_at(18.0, song))
    assert len(encoded) == 2, "a continuation and a repaint of the end show the same blocks"
    encoded.clear()
    latents_of(one, song, window_at(9.0, song, None))
    latents_of(one, song, window_at(9.0, song, None), Encoding.SAMPLE)
    assert not encoded, "by now all of it is known"


def test_a_sample_of_the_song_is_drawn_for_each_seed_without_listening_again(
    song: Song, encoded: list[int]
) -> None:
    one, window = Listener(SmallParts()), window_at(6.0, song)
    mean, drawn = latents_of(one, song, window), latents_of(one, song, window, Encoding.SAMPLE)
    count = len(encoded)
    assert torch.equal(drawn, latents_of(Listener(SmallParts()), song, window, Encoding.SAMPLE))
    assert not torch.equal(mean, drawn)
    latents_of(one, song, window, Encoding.SAMPLE)
    assert len(encoded) == 2 * count
