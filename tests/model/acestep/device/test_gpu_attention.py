"""How a GPU's attention is chosen, asked on the processor; every way gives what torch's own gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep.device import gpu_attention
from model.acestep.device.gpu_attention import (
    AttentionWay,
    HeadShape,
    attention_way,
    takes_fast_kernel,
    use_attention_way,
)
from model.acestep.device.memory_plan import AttentionHolds, AttentionMemory
from model.acestep.networks.attention import Attention, attend, padding_masks, sliding_band
from model.acestep.weights.checkpoint import open_weights
from model.acestep.weights.model_folders import recognise
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import DIT_TOLERANCE, TURBO, velocity

CPU = torch.device("cpu")
PUBLISHED = HeadShape(16, 8, 128)
EVERY_WAY = [
    AttentionWay(AttentionMemory(masked, plain)) for masked in AttentionHolds for plain in AttentionHolds
]

Asked = Callable[[torch.device, torch.dtype, HeadShape, bool], bool]


@pytest.fixture(autouse=True)
def ask_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(gpu_attention, "QUERIES_AT_ONCE", 7)
    attention_way.cache_clear()
    yield
    attention_way.cache_clear()


def chosen(monkeypatch: pytest.MonkeyPatch, kernel: Asked) -> AttentionMemory:
    monkeypatch.setattr(gpu_attention, "takes_fast_kernel", kernel)
    return attention_way(CPU, torch.float32, PUBLISHED).memory


def test_heads_stay_grouped_where_a_kernel_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, lambda *_: True) == AttentionMemory(
        AttentionHolds.NOTHING, AttentionHolds.NOTHING
    )


def test_heads_are_copied_where_only_that_has_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a card whose kernels take grouped heads without a mask, and a mask without grouped heads."""

    def kernel(_place: torch.device, _dtype: torch.dtype, shape: HeadShape, masked: bool) -> bool:
        return not masked or shape.heads == shape.key_heads

    found = chosen(monkeypatch, kernel)
    assert found == AttentionMemory(masked=AttentionHolds.HEADS, plain=AttentionHolds.NOTHING)
    assert found.name == "grouped heads, behind a mask copied heads"


def test_scores_are_written_where_there_is_no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    found = chosen(monkeypatch, lambda *_: False)
    assert found == AttentionMemory(AttentionHolds.SCORES, AttentionHolds.SCORES)
    assert found.name == "written scores"


def test_torch_is_asked_and_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel of torch's for processors takes widths that are alike; of what it cannot say, scores are expected."""
    assert takes_fast_kernel(CPU, torch.float32, HeadShape(4, 4, 16), True)
    assert not takes_fast_kernel(torch.device("meta"), torch.complex64, PUBLISHED, False)
    found = attention_way(CPU, torch.float32, PUBLISHED)
    monkeypatch.setattr(gpu_attention, "takes_fast_kernel", lambda *_: pytest.fail("asked again"))
    assert attention_way(CPU, torch.float32, PUBLISHED) is found
    monkeypatch.setattr(gpu_attention, "takes_fast_kernel", lambda *_: False)
    monkeypatch.delattr(torch, "_fused_sdp_choice")
    assert not takes_fast_kernel(CPU, torch.float32, PUBLISHED, False), "another torch cannot say"


def visibles(tokens: int, batch: int) -> list[Tensor | None]:
    valid = torch.arange(tokens)[None] < torch.full((batch, 1), tokens - 1)
    return [None, sliding_band(tokens, 3, CPU, torch.float32), *padding_masks(valid, 3, torch.float32)]  # type: ignore[list-item]


@pytest.mark.parametrize("way", EVERY_WAY, ids=lambda way: way.memory.name)
@pytest.mark.parametrize("tokens", [5, 16, 61])
@pytest.mark.parametrize(("batch", "heads", "key_heads"), [(1, 4, 2), (3, 4, 2), (2, 3, 3), (1, 6, 1)])
def test_every_way_equals_torchs(
    way: AttentionWay, tokens: int, batch: int, heads: int, key_heads: int
) -> None:
    torch.manual_seed(1)
    query, key, value = (torch.randn(batch, count, tokens, 8) for count in (heads, key_heads, key_heads))
    for visible in visibles(tokens, batch):
        found = way.attend(query, key, value, visible)
        assert worst(found, attend(query, key, value, visible)) <= 1e-6


@pytest.mark.parametrize("way", EVERY_WAY, ids=lambda way: way.memory.name)
def test_the_transformer_gives_the_stored_numbers(way: AttentionWay, monkeypatch: pytest.MonkeyPatch) -> None:
    dit = open_weights(recognise(TURBO)).load_dit(torch.float32, "cpu")
    monkeypatch.setattr(gpu_attention, "attention_way", lambda *_: way)
    use_attention_way(dit, CPU)
    assert {part.attend for part in dit.modules() if isinstance(part, Attention)} == {way.attend}
    golden = tensors("dit_forward")
    cases = sorted({name.split(".")[0] for name in golden})
    assert cases
    for case in cases:
        assert worst(velocity(dit, golden, f"{case}."), golden[f"{case}.out"]) <= DIT_TOLERANCE
