"""Attention in blocks is the attention of the published code, as torch computes it."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep.networks import attention_in_blocks
from model.acestep.networks.attention import attend, padding_masks, sliding_band
from model.acestep.networks.attention_in_blocks import attend_in_blocks
from tests.model.acestep.golden_data import worst

CPU = torch.device("cpu")
TOLERANCE = 3e-6  # numbers of up to 3, in float32 on both sides

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="SKIPPED: this build of torch has no oneDNN"
)


def noise(*shape: int) -> Tensor:
    """As a network hands it over: heads between tokens and channels in memory."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape))).transpose(1, 2)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention_in_blocks, "_QUERIES", 16)


@pytest.mark.parametrize("tokens", [1, 4, 5, 16, 17, 40, 61])
@pytest.mark.parametrize(("batch", "heads", "key_heads"), [(1, 4, 2), (3, 4, 2), (2, 3, 3), (1, 6, 1)])
def test_blocks_equal_the_whole(tokens: int, batch: int, heads: int, key_heads: int) -> None:
    query, key, value = (noise(batch, tokens, count, 8) for count in (heads, key_heads, key_heads))
    far = noise(batch, 23, key_heads, 8)
    assert worst(attend_in_blocks(query, far, far, None), attend(query, far, far, None)) <= TOLERANCE
    for window in (1, 3, 20):
        band = sliding_band(tokens, window, CPU, torch.float32)
        found = attend_in_blocks(query, key, value, band)
        assert found.shape == query.shape
        assert worst(found, attend(query, key, value, band)) <= TOLERANCE


def test_masks_of_padding_are_kept() -> None:
    valid = torch.arange(20)[None] < torch.tensor([[20], [13]])
    query, key = noise(2, 20, 4, 8), noise(2, 20, 2, 8)
    for mask in padding_masks(valid, 3, torch.float32):
        assert torch.equal(attend_in_blocks(query, key, key, mask), attend(query, key, key, mask))


def test_bfloat16_is_as_close_as_torchs_own() -> None:
    query, key, value = (noise(1, 61, count, 64) for count in (4, 2, 2))
    exact = attend(query.double(), key.double(), value.double(), None)
    halves = [each.bfloat16() for each in (query, key, value)]
    error = [
        float((found.double() - exact).norm())
        for found in (attend(*halves, None), attend_in_blocks(*halves, None))
    ]
    assert error[1] <= 1.2 * error[0]
