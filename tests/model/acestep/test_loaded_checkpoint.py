"""Placing renders in a device's memory: the audio stays the same, what does not fit is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

import torch

from model.acestep import latent_grid
from model.acestep.batches import Batch
from model.acestep.conditioning import request_plan
from model.acestep.conditioning.request_plan import plan_render
from model.acestep.delivered_pieces import MIX
from model.acestep.device.compiled_steps import CompiledSteps, Compiler
from model.acestep.device.cpu_kernels import CpuKernels
from model.acestep.device.devices import Device, choose_device
from model.acestep.device.memory_plan import RESERVE, Placement, plan_memory
from model.acestep.device.network_sizes import sizes_of
from model.acestep.device.parts import StoredParts, neighbours
from model.acestep.device.step_graphs import CudaCapture
from model.acestep.latent_grid import Window
from model.acestep.loaded_checkpoint import Extras, LoadedCheckpoint, work_of
from model.acestep.networks.dit import RunLayer
from model.acestep.renderer import Renderer
from model.acestep.weights.checkpoint import open_weights
from model.acestep.weights.model_folders import ModelFolder, recognise
from model.engine import RenderRequest, Report, Task
from model.errors import CannotRender
from tests.model.acestep.test_renderer import joined, rendered, request

ENOUGH = 100_000_000_000


def folder(models: Path) -> ModelFolder:
    return recognise(models / "acestep-v15-turbo")


FLOAT32 = choose_device("cpu", "float32")
"""The same on every processor."""


def loaded(models: Path, budget: int = ENOUGH, device: Device = FLOAT32) -> LoadedCheckpoint:
    return LoadedCheckpoint(folder(models), device, budget)


def budget_for(models: Path, asked: RenderRequest, placement: Placement) -> int:
    """The least memory in which this placement fits."""
    found = folder(models)
    beside = neighbours(found)
    work = work_of(plan_render(asked, found.traits))
    plan = plan_memory(sizes_of(found.config, beside.vae, beside.text_encoder), work, placement)
    return plan.peak.total + RESERVE


def report_of(checkpoint: LoadedCheckpoint, asked: RenderRequest) -> Report:
    last = list(checkpoint.render(asked, lambda _: None, lambda: False))[-1]
    assert isinstance(last, Report)
    return last


def test_a_little_less_memory_makes_the_networks_come_and_go(tiny_models: Path) -> None:
    asked = request()
    budget = budget_for(tiny_models, asked, Placement(4))
    roomy, tight = loaded(tiny_models, budget), loaded(tiny_models, budget - 1)
    assert report_of(roomy, asked).figures["offloaded"] is False
    assert report_of(tight, asked).figures["offloaded"] is True
    once, other = (list(each.render(asked, lambda _: None, lambda: False)) for each in (roomy, tight))
    assert np.array_equal(joined(once, MIX, asked.start), joined(other, MIX, asked.start))


def test_the_recipe_names_attention_and_steps_and_the_notes_say_why_steps_stayed_plain(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With graphs asked for on a device that has none; a card's own would be refused in the same way."""
    plain = report_of(loaded(tiny_models), request())
    assert plain.figures["step"] == "plain"
    assert plain.figures["attention"] in ("in blocks", "grouped heads")

    def refuse(_capture: object, _work: object) -> None:
        raise RuntimeError("Tried to capture without a card")

    monkeypatch.setattr(CudaCapture, "capture", refuse)
    monkeypatch.setattr(CudaCapture, "seconds", lambda _capture, work: work() or 0.0)
    checkpoint = loaded(tiny_models, device=replace(FLOAT32, graphs=True))
    asked, again = report_of(checkpoint, request()), report_of(checkpoint, request())
    assert asked.figures["step"] == "plain"
    assert [note for note in asked.notes if "graph" in note] == [
        "The steps were not run as a graph: the device could not capture them."
    ]
    assert again.notes == asked.notes, "told of every take"


