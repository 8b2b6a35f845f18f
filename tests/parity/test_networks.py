"""Every network against diffusers' at fresh random weights: several seeds, odd lengths, batches.

Where the two are meant to differ (the timbre of XL), the difference itself is tested.
"""

from __future__ import annotations

from functools import cache

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "diffusers", reason="NOT COMPARED WITH THE PEER: diffusers is missing, pip install takebridge[parity]"
)

from pathlib import Path

import torch
from torch import Tensor

from model.acestep.networks.condition_encoder import Packed
from model.acestep.networks.dit import sinusoids
from tests.model.acestep.golden_data import worst
from tests.parity.peer import SIZES, TEXT_WIDTH, Ours, Peer, drawn, read_ours, write_peer

BLOCK = 1e-5
WHOLE = 2e-5

Pair = tuple[Peer, Ours]


@pytest.fixture(
    name="pair", scope="module", params=[(name, seed) for seed in (1, 2) for name in SIZES], ids=str
)
def _pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    name, seed = request.param
    folder = tmp_path_factory.mktemp("peer")
    peer = write_peer(folder, SIZES[name], seed)
    return peer, read_ours(folder)


def loud(*shape: int, seed: int) -> Tensor:
    """Louder than usual, so that soft limits and roundings are met."""
    return 2 * drawn(*shape, seed=seed)


# --- transformer --------------------------------------------------------------------------------------


def test_times(pair: Pair) -> None:
    peer, ours = pair
    times = torch.tensor([1.0, 0.954545, 0.5, 0.3, 1e-3, 0.0])
    for theirs, own in (
        (peer.transformer.time_embed, ours.dit.time),
        (peer.transformer.time_embed_r, ours.dit.time_gap),
    ):
        vector, modulation = own(times)
        wanted_vector, wanted_modulation = theirs(times)
        assert worst(vector, wanted_vector) <= BLOCK
        assert worst(modulation, wanted_modulation) <= BLOCK
    assert sinusoids(times).shape == (6, 256)


LENGTHS = [1, 2, 7, 12, 33, 70]


@pytest.mark.parametrize("frames", LENGTHS)
@pytest.mark.parametrize("batch", [1, 3])
def test_transformer(pair: Pair, frames: int, batch: int) -> None:
    peer, ours = pair
    x, context = drawn(batch, frames, 64, seed=1), drawn(batch, frames, 128, seed=2)
    states = drawn(batch, 5 + frames % 4, ours.dit.config.condition_width, seed=3)
    time, gap = torch.linspace(0.95, 0.1, batch), torch.linspace(0.0, 0.3, batch)
    for jump in (torch.zeros(batch), gap):
        theirs = peer.transformer(x, time, time - jump, states, context, return_dict=False)[0]
        own = ours.dit(x, context, time, ours.dit.condition(states), ours.dit.plan(frames), jump)
        assert worst(own, theirs) <= WHOLE


def test_one_condition_and_context_serve_every_take(pair: Pair) -> None:
    peer, ours = pair
    x, context, states = drawn(4, 9, 64, seed=4), drawn(1, 9, 128, seed=5), drawn(1, 6, 32, seed=6)
    states = states[:, :, : ours.dit.config.condition_width]
    time = torch.full((4,), 0.6)
    theirs = peer.transformer(
        x, time, time, states.expand(4, -1, -1), context.expand(4, -1, -1), return_dict=False
    )[0]
    own = ours.dit(x, context, time[:1], ours.dit.condition(states), ours.dit.plan(9))
    assert worst(own, theirs) <= WHOLE


# --- conditions ---------------------------------------------------------------------------------------

CLIP_FRAMES = 31


def padded(batch: int, length: int, seed: int) -> Packed:
    """Items of different lengths, filled up on the right with what must not matter."""
    lengths = torch.tensor([length - 2 * index for index in range(batch)])
    return Packed(drawn(batch, length, TEXT_WIDTH, seed=seed), torch.arange(length) < lengths[:, None])


