"""A trained adapter in other programs: diffusers' own reader and PEFT give the velocity that the trainer gave.

The strength is the point: both take a file's scaling from somewhere else, and a wrong one is silent.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "diffusers", reason="NOT COMPARED WITH THE PEER: diffusers is missing, pip install takebridge[parity]"
)
pytest.importorskip("peft", reason="NOT LOADED BY THE PEER: peft is missing, pip install takebridge[parity]")

import torch
from diffusers.loaders import AceStepLoraLoaderMixin
from torch import Tensor

from model.acestep.training.adapter_export import write_adapter
from model.acestep.training.adapter_layers import attach
from model.acestep.training.training_settings import AdapterKind, TrainingSettings
from model.acestep.weights.adapted_weights import AppliedAdapter, adapted, dit_shapes
from model.acestep.weights.adapter_file import read_adapter
from model.acestep.weights.checkpoint import open_weights
from model.acestep.weights.model_folders import recognise
from tests.model.acestep.golden_data import worst
from tests.parity.peer import SIZES, Peer, drawn, read_ours, write_peer

WHOLE = 2e-5
SETTINGS = TrainingSettings(rank=4, alpha=12.0, dropout=0.0)  # a scale of 3: neither 1 nor the usual 2
FRAMES = 12


class Trained:
    """An adapter in which no number is 0, its folder, and the velocity of the transformer it was trained on."""

    def __init__(self, folder: Path) -> None:
        name = next(iter(SIZES))
        self.peer: Peer = write_peer(folder / "peer", SIZES[name], 1)
        self.states = drawn(1, 7, SIZES[name].encoder["hidden_size"], seed=4)
        ours = read_ours(self.peer.folder)
        self.plain = self.ours(ours.dit)
        changes = attach(ours.dit, SETTINGS)
        for number, change in enumerate(changes.values()):
            for leaf, parameter in enumerate(one for one in change.parameters() if one.requires_grad):
                parameter.data = 0.2 * drawn(*parameter.shape, seed=100 * number + leaf)
        ours.dit.eval()
        self.wanted = self.ours(ours.dit)
        self.folder = folder / "my_sound"
        self.file = write_adapter(self.folder, changes, SETTINGS, {"name": "my_sound"})

    def ours(self, dit: torch.nn.Module) -> Tensor:
        with torch.no_grad():
            condition = dit.condition(self.states)  # type: ignore[operator]
            plan = dit.plan(FRAMES)  # type: ignore[operator]
            return dit(*self.inputs, condition, plan)  # type: ignore[no-any-return]

    def theirs(self) -> Tensor:
        latents, context, time = self.inputs
        with torch.no_grad():
            found = self.peer.transformer(
                hidden_states=latents, timestep=time, timestep_r=time, encoder_hidden_states=self.states,
                context_latents=context, return_dict=False,
            )  # fmt: skip
        return found[0]  # type: ignore[no-any-return]

    @property
    def inputs(self) -> tuple[Tensor, Tensor, Tensor]:
        return drawn(1, FRAMES, 64, seed=1), drawn(1, FRAMES, 128, seed=2), torch.tensor([0.6])


@pytest.fixture
def trained(tmp_path: Path) -> Trained:
    assert SETTINGS.kind is AdapterKind.LORA
    found = Trained(tmp_path)
    assert worst(found.theirs(), found.plain) <= WHOLE
    assert worst(found.plain, found.wanted) > 0.1
    return found


def test_diffusers_loads_it_at_the_same_strength(trained: Trained) -> None:
    state, metadata = AceStepLoraLoaderMixin.lora_state_dict(
        str(trained.folder), weight_name=trained.file.name, return_lora_metadata=True, local_files_only=True
    )
    transformer = trained.peer.transformer
    AceStepLoraLoaderMixin.load_lora_into_transformer(state, transformer, "mine", metadata=metadata)
    assert worst(trained.theirs(), trained.wanted) <= WHOLE
    transformer.set_adapters("mine", 0.0)
    assert worst(trained.theirs(), trained.plain) <= WHOLE


def test_the_engine_loads_it_at_the_same_strength(trained: Trained) -> None:
    weights = open_weights(recognise(trained.peer.folder))
    adapter = read_adapter(trained.file, dit_shapes(weights))
    changed = adapted(weights, (AppliedAdapter(adapter, 1.0),))
    assert worst(trained.ours(changed.load_dit(torch.float32, "cpu")), trained.wanted) <= WHOLE