def test_the_recipe_names_compiled_steps_and_the_notes_say_why_there_are_none(tiny_models: Path) -> None:
    def refuse(_run: RunLayer) -> RunLayer:
        raise RuntimeError("There is no compiler")

    def checkpoint(compiler: Compiler) -> LoadedCheckpoint:
        found = loaded(tiny_models, device=replace(FLOAT32, compiles=True))
        seconds = iter([100.0, 1.0, 50.0])  # of a plain step, of compiling and of a compiled step
        found._parts._compiled = CompiledSteps(
            lambda work: (work(), next(seconds))[1], found._parts._of_render.append, compiler
        )
        return found

    compiled = checkpoint(lambda run: lambda *given: run(*given))
    assert [report_of(compiled, request()).figures["step"] for _ in range(2)] == ["compiled", "compiled"]
    broken = checkpoint(refuse)
    found = [report_of(broken, request()) for _ in range(2)]
    assert [each.figures["step"] for each in found] == ["plain", "plain"]
    told = [[note for note in each.notes if "compile" in note] for each in found]
    assert told == [["The steps were not compiled: the compiler failed (RuntimeError)."]] * 2


def test_what_a_stopped_render_left_is_not_told_of_the_next(tiny_models: Path) -> None:
    checkpoint = loaded(tiny_models)
    checkpoint._parts._graphs.used = True
    checkpoint._parts._of_render.append("The steps were not run as a graph: memory was short.")
    found = report_of(checkpoint, request())
    assert found.figures["step"] == "plain"
    assert not [note for note in found.notes if "graph" in note]


def test_a_long_render_is_placed_otherwise_and_the_next_short_one_as_before(tiny_models: Path) -> None:
    short, long = request(span=(2.0, 2.1), context_seconds=0.0), request(Task.COMPLETE, span=(5.3, 9.3))
    checkpoint = loaded(tiny_models, budget_for(tiny_models, long, Placement(4, vae_frames=128)) - 1)
    placed = [report_of(checkpoint, asked).figures["offloaded"] for asked in (short, long, short)]
    assert placed == [False, True, False]


def test_a_batch_is_split_where_memory_is_short(tiny_models: Path) -> None:
    asked = request(Task.COMPLETE, span=(5.3, 9.3), takes=(0, 1, 2, 3))
    found, beside = folder(tiny_models), neighbours(folder(tiny_models))
    work = work_of(plan_render(asked, found.traits))
    sizes = sizes_of(found.config, beside.vae, beside.text_encoder)
    wide = replace(sizes, inner_width=400_000)  # of the published kind: the transformer's work is the largest

    def batches(takes: int) -> list[tuple[int, ...]]:
        """In memory in which so many takes fit at once; 0 = the system does not say how much there is."""
        plan = plan_memory(wide, replace(work, takes=max(1, takes)), Placement(4))
        checkpoint = loaded(tiny_models, plan.peak.total + RESERVE)
        checkpoint._sizes = wide
        checkpoint._budget = None if takes == 0 else checkpoint._budget
        return [each.takes for each in checkpoint._passes(asked, Extras(), Batch(asked.takes, asked.takes))]

    assert batches(4) == [(0, 1, 2, 3)]
    assert batches(3) == [(0, 1), (2, 3)]
    assert batches(0) == [(0,), (1,), (2,), (3,)]


def test_what_fits_in_no_way_is_refused_before_anything_is_loaded(tiny_models: Path) -> None:
    long = request(Task.COMPLETE, span=(5.3, 9.3))
    thriftiest = Placement(4, offload=True, int8=True, vae_frames=128)
    checkpoint = loaded(tiny_models, budget_for(tiny_models, long, thriftiest) - 1)
    with pytest.raises(CannotRender, match="but the device has"):
        report_of(checkpoint, long)


def test_work_counts_the_words_that_can_be_there(tiny_models: Path) -> None:
    traits = folder(tiny_models).traits
    few, many = (work_of(plan_render(request(lyrics=words), traits)) for words in ("la", "la " * 1300))
    assert few.condition_tokens < 400
    assert many.condition_tokens == 2048 + 256 + 1
    assert not work_of(plan_render(request(Task.GENERATE, span=(0, 8)), traits)).source
    guided = plan_render(request(), recognise(tiny_models / "acestep-v15-base").traits)
    assert work_of(guided).guided
    cover = plan_render(request(Task.COVER), traits)
    assert work_of(cover).sides == 1
    leaves = plan_render(request(Task.COVER, options={"cover_strength": 0.5}), traits)
    assert work_of(leaves).sides == 2


