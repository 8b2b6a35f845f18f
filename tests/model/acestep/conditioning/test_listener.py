"""Songs are encoded in blocks that neighbouring regions share, and that come out the same in any order."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep.conditioning import sound_latents
from model.acestep.conditioning.audio_rate import song_audio
from model.acestep.conditioning.listener import BLOCK_FRAMES, EDGE_FRAMES, Listener, consecutive
from model.acestep.latent_grid import Window, hop_of, plan_window
from model.acestep.networks.vae import LatentDistribution, Vae
from model.acestep.sampling.render_settings import Encoding
from model.engine import ShouldStop, Song
from model.errors import RenderStopped
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
    """Latent frames that came out of each stream."""
    found: list[int] = []
    real = sound_latents.encode_pieces

    def counting(vae: Vae, audio: Iterable[Tensor], should_stop: ShouldStop) -> Iterator[LatentDistribution]:
        found.append(0)
        for part in real(vae, audio, should_stop):
            found[-1] += part.mean.shape[2]
            yield part

    monkeypatch.setattr(sound_latents, "encode_pieces", counting)
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


def test_blocks_in_tiles_equal_those_of_a_stream(song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU: each by itself."""
    window, streamed = window_at(9.0, song), latents_of(Listener(SmallParts()), song, window_at(9.0, song))
    monkeypatch.setattr(sound_latents, "streams_at", lambda place: False)
    one, reached = Listener(SmallParts()), []
    found = one.encode(song, window, Encoding.MEAN, 1, 0, Pace(reached.append, lambda: False))
    assert found is not None
    assert float((found - streamed).abs().max()) <= BLOCK_TOLERANCE
    assert [each.fraction for each in reached] == sorted({each.fraction for each in reached})
    with pytest.raises(RenderStopped):
        Listener(SmallParts()).encode(song, window, Encoding.MEAN, 1, 0, Pace(reached.append, lambda: True))


def test_what_was_encoded_before_changes_no_bit(song: Song) -> None:
    used = Listener(SmallParts())
    for start in (2.0, 12.0, 7.0):
        window = window_at(start, song)
        assert torch.equal(latents_of(used, song, window), latents_of(Listener(SmallParts()), song, window))


@pytest.mark.parametrize(("rate", "rest"), [(RATE, 3), (RATE, EDGE_FRAMES), (44_100, 37)])
def test_a_block_is_the_same_in_every_stream(rate: int, rest: int) -> None:
    """rest: frames of the song's last block."""
    frames = (3 * BLOCK_FRAMES + rest) * hop_of(rate)
    song = Song(np.random.default_rng(2).normal(0, 0.1, (frames, 2)).astype(np.float32), rate, "noise")
    whole = Listener(SmallParts())
    everything = blocks_of(whole, song, range(4))
    for first, stop in combinations(range(5), 2):
        some = blocks_of(Listener(SmallParts()), song, range(first, stop))
        assert all(map(torch.equal, some, everything[first:stop])), (first, stop)
    scattered = Listener(SmallParts())
    blocks_of(scattered, song, range(1, 2))
    assert all(map(torch.equal, blocks_of(scattered, song, range(4)), everything))
    assert everything[-1].shape[2] == rest


def test_what_a_cancelled_request_encoded_is_known(song: Song, encoded: list[int]) -> None:
    one, reached = Listener(SmallParts()), []

    def stop_after_two_blocks() -> bool:
        return bool(encoded) and encoded[0] >= 2 * BLOCK_FRAMES + EDGE_FRAMES

    pace = Pace(reached.append, stop_after_two_blocks, time.monotonic)
    with pytest.raises(RenderStopped):
        one.encode(song, window_at(9.0, song, None), Encoding.MEAN, 1, 0, pace)
    encoded.clear()
    latents_of(one, song, window_at(3.0, song, 1.0))
    assert not encoded, "its first two blocks"
    latents_of(one, song, window_at(9.0, song, None))
    assert sum(encoded) < 5 * BLOCK_FRAMES
    assert reached


def blocks_of(by: Listener, song: Song, numbers: range) -> list[Tensor]:
    return [block.mean for block in by._encoded_blocks(song, numbers, Pace(lambda _: None, lambda: False))]


def test_neighbouring_regions_share_what_they_both_show(song: Song, encoded: list[int]) -> None:
    one = Listener(SmallParts())
    latents_of(one, song, window_at(6.0, song))
    first = sum(encoded)
    encoded.clear()
    latents_of(one, song, window_at(8.0, song))
    assert len(encoded) == 1, "one new block"
    assert sum(encoded) <= BLOCK_FRAMES + 2 * EDGE_FRAMES < first
    encoded.clear()
    goes_on = plan_window(song.frames, song.frames + RATE, song.frames, RATE, surround_seconds=4)
    latents_of(one, song, goes_on)
    latents_of(one, song, window_at(18.0, song))
    assert len(encoded) == 1, "a continuation and a repaint of the end show the same blocks"
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


def test_numbers_in_runs() -> None:
    assert consecutive([2, 3, 4, 7, 9, 10]) == [range(2, 5), range(7, 8), range(9, 11)]
    assert consecutive([]) == []
