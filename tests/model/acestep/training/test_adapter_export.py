"""A trained change as files: read again by the engine's own reader, and by PEFT where it is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from safetensors import safe_open
from torch import Tensor

from model.acestep.training.adapter_export import published_module, write_adapter
from model.acestep.training.adapter_layers import ChangedLinear, attach
from model.acestep.training.training_settings import AdapterKind
from model.acestep.weights.checkpoint import open_weights
from model.acestep.weights.model_folders import recognise
from tests.model.acestep.adapters import read
from tests.model.acestep.tiny_models import TURBO
from tests.model.acestep.training.small_training import drawn, fresh_dit, small


def trained_change(kind: AdapterKind, rank: int = 4) -> tuple[dict[str, ChangedLinear], dict[str, Tensor]]:
    """A change in which no number is 0, and what it adds to each weight, found by asking the layers."""
    changes = dict(attach(fresh_dit(), small(kind=kind, rank=rank, dropout=0.0)))
    added = {}
    for number, (name, change) in enumerate(changes.items()):
        for leaf, parameter in enumerate(one for one in change.parameters() if one.requires_grad):
            parameter.data = drawn(100 * number + leaf, *parameter.shape) * 0.1
        width = change.frozen.in_features
        with torch.no_grad():
            added[name] = (change.scale * change.change(torch.eye(width))).T
    return changes, added


@pytest.mark.parametrize(
    ("kind", "rank"), [(AdapterKind.LORA, 4), (AdapterKind.LOKR, 2), (AdapterKind.LOKR, 64)]
)
def test_the_engine_reads_what_was_trained(tmp_path: Path, kind: AdapterKind, rank: int) -> None:
    changes, added = trained_change(kind, rank)
    path = write_adapter(tmp_path / "my_sound", changes, small(kind=kind, rank=rank), {"name": "my_sound"})
    found = read(path, open_weights(recognise(TURBO)))
    assert found.name == "my_sound"
    assert set(found.changes) == {f"{name}.weight" for name in added}
    for name, wanted in added.items():
        assert torch.allclose(found.changes[f"{name}.weight"].added(wanted.shape), wanted, atol=1e-5)  # type: ignore[arg-type]


def test_equal_changes_are_equal_files_that_say_what_they_are(tmp_path: Path) -> None:
    changes, _ = trained_change(AdapterKind.LOKR)
    settings = small(kind=AdapterKind.LOKR)
    first, *others = [
        write_adapter(tmp_path / str(number), changes, settings, {"name": "my_sound"}).read_bytes()
        for number in range(8)
    ]
    assert all(other == first for other in others)
    with safe_open(tmp_path / "0" / "lokr_weights.safetensors", framework="pt") as opened:
        metadata = opened.metadata()
    assert json.loads(metadata["takebridge"]) == {"name": "my_sound"}
    assert json.loads(metadata["lokr_config"])["linear_dim"] == 4
    assert metadata["algo"] == "lokr"


def test_peft_loads_the_same_change(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="PEFT is not installed: pip install peft")
    changes, added = trained_change(AdapterKind.LORA)
    write_adapter(tmp_path, changes, small(), {})

    class Decoder(torch.nn.Module):
        """Only the layers that change, under their published names."""

    decoder = Decoder()
    for name, change in changes.items():
        holder: torch.nn.Module = decoder
        *parents, leaf = published_module(name).split(".")
        for parent in parents:
            if not hasattr(holder, parent):
                holder.add_module(parent, torch.nn.Module())
            holder = holder.get_submodule(parent)
        frozen = torch.nn.Linear(change.frozen.in_features, change.frozen.out_features, bias=False)
        frozen.weight.data = torch.zeros_like(frozen.weight)
        holder.add_module(leaf, frozen)
    merged = peft.PeftModel.from_pretrained(decoder, str(tmp_path)).merge_and_unload()
    for name, wanted in added.items():
        assert torch.allclose(merged.get_submodule(published_module(name)).weight, wanted, atol=1e-6), name
