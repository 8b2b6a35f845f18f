"""What `models verify` finds in v1's folders."""

from __future__ import annotations

import json
import math
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="prompts need transformers: pip install takebridge[acestep]")

from safetensors.torch import load_file, save_file

from model.acestep_v1.loaded_v1 import sizes_of_v1
from model.acestep_v1.weights.published_v1 import PARTS, V1_MODELS, WEIGHTS
from model.acestep_v1.weights.stored_parts import open_v1
from model.acestep_v1.weights.v1_folders import SENTENCE_PIECES, SINGLE_PREFIXES, find_v1
from model.checkpoints import CATALOGUE, check_networks, is_wanted, with_needs
from model.published import Kind
from tests.model.acestep_v1.golden_v1 import TINY_V1, table
from tests.model.acestep_v1.test_v1_memory import PUBLISHED

KEYS = table("checkpoint_keys")


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


def test_a_text_encoder_that_is_not_whole(tmp_path: Path):
    part = PARTS[3]
    shutil.copytree(TINY_V1 / part, tmp_path / part)
    tensors = load_file(tmp_path / part / "model.safetensors")
    lost = "encoder.final_layer_norm.weight"
    save_file(
        {name: value for name, value in tensors.items() if name != lost},
        tmp_path / part / "model.safetensors",
    )
    assert lost in check_networks(tmp_path / part, Kind.TEXT_ENCODER)
    shutil.copy(TINY_V1 / part / "model.safetensors", tmp_path / part / "model.safetensors")
    (tmp_path / part / "tokenizer.json").write_text("{}")
    assert "tokenizer.json" in check_networks(tmp_path / part, Kind.TEXT_ENCODER)


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


def published_single_file(path: Path) -> Path:
    """A single file with every published tensor, all holes: it takes no room on the disk."""
    width = {"BF16": 2, "F32": 4}
    header: dict[str, Any] = {SENTENCE_PIECES: {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}
    end = 4
    for part, prefix in SINGLE_PREFIXES.items():
        (key,) = (name for name in KEYS if name.startswith(f"{part}/"))
        dtype = KEYS[key]["dtype"]
        for name, shape in KEYS[key]["tensors"].items():
            begin, end = end, end + width[dtype] * math.prod(shape)
            header[prefix + name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
    return path


def test_a_single_file_of_the_published_tensors(tmp_path: Path):
    """Every tensor has its place, and the memory plan its real sizes."""
    file = published_single_file(tmp_path / "ace_step_v1_3.5b.safetensors")
    assert check_networks(file, Kind.MUSIC) == ""
    (found,) = find_v1(tmp_path)
    assert (found.single, found.missing, found.name) == (True, (), "ace_step_v1_3.5b")
    sizes = sizes_of_v1(open_v1(found))
    assert sizes == PUBLISHED
    assert sizes.transformer + sizes.condition == 2_588_427_392
