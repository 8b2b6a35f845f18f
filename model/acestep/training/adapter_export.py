"""Writes a trained change as adapter files that others load: a PEFT folder for LoRA, LyCORIS' file for LoKr.

The numbers are written in float32, as they were trained. The file's own metadata says what it was trained on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from model.acestep.training.adapter_layers import ChangedLinear
from model.acestep.training.training_settings import AdapterKind, TrainingSettings
from model.acestep.training.whole_file import write_whole_file
from model.acestep.weights.adapter_file import DIFFUSERS_CONFIG, LOKR_CONFIG, PEFT_STEM
from model.acestep.weights.model_folders import PEFT_CONFIG

ABOUT = "takebridge"
"""The name of our own entry in the metadata."""
LOKR_STEM = "lokr_weights"

_PUBLISHED = {
    "self_attention": "self_attn",
    "cross_attention": "cross_attn",
    "query": "q_proj",
    "key": "k_proj",
    "value": "v_proj",
    "out": "o_proj",
}
_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj"]
_DIFFUSERS_TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]


def adapter_file(folder: Path, kind: AdapterKind) -> Path:
    """The file that the engine's option `adapter` names."""
    return folder / f"{PEFT_STEM if kind is AdapterKind.LORA else LOKR_STEM}.safetensors"


def write_adapter(
    folder: Path,
    changes: Mapping[str, ChangedLinear],
    settings: TrainingSettings,
    about: Mapping[str, Any],
) -> Path:
    """Writes the adapter's files; returns the one to name in requests. about: for the metadata.

    Raises CannotRender if the disk refuses.
    """
    path = adapter_file(folder, settings.kind)
    metadata = {ABOUT: json.dumps(about, sort_keys=True)}
    if settings.kind is AdapterKind.LORA:
        named = _named(changes, lambda module: f"base_model.model.{module}")
        config = json.dumps(_peft_config(settings), indent=1)
        write_whole_file(folder / PEFT_CONFIG, config.encode())
        metadata |= {
            "format": "pt",
            DIFFUSERS_CONFIG: json.dumps(_diffusers_config(settings), sort_keys=True),
        }
    else:
        named = _named(changes, lambda module: f"lycoris_{module.replace('.', '_')}")
        metadata |= {"format": "lycoris", "algo": "lokr", LOKR_CONFIG: json.dumps(_lokr_config(settings))}
    # Last: where this file is, the adapter is whole.
    write_whole_file(path, with_metadata(save(named), metadata))
    return path


def with_metadata(data: bytes, metadata: Mapping[str, str]) -> bytes:
    """A safetensors file without metadata, with some. The library writes several entries in another order each time,
    which would give the same adapter another digest."""
    begin = 8 + int.from_bytes(data[:8], "little")
    header = {"__metadata__": dict(sorted(metadata.items())), **json.loads(data[8:begin])}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + data[begin:]


def published_module(name: str) -> str:
    """The published name of a changed layer: "layers.0.self_attention.query" is layers.0.self_attn.q_proj."""
    return ".".join(_PUBLISHED.get(part, part) for part in name.split("."))


def _named(changes: Mapping[str, ChangedLinear], module_name: Callable[[str], str]) -> dict[str, Tensor]:
    return {
        f"{module_name(published_module(name))}.{leaf}": value.detach().cpu().contiguous()
        for name, changed in changes.items()
        for leaf, value in changed.stored().items()
    }


def _peft_config(settings: TrainingSettings) -> dict[str, Any]:
    return {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": None,
        "inference_mode": True,
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": settings.dropout,
        "bias": "none",
        "target_modules": _TARGETS,
        "fan_in_fan_out": False,
        "use_dora": False,
        "use_rslora": False,
        "modules_to_save": None,
        "rank_pattern": {},
        "alpha_pattern": {},
    }


def _diffusers_config(settings: TrainingSettings) -> dict[str, Any]:
    """The scaling where diffusers looks for it: it does not read PEFT's config, and takes the rank for alpha."""
    fields = {
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": settings.dropout,
        "bias": "none",
        "target_modules": _DIFFUSERS_TARGETS,
    }
    return {f"transformer.{name}": value for name, value in fields.items()}


def _lokr_config(settings: TrainingSettings) -> dict[str, Any]:
    return {
        "linear_dim": settings.rank,
        "linear_alpha": settings.alpha,
        "factor": -1,
        "decompose_both": False,
        "use_tucker": False,
        "use_scalar": False,
        "weight_decompose": False,
        "target_modules": _TARGETS,
        "full_matrix": False,
        "rs_lora": False,
        "unbalanced_factorization": False,
    }
