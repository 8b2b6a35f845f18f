"""Where checkpoints are found, and what is missing from one."""

from __future__ import annotations

import shutil
from pathlib import Path

from model.acestep_v1.weights.published_v1 import FOLDER, LYRICS, VOCABULARY, VOCODER
from model.acestep_v1.weights.v1_folders import find_v1
from tests.model.acestep_v1.golden_v1 import TINY_V1


def test_a_folder_of_models_and_the_checkpoint_itself():
    (inside,) = find_v1(TINY_V1.parent)
    (itself,) = find_v1(TINY_V1)
    assert inside == itself
    assert inside.name == FOLDER
    assert inside.missing == ()
    assert inside.vocabulary is None
    assert not inside.untrained


def test_nothing_else_is_one(tmp_path: Path):
    assert find_v1(tmp_path) == ()
    assert find_v1(tmp_path / "absent") == ()
    (tmp_path / "x.safetensors").write_bytes(b"no")
    assert find_v1(tmp_path) == ()
    assert find_v1(tmp_path / "x.safetensors") == ()


def test_missing_parts_and_the_vocabulary(tmp_path: Path):
    folder = tmp_path / FOLDER
    shutil.copytree(TINY_V1, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    shutil.rmtree(folder / VOCODER)
    assert find_v1(tmp_path)[0].missing == (VOCODER,)
    (folder / LYRICS).mkdir()
    (folder / LYRICS / VOCABULARY).write_text("{}")
    assert find_v1(tmp_path)[0].vocabulary == folder / LYRICS / VOCABULARY


def test_the_vocabulary_of_a_comfyui_folder(tmp_path: Path):
    checkpoints = tmp_path / "ComfyUI" / "models" / "checkpoints" / FOLDER
    shutil.copytree(TINY_V1, checkpoints, ignore=shutil.ignore_patterns("*.safetensors"))
    words = tmp_path / "ComfyUI" / "comfy" / "text_encoders" / "ace_lyrics_tokenizer" / VOCABULARY
    words.parent.mkdir(parents=True)
    words.write_text("{}")
    assert find_v1(checkpoints)[0].vocabulary == words
