"""One step of training, as far as the network is concerned: its target, its answer, its loss and its gradients.

Nothing here is trained. What an adapter's trainer would ask of the network is the sharpest test there is of the whole
of it: a gradient is wrong wherever one operation on the way is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from model.acestep.networks.dit import Dit
from model.acestep.sampling.samplers import from_source
from model.acestep.weights.stored_names import Leaf, adapter_place
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import BLOCK_TOLERANCE, DIT_TOLERANCE, TURBO, networks
from tests.places import TINY

PEFT = TINY / "adapters" / "lora_peft" / "adapter"


class Whole(torch.nn.Module):
    """The transformer with its condition, so that both see the weights being trained."""

    def __init__(self, dit: Dit) -> None:
        super().__init__()
        self.dit = dit

    def forward(self, x: Tensor, context: Tensor, time: Tensor, states: Tensor) -> Tensor:
        answer: Tensor = self.dit(x, context, time, self.dit.condition(states), self.dit.plan(x.shape[1]))
        return answer


def with_update(dit: Dit, stored: Mapping[str, Tensor], scale: float) -> dict[str, Tensor]:
    """The transformer's parameters plus scale * up @ down of every module the adapter names."""
    halves: dict[str, dict[Leaf, Tensor]] = {}
    for name, tensor in stored.items():
        place = adapter_place(name)
        assert place is not None, name
        halves.setdefault(place[1], {})[place[2]] = tensor
    changed = dict(dit.state_dict())
    for name, pair in halves.items():
        changed[name] = changed[name] + scale * pair[Leaf.UP] @ pair[Leaf.DOWN]
    return {f"dit.{name}": value for name, value in changed.items()}


def test_a_step_of_training_agrees_to_its_gradients() -> None:
    golden, parts = tensors("training_step"), networks(TURBO)
    config = json.loads((PEFT / "adapter_config.json").read_text())
    stored = {
        name: value.requires_grad_() for name, value in load_file(PEFT / "adapter_model.safetensors").items()
    }
    time = golden["t"][:, None, None]
    noisy = from_source(golden["x0"], golden["noise"], time)
    assert worst(noisy, golden["x_t"]) <= 1e-6
    target = golden["noise"] - golden["x0"]
    assert worst(target, golden["target"]) <= 1e-6

    dropped = golden["dropped"].bool()[:, None, None]
    states = torch.where(dropped, parts.conditions.no_condition.detach(), golden["encoder"])
    weights = with_update(parts.dit, stored, config["lora_alpha"] / config["r"])
    answer = functional_call(Whole(parts.dit), weights, (noisy, golden["context"], golden["t"], states))
    assert worst(answer.detach(), golden["prediction"]) <= DIT_TOLERANCE
    loss = functional.mse_loss(answer, target)
    assert worst(loss.detach(), golden["loss"]) <= BLOCK_TOLERANCE

    loss.backward()
    kept = [name for name in golden if name.startswith("grad.")]
    assert len(kept) == 4
    for name in kept:
        found = stored[name.removeprefix("grad.")].grad
        assert found is not None
        assert golden[name].abs().max() > 1e-4, "a gradient of nothing proves nothing"
        assert worst(found, golden[name]) <= BLOCK_TOLERANCE
