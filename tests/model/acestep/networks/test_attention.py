"""Attention parts: the window as blocks equals the window as a mask, positions, padding."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep.networks.attention import (
    Attention,
    BlockShape,
    EncoderStack,
    KeysValues,
    RmsNorm,
    alternating,
    attend,
    padding_masks,
    rotary_tables,
    sliding_band,
)
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import BLOCK_TOLERANCE

CPU = torch.device("cpu")
SHAPE = BlockShape(width=24, inner_width=32, heads=4, key_heads=2, head_width=8, window=3)


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def masked_reference(query: Tensor, key: Tensor, value: Tensor, window: int) -> Tensor:
    """Softmax over a full score matrix, written out."""
    group = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    position = torch.arange(query.shape[2])
    far = (position[:, None] - position[None]).abs() > window
    return scores.masked_fill(far, float("-inf")).softmax(-1) @ value


@pytest.mark.parametrize("tokens", [5, 6, 12, 13, 18, 19, 30, 31, 61])
@pytest.mark.parametrize("batch", [1, 3])
def test_band_equals_the_full_mask(tokens: int, batch: int) -> None:
    query, key, value = noise(batch, 4, tokens, 8), noise(batch, 2, tokens, 8), noise(batch, 2, tokens, 8) + 1
    band = sliding_band(tokens, 3, CPU, torch.float32)
    assert band is not None
    ours = attend(query, key, value, band)
    assert worst(ours, masked_reference(query, key, value, 3)) <= 1e-6


def test_a_long_band_is_cut_into_blocks() -> None:
    band = sliding_band(3000, 128, CPU, torch.float32)
    assert band is not None
    assert (band.blocks, band.queries, band.keys) == (12, 256, 512)


def test_no_band_where_the_window_covers_everything() -> None:
    assert sliding_band(4, 3, CPU, torch.float32) is None
    assert sliding_band(5, 3, CPU, torch.float32) is not None


def test_band_of_the_reference() -> None:
    keep = tensors("dit_layer")["sliding_keep_mask"]
    band = sliding_band(11, 4, CPU, torch.float32)
    assert band is not None
    assert torch.equal(band.keep[0, 0] == 0, keep)


def test_rotary_tables_of_the_reference() -> None:
    golden = tensors("dit_layer")
    tables = rotary_tables(11, 16, 1e6, CPU, torch.float32)
    assert worst(tables.cosine, golden["rope_cos"][0]) <= 1e-6
    assert worst(tables.sine, golden["rope_sin"][0]) <= 1e-6


def test_rotary_scores_depend_on_distance_only() -> None:
    tables = rotary_tables(40, 8, 1e6, CPU, torch.float32)
    same = noise(1, 1, 1, 8).expand(1, 1, 40, 8)
    turned = tables.turn(same)
    scores = (turned @ turned.transpose(-1, -2))[0, 0]
    for distance in (0, 1, 7):
        along = scores.diagonal(distance)
        assert worst(along, along[:1].expand_as(along)) <= 1e-5


def test_norm_divides_in_float32() -> None:
    norm = RmsNorm(4, 1e-6).to(torch.bfloat16)
    # The squares overflow no bfloat16, but their mean would lose the small ones.
    x = torch.tensor([[256.0, 1.0, 1.0, 1.0]], dtype=torch.bfloat16)
    expected = (x.float() / x.float().square().mean().sqrt()).to(torch.bfloat16)
    assert torch.equal(norm(x), expected)


def test_one_condition_serves_a_batch() -> None:
    attention = Attention(SHAPE)
    x, states = noise(3, 5, 24), noise(1, 7, 24)
    with torch.no_grad():
        seen = attention.keys_values(states)
        shared = attention.across(x, seen.for_batch(3))
        repeated = attention.across(x, KeysValues(seen.key.repeat(3, 1, 1, 1), seen.value.repeat(3, 1, 1, 1)))
    assert worst(shared, repeated) <= 1e-6


def test_padding_changes_no_valid_token() -> None:
    stack = EncoderStack(SHAPE, alternating(3))
    x = noise(1, 9, 24)
    padded = torch.cat((x, noise(1, 20, 24) * 50), dim=1)
    valid = torch.arange(29)[None] < 9
    with torch.no_grad():
        alone, among_padding = stack(x), stack(padded, valid)
    assert worst(among_padding[:, :9], alone) <= BLOCK_TOLERANCE
    assert torch.isfinite(among_padding).all()


def test_a_stack_slides_where_its_list_says() -> None:
    torch.manual_seed(4)
    given = EncoderStack(SHAPE, (False, True, True))
    x = noise(1, 12, 24)
    moved = x.clone()
    moved[:, 11] += 1
    reach = 3 * SHAPE.window
    for sliding, everywhere in (((False, True, True), True), ((True, True, True), False)):
        stack = EncoderStack(SHAPE, sliding)
        stack.load_state_dict(given.state_dict())
        with torch.no_grad():
            changed = (stack(moved) - stack(x)).abs().amax(dim=2)[0]
        assert bool((changed[: 11 - reach] > 0).all()) is everywhere
    assert alternating(3) == (True, False, True)


def test_padding_masks() -> None:
    valid = torch.tensor([[True, True, True, False]])
    sliding, full = padding_masks(valid, 1, torch.float32)
    assert (full[0, 0] == 0).tolist() == [[True, True, True, False]]
    assert (sliding[0, 0] == 0).int().tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0]]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"key_heads": 3}, r"heads \(4\) must be a multiple of key_heads \(3\)"),
        ({"head_width": 7}, "even .* got 7"),
        ({"window": 0}, "at least 1 token, got 0"),
    ],
)
def test_impossible_shapes(change: dict[str, int], complaint: str) -> None:
    sizes = {"width": 8, "inner_width": 8, "heads": 4, "key_heads": 2, "head_width": 8} | change
    with pytest.raises(ValueError, match=complaint):
        BlockShape(**sizes)
