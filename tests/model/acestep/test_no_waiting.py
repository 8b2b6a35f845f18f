"""No step of a render waits for the device: nothing is read from it, and what is sent takes its turn.

The device is torch's "meta", whose tensors have no numbers: reading one is an error, as reading one of a GPU's would be
a wait. Copies to it are counted as torch carries them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from model import torch_device
from model.acestep import pipeline
from model.acestep.networks.dit import Dit
from model.acestep.pipeline import Conditions, Scene
from model.acestep.sampling.samplers import Solver
from model.acestep.sampling.wavelet import low_band
from model.acestep.song_edit import compose_edit
from model.acestep.weights.model_folders import recognise
from tests.model.acestep import test_pipeline as renders
from tests.model.acestep import test_song_edit as edits
from tests.model.acestep.tiny_models import TURBO

DEVICE = torch.device("meta")

CASES = {
    name: renders.CASES[name]
    for name in (
        "turbo.text2music",
        "turbo.text2music_heun_clamp_ema_dcw",
        "turbo.text2music_sde",
        "turbo.cover_noise0.3_strength0.5",
        "turbo.repaint_balanced0.5_auto",
        "base.text2music_apg",
        "base.text2music_adg",
    )
} | {
    f"turbo.{solver.value}": renders.words(renders.turbo(solver=solver))
    for solver in (Solver.DPM3M, Solver.STORK4)
}
"""What a step can do besides calling the network."""


class Waits(TorchDispatchMode):
    """Remembers each copy to the device that the processor would wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.sent = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        arrives = "copy" in func.__name__ and isinstance(out, Tensor) and out.device == DEVICE
        # A number without a shape is part of what the processor tells the device to do.
        if arrives and any(isinstance(one, Tensor) and one.ndim and one.device != DEVICE for one in args):
            if (kwargs or {}).get("non_blocking"):
                self.sent += 1
            else:
                self.found.append(func.__name__)
        return out


@contextmanager
def a_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Waits]:
    """Lets sends go to the device as they go to a GPU; memory without numbers need not be pinned."""
    monkeypatch.setattr(torch_device, "ASYNCHRONOUS", frozenset({DEVICE.type}))
    monkeypatch.setattr(torch_device, "pinned", Tensor.clone)
    with Waits() as waits:
        yield waits


def network(folder: Any = TURBO) -> Dit:
    with DEVICE:
        return Dit(recognise(folder).config.dit).requires_grad_(False)


def there(found: Any) -> Any:
    """The same with its latents and states on the device; masks stay on the processor."""
    names = ("context", "unconditioned", "source") if isinstance(found, Scene) else ("prompt", "nothing")
    assert isinstance(found, (Scene, Conditions))
    moved = {name: getattr(found, name).to(DEVICE) for name in names}
    if isinstance(found, Conditions) and found.unconditioned is not None:
        moved["unconditioned"] = found.unconditioned.to(DEVICE)
    return replace(found, **moved)


@pytest.mark.parametrize("name", CASES)
def test_no_step_of_a_render_waits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, dit = CASES[name][1], network()
    monkeypatch.setitem(renders.EVERY_CASE, name, CASES[name])
    shown, states, noises = there(renders.scene(name)), there(renders.conditions()), renders.noises(settings)
    low_band(torch.zeros(1, 8, 4, device=DEVICE))  # whose filter is sent once a process
    with a_device(monkeypatch) as waits:
        found = pipeline.compose(dit, shown, states, settings, noises)
    assert found.device == DEVICE
    assert waits.found == []
    assert waits.sent >= 1, "the noise"


@pytest.mark.parametrize("name", ["turbo.text2music", "base.text2music_apg"])
def test_a_look_at_the_latents_would_be_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = CASES[name][1]
    shown, states, noises = there(renders.scene(name)), there(renders.conditions()), renders.noises(settings)
    dit = network()
    dit.register_forward_pre_hook(lambda _dit, given: float(given[0].sum()) and None)
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"), a_device(monkeypatch):
        pipeline.compose(dit, shown, states, settings, noises)
    dit = network()
    dit.register_forward_pre_hook(lambda _dit, given: torch.ones(3).to(given[0].device) and None)
    with a_device(monkeypatch) as waits, pytest.raises(RuntimeError):
        pipeline.compose(dit, shown, states, settings, noises)
    assert waits.found


@pytest.mark.parametrize("name", [name for name, case in edits.CASES.items() if case["batch"] == 1][::4])
def test_no_step_of_an_edit_waits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = edits.CASES[name]
    folder = edits.XL if case["network"].startswith("xl") else TURBO
    settings, dit, drawn = edits.settings_of(case), network(folder), edits.GOLDEN["inputs.noises"]
    shown = there(edits.scene_of(name, case))
    before, after = map(there, edits.both(case))
    with a_device(monkeypatch) as waits:
        compose_edit(dit, shown, before, after, settings, drawn.__getitem__)
    assert waits.found == []
    assert waits.sent == case["noise_draws"]
