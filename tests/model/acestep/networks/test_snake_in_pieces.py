"""The activation in pieces is the activation, whatever the shape."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.networks.snake_in_pieces import snake_in_pieces
from model.acestep.networks.vae import snake


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5000, 32), (2, 700, 128), (1, 3, 100_000), (1, 0, 8)])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_activation_in_pieces(shape: tuple[int, int, int], threads: int) -> None:
    """Against double precision, as torch's own; what comes in stays as it is."""
    torch.manual_seed(0)
    x, frequency, gain = torch.randn(shape) * 5, torch.rand(shape[2]) * 3, torch.rand(shape[2])
    before, usual = x.clone(), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = snake_in_pieces(x, frequency, gain)
    finally:
        torch.set_num_threads(usual)
    exact = snake(x.double(), frequency.double(), gain.double())
    assert found.shape == x.shape
    assert found.is_contiguous()
    torch.testing.assert_close(found.double(), exact, rtol=1e-6, atol=1e-6)
    assert torch.equal(x, before)


def test_rows_that_do_not_lie_together() -> None:
    x, ones = torch.randn(1, 24, 5000).mT, torch.ones(24)
    assert torch.equal(snake_in_pieces(x, ones, ones), snake_in_pieces(x.contiguous(), ones, ones))
