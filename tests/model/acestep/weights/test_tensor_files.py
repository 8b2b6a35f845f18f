"""Broken, missing and hostile weight files are named and never run."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.weights.checkpoint import open_weights
from model.acestep.weights.model_folders import recognise
from model.acestep.weights.tensor_files import silence_from_file, weight_files
from model.errors import NotLoaded
from tests.model.acestep.stored_layouts import copy_official
from tests.model.acestep.tiny_models import TURBO, XL
from tests.model.acestep.trap import Trap


@pytest.mark.parametrize("content", ["cut", "pickle", "pointer", "empty"])
def test_files_that_are_not_safetensors(tmp_path: Path, content: str) -> None:
    folder = copy_official(TURBO, tmp_path / "model")
    file = folder / "model.safetensors"
    broken = {
        "cut": file.read_bytes()[:-1000],
        "pickle": pickle.dumps({"weight": [1.0] * 100}),
        "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4787825604\n",
        "empty": b"",
    }[content]
    file.write_bytes(broken)
    with pytest.raises(
        NotLoaded, match=f"model.safetensors .{len(broken)} bytes. is not a complete safetensors file"
    ):
        open_weights(recognise(folder))


def test_missing_shards_are_named(tmp_path: Path) -> None:
    folder = copy_official(XL, tmp_path / "xl")
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(NotLoaded, match=r"model-00002-of-00002.safetensors is missing"):
        open_weights(recognise(folder))


def test_a_tensor_in_two_shards(tmp_path: Path) -> None:
    folder = copy_official(XL, tmp_path / "xl")
    (folder / "model-00002-of-00002.safetensors").write_bytes(
        (folder / "model-00001-of-00002.safetensors").read_bytes()
    )
    with pytest.raises(NotLoaded, match=r"is in both .*00001-of-00002.* and .*00002-of-00002"):
        open_weights(recognise(folder))


@pytest.mark.parametrize(
    ("weight_map", "complaint"),
    [
        ({"a": "../a.safetensors"}, "outside its folder"),
        ({}, "lists no weight files"),
        (None, "lists no weight files"),
    ],
)
def test_unusable_indexes(tmp_path: Path, weight_map: dict[str, str] | None, complaint: str) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(NotLoaded, match=complaint):
        weight_files(tmp_path, "model")


def test_no_weights_at_all(tmp_path: Path) -> None:
    with pytest.raises(NotLoaded, match=r"There is no model.safetensors in"):
        weight_files(tmp_path, "model")


def test_pickles_where_weights_belong_are_refused_unopened(tmp_path: Path) -> None:
    folder = copy_official(TURBO, tmp_path / "model")
    (folder / "model.safetensors").unlink()
    with pytest.raises(NotLoaded, match=r"There is no model.safetensors in"):
        open_weights(recognise(folder))
    sprung = tmp_path / "sprung"
    torch.save(Trap(sprung), folder / "pytorch_model.bin")
    with pytest.raises(NotLoaded, match=r"pytorch_model.bin could run code when opened"):
        open_weights(recognise(folder))
    assert not sprung.exists()


def test_a_pickle_that_runs_code_is_not_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    torch.save(Trap(sprung), tmp_path / "silence_latent.pt")
    with pytest.raises(NotLoaded, match="is not a stored tensor"):
        silence_from_file(tmp_path / "silence_latent.pt", 64)
    assert not sprung.exists()


def test_unusable_silence(tmp_path: Path) -> None:
    path = tmp_path / "silence_latent.pt"
    with pytest.raises(NotLoaded, match="is missing"):
        silence_from_file(path, 64)
    path.write_bytes((TURBO / "silence_latent.pt").read_bytes()[:1000])
    with pytest.raises(NotLoaded, match="is not a stored tensor"):
        silence_from_file(path, 64)
    torch.save(torch.zeros(1, 800, 64), path)
    with pytest.raises(NotLoaded, match=r"one tensor of shape \[1, 64, frames\]"):
        silence_from_file(path, 64)