def both_conditions(pair: Pair, batch: int, clip_items: list[int]) -> tuple[Packed, Packed]:
    peer, ours = pair
    text, lyrics = padded(batch, 7, seed=7), padded(batch, 13, seed=8)
    clips, item = drawn(len(clip_items), CLIP_FRAMES, 64, seed=9), torch.tensor(clip_items)
    theirs = peer.conditions(text.states, text.valid, lyrics.states, lyrics.valid, clips, item)
    own: Packed = ours.conditions(text, lyrics, clips, item)
    return own, Packed(theirs[0], theirs[1].bool())


@pytest.mark.parametrize(("batch", "clip_items"), [(1, [0]), (3, [0, 1, 2]), (2, [0, 0, 1])])
def test_conditions(pair: Pair, batch: int, clip_items: list[int]) -> None:
    ours = pair[1]
    timbre = ours.conditions.timbre
    token = timbre.takes_token
    try:
        timbre.takes_token = False  # diffusers stores the token of XL but does not use it
        own, theirs = both_conditions(pair, batch, clip_items)
    finally:
        timbre.takes_token = token
    assert torch.equal(own.valid, theirs.valid)
    assert worst(own.states[own.valid], theirs.states[own.valid]) <= BLOCK


def test_only_xl_takes_the_timbre_through_its_token(pair: Pair) -> None:
    ours = pair[1]
    own, theirs = both_conditions(pair, 1, [0])
    is_xl = ours.dit.config.block.width != ours.conditions.config.block.width
    assert ours.conditions.timbre.takes_token == is_xl
    assert (worst(own.states, theirs.states) > 0.1) == is_xl


def test_no_condition(pair: Pair) -> None:
    peer, ours = pair
    assert torch.equal(ours.conditions.no_condition, peer.conditions.null_condition_emb)


# --- audio codes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [5, 23, 26, 60])
@pytest.mark.parametrize("batch", [1, 2])
def test_codes_there_and_back(pair: Pair, frames: int, batch: int) -> None:
    peer, ours = pair
    latents = loud(batch, frames, 64, seed=frames)
    quantized, indices = peer.tokenizer.tokenize(latents, peer.silence)
    codes = ours.tokenizer.encode(latents, ours.silence)
    assert torch.equal(codes, indices[..., 0])
    vectors = ours.tokenizer.decode(codes)
    assert worst(vectors, quantized) <= BLOCK
    assert worst(ours.detokenizer(vectors), peer.detokenizer(quantized)) <= BLOCK


def test_quantisation(pair: Pair) -> None:
    peer, ours = pair
    vectors = loud(400, 3, ours.tokenizer.fsq.config.width, seed=11)
    quantized, indices = peer.tokenizer.quantizer(vectors)
    codes = ours.tokenizer.fsq.encode(vectors)
    assert torch.equal(codes, indices[..., 0])
    assert len(torch.unique(codes)) > 100
    assert worst(ours.tokenizer.fsq.decode(codes), quantized) <= BLOCK


@cache
def all_codes() -> Tensor:
    return torch.arange(64_000)[None]


def test_every_code(pair: Pair) -> None:
    peer, ours = pair
    theirs = peer.tokenizer.quantizer.get_output_from_indices(all_codes()[..., None])
    assert worst(ours.tokenizer.decode(all_codes()), theirs) <= BLOCK


def test_silence_is_stored_with_the_conditions(pair: Pair) -> None:
    peer, ours = pair
    assert torch.equal(ours.silence, peer.silence)


def test_files_are_read_as_they_were_written(pair: Pair) -> None:
    folder: Path = pair[0].folder
    assert {path.name for path in folder.iterdir()} == {
        "transformer",
        "condition_encoder",
        "audio_tokenizer",
        "audio_token_detokenizer",
    }
