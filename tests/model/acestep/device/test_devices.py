"""Rules for dtypes and memory; on a machine with a GPU also what it says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.device.cpu_kernels import CpuKernels
from model.acestep.device.devices import (
    PRECISIONS,
    available_memory,
    choose_device,
    cpu_transformer,
    cuda_dtype,
    free_bytes,
    give_back_unused,
)
from model.errors import NotLoaded
from model.torch_device import KINDS, is_there


def test_the_cpu_is_always_there_and_computes_in_float32() -> None:
    device = choose_device("cpu")
    assert (device.kind, device.dtype, device.number_bytes, device.label) == ("cpu", torch.float32, 4, "cpu")


def test_the_transformer_computes_in_what_the_processor_is_fastest_in_unless_told() -> None:
    slow, quick = CpuKernels(onednn=False, bfloat16=False), CpuKernels(onednn=True, bfloat16=True)
    assert [cpu_transformer(kernels) for kernels in (slow, quick)] == [torch.float32, torch.bfloat16]
    for name, dtype in PRECISIONS.items():
        assert {cpu_transformer(kernels, name) for kernels in (slow, quick)} == {dtype}
        device = choose_device("cpu", name)
        assert (device.transformer, device.transformer_bytes, device.dtype) == (
            dtype,
            dtype.itemsize,
            torch.float32,
        )
    with pytest.raises(NotLoaded, match="no precision 'half'") as error:
        choose_device("cpu", "half")
    assert "float32 or bfloat16" in error.value.remedy


def test_steps_are_compiled_only_when_asked_for() -> None:
    assert not choose_device("cpu").compiles
    assert choose_device("cpu", compiles=True).compiles


def test_graphs_are_for_cuda_and_only_when_asked_for() -> None:
    assert not choose_device("cpu").graphs
    assert not choose_device("cpu", step="graph").graphs
    with pytest.raises(NotLoaded, match="no way 'fast' to run a step") as error:
        choose_device("cpu", step="fast")
    assert "plain or graph" in error.value.remedy


def test_auto_takes_the_first_kind_there_is() -> None:
    assert choose_device().kind == next(kind for kind in KINDS if is_there(kind))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "cpu"])
def test_every_kind_is_usable_or_refused_with_a_remedy(kind: str) -> None:
    if is_there(kind):
        device = choose_device(kind)
        total = torch.ones(8, 8, dtype=device.dtype, device=device.place).sum()
        assert (device.kind, float(total)) == (kind, 64.0)
        assert free_bytes(device)
        give_back_unused(device)
        return
    with pytest.raises(NotLoaded, match=f"The device {kind} is not available") as error:
        choose_device(kind)
    assert "auto" in error.value.remedy


@pytest.mark.parametrize("wanted", ["gpu", "", "CUDA"])
def test_unknown_words_are_refused(wanted: str) -> None:
    with pytest.raises(NotLoaded, match="no device type") as error:
        choose_device(wanted)
    assert "cuda, xpu, mps, cpu" in error.value.remedy


def test_a_card_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotLoaded):
        choose_device("cuda:99")


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [
        ((9, 0), torch.bfloat16),
        ((8, 6), torch.bfloat16),
        ((7, 5), torch.float16),
        ((7, 0), torch.float16),
        ((6, 1), torch.float32),
    ],
)
def test_numbers_by_generation_of_card(capability: tuple[int, int], dtype: torch.dtype) -> None:
    assert cuda_dtype(capability) is dtype


def test_available_memory_is_read_from_the_systems_listing(tmp_path: Path) -> None:
    listing = tmp_path / "meminfo"
    listing.write_text(
        "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:    8000000 kB\nHugePages: 0\n"
    )
    assert available_memory(listing) == 8_000_000 * 1024
    listing.write_text("MemTotal: 1 kB\n")
    assert available_memory(listing) is None
    assert available_memory(tmp_path / "none") is None