def test_8_bits_render_nearly_the_same(tiny_models: Path) -> None:
    """The renders differ, so the packed weights are really used; an untrained network hardly cares."""
    weights, device, asked = open_weights(folder(tiny_models)), FLOAT32, request()
    whole, rough = (
        joined(rendered(asked, Renderer(StoredParts(weights, device, placement))), MIX, asked.start)
        for placement in (Placement(4, offload=True), Placement(4, offload=True, int8=True))
    )
    error = np.linalg.norm(rough - whole) / np.linalg.norm(whole)
    assert 1e-6 < error < 0.05


def test_where_memory_cannot_be_asked_little_is_taken(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.acestep.loaded_checkpoint.free_bytes", lambda _device: None)
    checkpoint = LoadedCheckpoint(folder(tiny_models), FLOAT32, None)
    figures = report_of(checkpoint, request()).figures
    assert (figures["offloaded"], figures["int8"]) == (True, False)


def test_a_render_is_planned_once(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[int] = []

    def plan_window(*places: int, **more: Any) -> Window:
        planned.append(places[0])
        return latent_grid.plan_window(*places, **more)

    monkeypatch.setattr(request_plan, "plan_window", plan_window)
    report_of(loaded(tiny_models, ENOUGH), request())
    assert planned == [request().start]


def test_the_transformer_in_bfloat16_renders_nearly_the_same_in_half_its_memory(tiny_models: Path) -> None:
    asked, half = request(), choose_device("cpu", "bfloat16")
    whole, rough = (
        list(loaded(tiny_models, device=device).render(asked, lambda _: None, lambda: False))
        for device in (FLOAT32, half)
    )
    error = np.subtract(*(joined(found, MIX, asked.start) for found in (rough, whole)))
    assert 1e-6 < np.linalg.norm(error) / np.linalg.norm(joined(whole, MIX, asked.start)) < 0.05
    numbers = [
        last.figures["transformer_numbers"] for last in (whole[-1], rough[-1]) if isinstance(last, Report)
    ]
    assert numbers == ["float32", "bfloat16"]
    again = loaded(tiny_models, device=half).render(asked, lambda _: None, lambda: False)
    assert np.array_equal(joined(again, MIX, asked.start), joined(rough, MIX, asked.start))
    budget = budget_for(tiny_models, asked, Placement(4))
    assert report_of(loaded(tiny_models, budget - 1, half), asked).figures["offloaded"] is False


def test_numpys_sine_renders_the_same_and_the_recipe_tells(tiny_models: Path) -> None:
    asked = request()
    usual, other = (
        list(loaded(tiny_models, device=device).render(asked, lambda _: None, lambda: False))
        for device in (
            replace(FLOAT32, kernels=CpuKernels(False, False, sine=sine)) for sine in (False, True)
        )
    )
    audio, found = joined(usual, MIX, asked.start), joined(other, MIX, asked.start)
    np.testing.assert_allclose(found, audio, rtol=0, atol=1e-4 * np.abs(audio).max())
    assert not np.array_equal(found, audio), "it is not torch's"
    sines = [last.figures["autoencoder_sine"] for last in (usual[-1], other[-1]) if isinstance(last, Report)]
    assert sines == ["torch", "numpy"]


def test_linear_layers_through_onednn_render_the_same(tiny_models: Path) -> None:
    if not torch.backends.mkldnn.is_available():
        pytest.skip("SKIPPED: this build of torch has no oneDNN")
    asked = request()
    usual, other = (
        list(loaded(tiny_models, device=device).render(asked, lambda _: None, lambda: False))
        for device in (
            replace(FLOAT32, kernels=CpuKernels(onednn, False, packs=onednn)) for onednn in (False, True)
        )
    )
    audio = joined(usual, MIX, asked.start)
    np.testing.assert_allclose(
        joined(other, MIX, asked.start), audio, rtol=0, atol=1e-4 * np.abs(audio).max()
    )
    reports = [last for last in (usual[-1], other[-1]) if isinstance(last, Report)]
    assert [last.figures["packed_layers"] for last in reports] == [False, True]
    assert all(last.figures["threads"] == torch.get_num_threads() for last in reports)
    layers = [last.figures["linear_layers"] for last in reports]
    assert layers == ["torch", "oneDNN"]
