import math

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import nn

from model.acestep.device import cpu_kernels
from model.acestep.device.cpu_kernels import (
    BFLOAT16_GAIN,
    ONEDNN_GAIN,
    UNKNOWN_BFLOAT16_GAIN,
    CpuKernels,
    OneDnnLinear,
    chosen_kernels,
    fastest_kernels,
)

WITH_ONEDNN = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="SKIPPED: this build of torch has no oneDNN"
)


@pytest.mark.parametrize(
    ("seconds", "kernels"),
    [
        ((1.0, 1.0, 1.0), CpuKernels(False, False)),
        ((1.0, 1.0, 4.0), CpuKernels(False, False)),
        ((2.0, 1.0, 3.0), CpuKernels(True, False)),
        ((ONEDNN_GAIN * 0.99, 1.0, 2.0), CpuKernels(False, False)),
        ((1.0, 1.0, 0.2), CpuKernels(False, True)),
        ((2.0, 1.0, 0.99 / UNKNOWN_BFLOAT16_GAIN), CpuKernels(True, True)),
        ((2.0, 1.0, 1.01 / UNKNOWN_BFLOAT16_GAIN), CpuKernels(True, False)),
        ((1.0, math.inf, math.inf), CpuKernels(False, False)),
    ],
)
def test_only_a_large_difference_counts(seconds, kernels):
    assert chosen_kernels(*seconds) == kernels


def test_instructions_for_bfloat16_count_so_that_a_busy_machine_decides_alike():
    for measured in (0.35, 0.26):  # against 0.5 through oneDNN: beside a render, and quiet
        assert chosen_kernels(1.0, 0.5, measured, instructions=True).bfloat16
    assert not chosen_kernels(1.0, 0.5, 0.51 / BFLOAT16_GAIN, instructions=True).bfloat16
    assert not chosen_kernels(1.0, 0.5, 0.35).bfloat16


def test_what_torch_cannot_do_is_not_chosen_and_threads_stay(monkeypatch):
    def cannot(*_):
        raise RuntimeError("could not create a primitive descriptor")

    threads = torch.get_num_threads()
    monkeypatch.setattr(cpu_kernels, "onednn_linear", cannot)
    monkeypatch.setattr(cpu_kernels, "_WIDTH", 64)
    monkeypatch.setattr(cpu_kernels, "fastest_kernels", fastest_kernels.__wrapped__)
    assert not cpu_kernels.fastest_kernels().onednn
    assert torch.get_num_threads() == threads


@WITH_ONEDNN
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 5, 24), (2, 3, 7, 24), (24,)])
def test_a_layer_through_onednn_gives_the_same(bias, shape):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(24, 40, bias=bias), nn.SiLU(), nn.Linear(40, 8, bias=bias))
    x = torch.randn(shape).transpose(0, -1).contiguous().transpose(0, -1)  # as attention hands over its rows
    names, usual = list(network.state_dict()), network(x)
    CpuKernels(True, False).fit(network)
    assert isinstance(network[0], OneDnnLinear)
    assert list(network.state_dict()) == names
    with torch.no_grad():
        torch.testing.assert_close(network(x), usual, rtol=0, atol=2e-6)
