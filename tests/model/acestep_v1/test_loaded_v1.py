"""A loaded checkpoint: its sizes, what a request needs, and a device that is too small."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="prompts need transformers: pip install takebridge[acestep]")

import torch

from model.acestep.device.devices import Device
from model.acestep_v1.loaded_v1 import LoadedV1, sizes_of_v1, work_of_v1
from model.acestep_v1.request_plan import plan_v1
from model.acestep_v1.weights.v1_folders import find_v1
from model.engine import Task
from model.errors import NotLoaded, RanOutOfMemory
from tests.model.acestep_v1.golden_v1 import tiny_weights
from tests.model.acestep_v1.v1_requests import FAST, RATE, request

CPU = Device(torch.device("cpu"), torch.float32, "cpu", torch.float32)


def test_sizes_are_those_of_the_tensors_that_are_read():
    sizes = sizes_of_v1(tiny_weights())
    assert (sizes.text_encoder, sizes.codec) == (128_544, 137_426)
    assert (sizes.width, sizes.layers, sizes.picture_width, sizes.deep_width) == (32, 24, 8, 32)
    assert sizes.wave_width == 1


def test_what_a_request_needs():
    plain = work_of_v1(plan_v1(request(lyrics="la")))
    assert (plain.branches, plain.source) == (2, True)
    edit = work_of_v1(plan_v1(request(Task.COVER, options={**FAST, "edit": "remix"})))
    assert edit.branches == 4
    new = work_of_v1(plan_v1(request(Task.GENERATE, start=0, end=10 * RATE)))
    assert new.source is False
    assert new.frames == plan_v1(request(Task.GENERATE, start=0, end=10 * RATE)).window.frames
    most, more = (work_of_v1(plan_v1(request(lyrics="라" * letters))) for letters in (4000, 8000))
    assert more == most, "longer lyrics are cut, with a note; they take no more memory"


def test_a_device_that_is_too_small_is_refused(v1_models: Path):
    with pytest.raises(NotLoaded, match=r"needs .* GB") as refused:
        LoadedV1(find_v1(v1_models)[0], CPU, 300_000_001)
    assert "shorter region" in refused.value.remedy


def test_a_failed_allocation_frees_everything_and_is_explained(
    v1_models: Path, monkeypatch: pytest.MonkeyPatch
):
    loaded = LoadedV1(find_v1(v1_models)[0], CPU, None)

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr("model.acestep_v1.renderer.V1Renderer.render", full)
    with pytest.raises(RanOutOfMemory, match="ran out of memory during the render"):
        list(loaded.render(request(), lambda _: None, lambda: False))
