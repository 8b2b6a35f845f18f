"""Folders of models with something wrong in them, through the engine: it says what and where, and works once mended."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

import torch
from safetensors.torch import load_file, save_file

from model.errors import NotLoaded
from tests.model.acestep.test_engine import engine_of, rendered, request
from tests.model.acestep.trap import Trap

MUSIC, VAE = "acestep-v15-turbo/model.safetensors", "vae/diffusion_pytorch_model.safetensors"
WORDS, SILENCE = "Qwen3-Embedding-0.6B/model.safetensors", "acestep-v15-turbo/silence_latent.pt"

Damage = Callable[[Path], None]


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])


def another_network(file: Path) -> None:
    shutil.copy(file.parents[1] / VAE, file)


def whole_numbers(file: Path) -> None:
    stored = load_file(file)
    name = next(name for name in sorted(stored) if stored[name].dim() > 1)
    save_file(stored | {name: stored[name].to(torch.int8)}, file)


def pickled(file: Path) -> None:
    file.write_bytes(pickle.dumps({"weight": [1.0] * 100}))


def pickle_beside(file: Path) -> None:
    torch.save(load_file(file), file.with_name("pytorch_model.bin"))
    file.unlink()


def trapped(file: Path) -> None:
    torch.save(Trap(file.with_name("sprung")), file)


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        (MUSIC, cut, "model.safetensors .* is not a complete safetensors file"),
        (VAE, cut, "diffusion_pytorch_model.safetensors .* is not a complete safetensors file"),
        (WORDS, cut, "model.safetensors .* is not a complete safetensors file"),
        (MUSIC, another_network, "transformer.s weights are missing "),
        (MUSIC, whole_numbers, r"has the dtype torch.int8, .* needs torch.float32"),
        (VAE, whole_numbers, "torch.int8"),
        (WORDS, whole_numbers, "torch.int8"),
        (MUSIC, pickled, "is not a complete safetensors file"),
        (MUSIC, pickle_beside, "pytorch_model.bin could run code when opened"),
        (SILENCE, trapped, "silence_latent.pt is not a stored tensor"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_what_is_broken_is_named_and_once_mended_it_renders(
    tiny_models: Path, tmp_path: Path, name: str, damage: Damage, words: str
) -> None:
    models = shutil.copytree(
        tiny_models, tmp_path / "models", ignore=shutil.ignore_patterns("acestep-v15-base")
    )
    whole = (models / name).read_bytes()
    damage(models / name)
    engine = engine_of(models)
    with pytest.raises(NotLoaded, match=words) as error:
        engine.load(lambda _: None)
    assert error.value.remedy
    assert not list(models.rglob("sprung")), "nothing that came with it was run"
    (models / name).write_bytes(whole)
    assert rendered(engine, request())
