"""Rules for devices and threads, and what running out of memory looks like."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="engines with networks need torch: pip install takebridge[acestep]")

import torch

from model import torch_device
from model.errors import NotLoaded
from model.torch_device import (
    KINDS,
    choose_place,
    fetch,
    is_there,
    out_of_memory,
    send,
    spare_a_core,
    spared_threads,
    widest,
)


def test_auto_takes_the_first_kind_there_is() -> None:
    assert choose_place()[0].type == next(kind for kind in KINDS if is_there(kind))
    assert choose_place("cpu") == (torch.device("cpu"), "cpu")


@pytest.mark.parametrize("wanted", ["gpu", "", "CUDA", "cuda:99"])
def test_other_words_are_refused_with_those_there_are(wanted: str) -> None:
    with pytest.raises(NotLoaded) as error:
        choose_place(wanted)
    assert "auto" in error.value.remedy or "cuda" in error.value.remedy


def test_failed_allocations_are_distinguished_from_other_errors() -> None:
    with pytest.raises(RuntimeError) as failed:
        torch.empty(2**58, dtype=torch.uint8)
    assert out_of_memory(failed.value)
    assert out_of_memory(MemoryError())
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert out_of_memory(RuntimeError("could not create a primitive"))
    with pytest.raises(RuntimeError) as other:
        torch.ones(2, 3) @ torch.ones(2, 3)
    assert not out_of_memory(other.value)
    assert not out_of_memory(ValueError("out of memory"))


@pytest.mark.parametrize(
    ("threads", "cores", "left"), [(8, 8, 7), (4, 8, 4), (1, 8, 1), (2, 2, 2), (1, 1, 1), (64, 3, 2)]
)
def test_one_core_is_spared_for_the_daw(threads: int, cores: int, left: int) -> None:
    assert spared_threads(threads, cores) == left


def test_threads_are_never_raised() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert spare_a_core() == 1
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_a_processor_neither_sends_nor_fetches() -> None:
    values = torch.arange(3)
    assert send(values, torch.device("cpu")) is values
    assert torch.equal(fetch(values)(), values)
    assert widest(torch.ones(2)).dtype is torch.float64


def test_where_the_system_pins_no_more_copies_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_values: object, **_more: object) -> torch.Tensor:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(torch_device, "ASYNCHRONOUS", frozenset({"cpu", "meta"}))
    monkeypatch.setattr(torch.Tensor, "pin_memory", refuse)
    monkeypatch.setattr(torch, "empty", refuse)
    values = torch.arange(6).reshape(2, 3).T
    assert send(values, torch.device("meta")).shape == (3, 2)
    assert torch.equal(fetch(values)(), values)


def test_what_is_sent_is_pinned_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned: list[torch.Tensor] = []

    def pin(values: torch.Tensor) -> torch.Tensor:
        pinned.append(values)
        return values

    monkeypatch.setattr(torch_device, "ASYNCHRONOUS", frozenset({"meta"}))
    monkeypatch.setattr(torch_device, "pinned", pin)
    place = torch.device("meta")
    values = torch.arange(3)
    there = send(values, place)
    assert there.device == place
    assert [one.data_ptr() for one in pinned] == [values.data_ptr()]
    assert send(there, place) is there
    assert len(pinned) == 1, "what is there already is not sent"
