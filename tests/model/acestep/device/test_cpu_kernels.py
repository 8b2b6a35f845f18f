import math
import platform

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
    has_bfloat16,
    measured_kernels,
    processor_name,
)
from model.acestep.device.devices import choose_device
from model.acestep.networks.snake_in_pieces import snake_in_pieces
from model.acestep.networks.vae import Snake

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
    assert not measured_kernels(1).onednn
    assert torch.get_num_threads() == threads


@pytest.fixture(name="kept")
def _kept(tmp_path):
    fastest_kernels.cache_clear()  # as in a new process
    yield tmp_path / "kernels.json"
    fastest_kernels.cache_clear()


def test_what_another_process_measured_is_taken(kept, monkeypatch):
    first = fastest_kernels(kept)
    fastest_kernels.cache_clear()
    monkeypatch.setattr(cpu_kernels, "measured_kernels", lambda threads: pytest.fail("it is known"))
    assert fastest_kernels(kept) == first
    assert choose_device("cpu", kernels=kept).kernels == first


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("spared_threads", lambda threads, cores: 77),
        ("processor_name", lambda listing: "another processor"),
        ("has_bfloat16", lambda known=has_bfloat16: not known()),
        ("_METHOD", 0),
    ],
)
def test_it_is_measured_again_where_anything_it_depends_on_is_other(kept, monkeypatch, what, changed):
    asked = []
    monkeypatch.setattr(
        cpu_kernels, "measured_kernels", lambda threads: asked.append(threads) or CpuKernels(True, False)
    )
    fastest_kernels(kept)
    fastest_kernels.cache_clear()
    monkeypatch.setattr(cpu_kernels, what, changed)
    fastest_kernels(kept)
    assert len(asked) == 2


def test_numpys_sine_is_not_taken_where_torch_has_more_threads(monkeypatch):
    quick, slow = (lambda: torch.ones(1)), (lambda: torch.ones(1000, 1000).sin_())
    monkeypatch.setattr(cpu_kernels, "_WIDTH", 64)
    monkeypatch.setattr(cpu_kernels, "_activations", lambda: (slow, quick))
    assert [measured_kernels(threads).sine for threads in (1, 2, 3, 16)] == [True, True, False, False]
    monkeypatch.setattr(cpu_kernels, "_activations", lambda: (quick, slow))
    assert not measured_kernels(1).sine


def test_the_autoencoder_gets_it():
    snake = Snake(4)
    CpuKernels(False, False, sine=True).fit(snake)
    assert snake.wave is snake_in_pieces
    half = Snake(4).bfloat16()
    CpuKernels(False, False, sine=True).fit(half)
    assert half.wave is not snake_in_pieces


def test_a_processor_by_its_listing(tmp_path):
    listing = tmp_path / "cpuinfo"
    listing.write_text(
        "processor\t: 0\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: AMD EPYC\nstepping\t: 1\n\nprocessor\t: 1\n",
        encoding="utf-8",
    )
    assert processor_name(listing) == "AMD EPYC 26 2 1"
    assert processor_name(tmp_path / "none")


def test_a_processor_with_no_name_of_its_own_is_that_of_its_machine(tmp_path, monkeypatch):
    """A Mac's, and Linux on ARM: two of them may share a home, and with it the file."""
    monkeypatch.setattr(platform, "processor", lambda: "arm")
    monkeypatch.setattr(platform, "node", lambda: "studio")
    assert processor_name(tmp_path / "none") == "arm of studio"


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
