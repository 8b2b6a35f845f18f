"""Sound into latents and back: in pieces as at once, the same every time, and stopped when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
import torch
from torch import Tensor

from model.acestep.conditioning import sound_latents
from model.acestep.latent_grid import HOP
from model.errors import RenderStopped
from tests.model.acestep.golden_data import worst
from tests.model.acestep.small_parts import small_vae


def audio(frames: int) -> Tensor:
    return torch.randn(1, 2, frames * HOP, generator=torch.Generator().manual_seed(frames)) * 0.1


def test_encoding_in_pieces_equals_encoding_at_once() -> None:
    reported: list[tuple[int, int]] = []
    whole = small_vae().encode(audio(45))
    streamed = sound_latents.encode(small_vae(), audio(45), on_frames=lambda *done: reported.append(done))
    tiled = sound_latents.encode(small_vae(), audio(45), chunk=30, streams=False)
    for found in (streamed, tiled):
        assert worst(found.mean, whole.mean) <= 1e-5
        assert worst(found.scale, whole.scale) <= 1e-5
    assert reported[-1] == (45, 45)
    assert len(reported) >= 3


@pytest.mark.parametrize("streams", [True, False])
def test_decoding_in_pieces_equals_decoding_at_once(streams: bool) -> None:
    latents = torch.randn(1, 60, 64, generator=torch.Generator().manual_seed(3))
    whole = small_vae().decode(latents.transpose(1, 2))[0, :, 5 * HOP : 52 * HOP]
    found = list(sound_latents.decode_frames(small_vae(), latents, (5, 52), 10, streams=streams))
    assert len(found) >= 3
    assert worst(torch.cat(found, dim=1), whole) <= 1e-5


@pytest.mark.parametrize("streams", [True, False])
def test_encoding_and_decoding_stop_when_asked(streams: bool) -> None:
    found = sound_latents.decode_frames(
        small_vae(), torch.zeros(1, 40, 64), (0, 40), 10, should_stop=lambda: True, streams=streams
    )
    with pytest.raises(RenderStopped):
        next(found)
    with pytest.raises(RenderStopped):
        sound_latents.encode(small_vae(), audio(3), streams=streams, should_stop=lambda: True)


def test_streaming_asks_within_a_piece() -> None:
    """One piece of the published network takes seconds on a CPU."""
    asked: list[None] = []

    def never() -> bool:
        asked.append(None)
        return False

    list(sound_latents.decode_frames(small_vae(), torch.zeros(1, 8, 64), (0, 8), 10, never))
    assert len(asked) > 20


@pytest.mark.parametrize(("level", "silent"), [(0.0, True), (1e-7, True), (1e-5, False)])
def test_silence_is_recognised(level: float, silent: bool) -> None:
    assert sound_latents.is_silent(np.full((100, 2), level, np.float32)) == silent


def test_silence_that_is_made_is_silence_encoded() -> None:
    with torch.no_grad():
        whole = sound_latents.encode(small_vae(), torch.zeros(1, 2, 60 * HOP)).mean.transpose(1, 2)
    made = sound_latents.silence_of(small_vae(), 60)
    assert made.shape == (1, 60, 64)
    assert worst(made, whole) <= 1e-5
    assert not torch.allclose(made[:, 0], made[:, 30]), "the first frame knows that nothing comes before it"


def test_a_piece_is_fetched_while_the_next_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As from a device that works by itself, whose copies are late: there when somebody waits for them."""
    order: list[str] = []

    def decoded() -> Iterator[Tensor]:
        for number in range(3):
            order.append(f"decode {number}")
            yield torch.full((2, 4), float(number))

    def fetch(piece: Tensor) -> Callable[[], Tensor]:
        order.append(f"fetch {int(piece[0, 0])}")

        def arrived() -> Tensor:
            order.append(f"wait {int(piece[0, 0])}")
            return piece

        return arrived

    monkeypatch.setattr(sound_latents, "ASYNCHRONOUS", frozenset({"cpu"}))
    monkeypatch.setattr(sound_latents, "fetch", fetch)
    found = [float(piece[0, 0]) for piece in sound_latents.arriving(decoded())]
    assert found == [0, 1, 2]
    assert order == [
        *("decode 0", "fetch 0", "decode 1", "fetch 1", "wait 0"),
        *("decode 2", "fetch 2", "wait 1", "wait 2"),
    ]
