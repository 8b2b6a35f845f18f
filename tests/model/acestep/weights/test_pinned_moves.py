"""Weights on their way through two buffers; a device that is late shows a buffer that is used too early."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep.weights import pinned_moves
from model.acestep.weights.checkpoint import open_weights
from model.acestep.weights.model_folders import recognise
from model.acestep.weights.pinned_moves import Mover, moving_to
from tests.model.acestep.tiny_models import TURBO, networks

CPU = torch.device("cpu")


class LateWay:
    """Copies as late as a device may: when somebody waits for it."""

    def __init__(self) -> None:
        self.sent = 0

    def buffer(self, size: int) -> Tensor:
        return torch.zeros(size, dtype=torch.uint8)

    def send(self, source: Tensor, target: Tensor) -> Callable[[], None]:
        self.sent += 1
        done: list[bool] = []

        def wait() -> None:
            if not done:
                target.copy_(source)
                done.append(True)

        target.zero_()
        return wait


@pytest.mark.parametrize("dtype", [None, torch.bfloat16, torch.float16, torch.float64])
def test_every_number_arrives_whatever_the_size(dtype: torch.dtype | None) -> None:
    source = torch.Generator().manual_seed(1)
    tensors = [
        torch.randn(shape, generator=source)
        for shape in ((), (0,), (3,), (16, 16), (64, 3, 7), (1, 512), (2, 5), (513,))
    ]
    tensors.append(torch.randn(12, 20, generator=source).T)
    tensors.append(torch.arange(-100, 100, dtype=torch.int8))
    way = LateWay()
    mover = Mover(CPU, way, buffer_bytes=1024)
    wanted = [tensor.to(dtype=dtype if tensor.is_floating_point() else None) for tensor in tensors]
    found = [mover.move(tensor, one.dtype) for tensor, one in zip(tensors, wanted, strict=True)]
    mover.finish()
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype is other.dtype
        assert torch.equal(one, other)
    assert way.sent > len(tensors), "large ones in pieces"


def test_what_is_on_a_device_already_stays_there() -> None:
    mover = Mover(torch.device("meta"), LateWay(), buffer_bytes=64)
    assert mover.move(torch.empty(3, device="meta"), torch.bfloat16).dtype is torch.bfloat16


def test_a_network_loaded_so_is_the_one_of_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """As to a card, through buffers smaller than a layer."""
    way = LateWay()

    def mover(place: torch.device, _way: object) -> Mover:
        return Mover(CPU, way, buffer_bytes=4096)

    weights = open_weights(recognise(TURBO))
    monkeypatch.setattr(pinned_moves, "ASYNCHRONOUS", frozenset({"cpu"}))
    monkeypatch.setattr(pinned_moves, "Mover", mover)
    dit = weights.load_dit(torch.float32, "cpu")
    assert way.sent
    for name, value in networks(TURBO).dit.state_dict().items():
        assert torch.equal(dit.state_dict()[name], value), name


def refuse(*_size: object, **_more: object) -> Tensor:
    raise RuntimeError("CUDA error: out of memory")


def test_where_nothing_can_be_pinned_the_copy_is_a_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinned_moves, "ASYNCHRONOUS", frozenset({"cpu"}))
    monkeypatch.setattr(torch, "empty", refuse)
    with moving_to("cpu") as move:
        assert torch.equal(move(torch.ones(3), torch.bfloat16), torch.ones(3, dtype=torch.bfloat16))
