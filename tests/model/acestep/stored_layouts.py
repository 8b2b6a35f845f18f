"""The tiny checkpoint written to disk in other layouts than the one it is stored in."""

from __future__ import annotations

import json
import re
import shutil
from functools import cache
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.model.acestep.golden_data import table
from tests.places import TINY

PUBLISHED_2B = "acestep-v15 2B (turbo, base, sft and variants)"
PUBLISHED_XL = "acestep-v15-xl"
PUBLISHED_SIZES = pytest.mark.parametrize(("listed", "size"), [(PUBLISHED_2B, "2B"), (PUBLISHED_XL, "XL")])


def numberless(name: str) -> str:
    return re.sub(r"(?<=layers\.)\d+(?=\.)", "N", name)


@cache
def diffusers_places() -> dict[str, tuple[str, str]]:
    """Official name -> (diffusers folder, name), layer numbers written as N; from the published key lists."""
    keys = table("checkpoint_keys")[PUBLISHED_2B]["keys"]
    return {numberless(official): (row[1], numberless(row[2])) for official, row in keys.items()}


def diffusers_place(official: str) -> tuple[str, str]:
    """Where that layout keeps the tensor: (folder, name)."""
    folder, pattern = diffusers_places()[numberless(official)]
    numbers = iter(re.findall(r"(?<=layers\.)\d+(?=\.)", official))
    return folder, re.sub(r"(?<=layers\.)N(?=\.)", lambda _found: next(numbers), pattern)


def official_tensors(folder: Path) -> dict[str, Tensor]:
    return {
        key: value for file in sorted(folder.glob("*.safetensors")) for key, value in load_file(file).items()
    }


def write_diffusers(source: Path, target: Path, silence: Tensor) -> Path:
    """`source` (official layout) in diffusers layout; returns `target`."""
    folders: dict[str, dict[str, Tensor]] = {}
    for official, value in official_tensors(source).items():
        folder, name = diffusers_place(official)
        folders.setdefault(folder, {})[name] = value
    folders["condition_encoder"]["silence_latent"] = silence
    fields = json.loads((source / "config.json").read_text())
    encoder = fields | {
        name.removeprefix("encoder_"): value for name, value in fields.items() if name.startswith("encoder_")
    }
    classes = {
        "transformer": ("AceStepTransformer1DModel", fields),
        "condition_encoder": ("AceStepConditionEncoder", encoder),
        "audio_tokenizer": ("AceStepAudioTokenizer", encoder),
        "audio_token_detokenizer": ("AceStepAudioTokenDetokenizer", encoder),
    }
    for folder, (name, own_fields) in classes.items():
        (target / folder).mkdir(parents=True)
        save_file(folders[folder], target / folder / "diffusion_pytorch_model.safetensors")
        kept = {key: value for key, value in own_fields.items() if not key.startswith("encoder_")}
        (target / folder / "config.json").write_text(json.dumps(kept | {"_class_name": name}))
    shutil.copytree(TINY / "vae", target / "vae")
    return target


def copy_official(source: Path, target: Path, tensors: dict[str, Tensor] | None = None) -> Path:
    """A copy of an official folder, with other tensors in one file if given; returns `target`."""
    target.mkdir(parents=True)
    for file in source.iterdir():
        if tensors is None or "model" not in file.name:
            shutil.copy(file, target / file.name)
    if tensors is not None:
        save_file(tensors, target / "model.safetensors")
    return target
