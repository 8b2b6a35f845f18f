"""What `models verify` finds in v1's folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

from safetensors.torch import load_file, save_file

from model.acestep_v1.weights.published_v1 import PARTS, V1_MODELS, WEIGHTS
from model.checkpoints import CATALOGUE, check_networks, is_wanted, with_needs
from model.published import Kind
from tests.model.acestep_v1.golden_v1 import TINY_V1


@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_a_whole_checkpoint(part: str):
    assert check_networks(TINY_V1 / part, Kind.MUSIC) == ""


@pytest.mark.parametrize("part", PARTS[:3])
def test_a_missing_tensor_is_named(part: str, tmp_path: Path):
    shutil.copytree(TINY_V1 / part, tmp_path / part)
    tensors = load_file(tmp_path / part / WEIGHTS)
    lost = next(name for name in sorted(tensors, reverse=True) if name.endswith("bias"))
    save_file({name: value for name, value in tensors.items() if name != lost}, tmp_path / part / WEIGHTS)
    assert lost in check_networks(tmp_path / part, Kind.MUSIC)


def test_weights_of_another_size_than_the_config_are_named(tmp_path: Path):
    part = PARTS[1]
    shutil.copytree(TINY_V1 / part, tmp_path / part)
    config = tmp_path / part / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"latent_channels": 4}))
    assert "the shape" in check_networks(tmp_path / part, Kind.VAE)


def test_pulling_v1_brings_all_it_needs():
    entry = V1_MODELS[0]
    assert list(with_needs((entry,))) == list(V1_MODELS)
    assert all(each in CATALOGUE and each.licence == "Apache 2.0" for each in V1_MODELS)
    assert all(is_wanted(file.name) for each in V1_MODELS for file in each.files)
