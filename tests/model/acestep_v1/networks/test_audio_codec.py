"""Audio to latents and back, whole and in parts, against the published wrapper's numbers."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch

from model.acestep_v1.networks.audio_codec import AudioCodec
from model.acestep_v1.networks.mel import unscaled
from model.errors import RenderStopped
from tests.model.acestep_v1.golden_v1 import tensors, tiny_codec, tiny_vocoder, tiny_weights, worst


def codec(frames: int = 64) -> AudioCodec:
    return AudioCodec(tiny_codec(), tiny_vocoder(), tiny_weights().mel(), frames)


def decoded(latents: torch.Tensor, frames: tuple[int, int] | None = None, at_once: int = 64) -> torch.Tensor:
    return torch.cat(list(codec(at_once).decode(latents, frames)), 1)


def test_encoding_and_decoding():
    golden = tensors("codec")
    assert worst(codec().encode(golden["audio44"][0]), golden["latents44"]) < 1e-4
    assert worst(decoded(golden["decode_latents"]), golden["wave44"]) < 1e-5


def test_encoding_audio_that_was_resampled():
    golden = tensors("codec")
    assert worst(codec().encode(golden["audio48_resampled_to_44100"][0]), golden["latents_if_48000"]) < 5e-4


def test_the_published_windows():
    """The published decoder cuts long songs into windows: the first alone gives the start of a longer song. The last
    picture is filled up with zeros, which are loud, so its end differs from what the whole song gives."""
    golden = tensors("overlap_decode")
    assert worst(decoded(golden["latents_520"][..., :512], (0, 1))[:, :512], golden["wave_520.0_512"]) < 1e-4
    with torch.no_grad():
        seen = tiny_codec().decoder(golden["latents_60"] / 0.1786 - 1.9091)
        filled = torch.nn.functional.pad(unscaled(seen), (0, 512 - 480))[0]
        wave = torch.cat([tiny_vocoder()(channel[None])[0] for channel in filled])[:, : 60 * 4096]
    assert worst(wave[:, :512], golden["wave_60.0_512"]) < 1e-4
    assert worst(wave[:, 244736:245760], golden["wave_60.244736_245760"]) < 1e-4
    whole = decoded(golden["latents_60"], (58, 60))
    assert not torch.allclose(whole[:, -1024:], golden["wave_60.244736_245760"], atol=1e-3)


def test_parts_of_any_length_give_what_the_whole_gives():
    latents = torch.randn(1, 8, 16, 24, generator=torch.Generator().manual_seed(5))
    whole = decoded(latents)
    assert whole.shape == (2, 24 * 4096)
    assert worst(decoded(latents, None, 13), whole) < 1e-5
    assert worst(decoded(latents, (20, 22)), whole[:, 20 * 4096 : 22 * 4096]) < 1e-5


def test_decoding_stops_when_asked():
    latents = torch.zeros(1, 8, 16, 4)
    with pytest.raises(RenderStopped):
        next(codec().decode(latents, None, lambda: True))
