"""Recognising what a folder holds, and saying what it is when it is no model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from safetensors.torch import save_file

from model.acestep.weights.model_folders import Layout, Variant, find_models, read_fields, recognise
from model.errors import NotLoaded
from tests.model.acestep.stored_layouts import write_diffusers
from tests.model.acestep.tiny_models import TURBO, XL, silence
from tests.places import TINY


def model_called(folder: Path, name: str, **changes: Any) -> Path:
    """An official model folder with a config only; recognising needs no weights."""
    fields = json.loads((TURBO / "config.json").read_text()) | changes
    target = folder / name
    target.mkdir(parents=True)
    (target / "config.json").write_text(json.dumps(fields))
    return target


def config_only(folder: Path, name: str, **fields: Any) -> Path:
    target = folder / name
    target.mkdir(parents=True)
    (target / "config.json").write_text(json.dumps(fields))
    return target


def test_an_official_folder() -> None:
    found = recognise(TURBO)
    assert (found.name, found.layout, found.variant) == ("acestep-v15-turbo", Layout.OFFICIAL, Variant.TURBO)
    assert found.vae == TINY / "vae"
    assert found.text_encoder is None
    assert found.describe() == (
        "acestep-v15-turbo: ACE-Step 1.5 turbo, unpublished, official layout; missing its text encoder"
    )


def test_a_diffusers_folder(tmp_path: Path) -> None:
    for source in (TURBO, XL):
        found = recognise(write_diffusers(source, tmp_path / source.name, silence()))
        assert (found.layout, found.variant) == (Layout.DIFFUSERS, Variant.TURBO)
        assert found.config == recognise(source).config
        assert found.vae == tmp_path / source.name / "vae"


@pytest.mark.parametrize(
    ("name", "is_turbo", "variant"),
    [
        ("acestep-v15-turbo-shift3", True, Variant.TURBO),
        ("renamed", True, Variant.TURBO),
        ("acestep-v15-base", False, Variant.BASE),
        ("acestep-v15-xl-sft", False, Variant.SFT),
        ("my-turbo-killer", False, Variant.UNKNOWN),
    ],
)
def test_variants(tmp_path: Path, name: str, is_turbo: bool, variant: Variant) -> None:
    assert recognise(model_called(tmp_path, name, is_turbo=is_turbo)).variant is variant


@pytest.mark.parametrize(("encoder", "is_xl"), [(None, False), (64, False), (32, True)])
def test_only_an_encoder_of_another_size_makes_an_xl(
    tmp_path: Path, encoder: int | None, is_xl: bool
) -> None:
    found = recognise(model_called(tmp_path, "acestep-v15-turbo", encoder_hidden_size=encoder))
    assert found.traits.xl == is_xl


def test_stem_tuned_models_say_so(tmp_path: Path) -> None:
    assert recognise(model_called(tmp_path, "stems-base", is_lego_sft=True)).stem_tuned
    assert not recognise(TURBO).stem_tuned


def test_the_applications_folder_of_models(tmp_path: Path) -> None:
    model_called(tmp_path, "acestep-v15-turbo")
    shutil.copytree(TINY / "vae", tmp_path / "vae")
    text = config_only(tmp_path, "Qwen3-Embedding-0.6B", model_type="qwen3")
    found = recognise(tmp_path)
    assert found.name == "acestep-v15-turbo"
    assert (found.vae, found.text_encoder, found.tokenizer) == (tmp_path / "vae", text, text)
    assert "no " not in found.describe()
    model_called(tmp_path, "acestep-v15-base", is_turbo=False)
    assert [model.name for model in find_models(tmp_path)] == ["acestep-v15-base", "acestep-v15-turbo"]
    with pytest.raises(NotLoaded, match="contains 2 models: acestep-v15-base, acestep-v15-turbo"):
        recognise(tmp_path)


def test_a_damaged_model_takes_no_other_away(tmp_path: Path) -> None:
    other = tmp_path / "another family's" / "transformer"
    other.mkdir(parents=True)
    (other / "config.json").write_text("{")
    with pytest.raises(NotLoaded, match="another family's"):
        find_models(tmp_path)
    model_called(tmp_path, "acestep-v15-turbo")
    assert [model.name for model in find_models(tmp_path)] == ["acestep-v15-turbo"]


def test_what_it_is_instead(tmp_path: Path) -> None:
    def complaint(path: Path) -> str:
        with pytest.raises(NotLoaded) as error:
            recognise(path)
        assert "Use the folder of an ACE-Step 1.5 model" in error.value.remedy
        return error.value.sentence

    assert "is an autoencoder" in complaint(TINY / "vae")
    assert "text encoder or planner" in complaint(config_only(tmp_path, "lm", model_type="qwen3"))
    assert "its config says: llama" in complaint(config_only(tmp_path, "other", model_type="llama"))
    assert "There is nothing at" in complaint(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "There is no ACE-Step model in" in complaint(empty)
    (empty / "model.safetensors").write_bytes(b"")
    assert "no config.json" in complaint(empty)
    assert "not a complete safetensors file" in complaint(empty / "model.safetensors")
    save_file({"one": torch.zeros(2)}, empty / "model.safetensors")
    assert "single weight file" in complaint(empty / "model.safetensors")
    (empty / "pytorch_model.bin").write_bytes(b"")
    assert "pytorch_model.bin, but weights are only read from safetensors files" in complaint(empty)
    assert "could run code" in complaint(empty / "pytorch_model.bin")
    (empty / "song.wav").write_bytes(b"")
    assert "is a file, not a model folder" in complaint(empty / "song.wav")


@pytest.mark.parametrize(
    ("text", "complaint"), [("{", "cannot be read"), ("[]", "not a list"), (None, "is missing")]
)
def test_unreadable_configs(tmp_path: Path, text: str | None, complaint: str) -> None:
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(NotLoaded, match=complaint):
        read_fields(path)


def test_an_older_diffusers_folder_borrows_the_official_tokenizer(tmp_path: Path) -> None:
    path = write_diffusers(TURBO, tmp_path / "acestep-v15-turbo-diffusers", silence())
    config_only(path, "text_encoder", model_type="qwen3")
    lacking = recognise(path)
    assert lacking.tokenizer is None
    missing = lacking.what_is_missing()
    assert missing is not None
    assert "missing its tokenizer.json" in missing[0]
    assert "Qwen3-Embedding-0.6B" in missing[1]
    official = tmp_path / "Qwen3-Embedding-0.6B"
    official.mkdir()
    (official / "tokenizer.json").write_text("{}")
    found = recognise(path)
    assert (found.tokenizer, found.what_is_missing()) == (official, None)
    own = path / "tokenizer"
    own.mkdir()
    (own / "vocab.json").write_text("{}")
    assert recognise(path).tokenizer == official, "a folder without tokenizer.json is no tokenizer"
    (own / "tokenizer.json").write_text("{}")
    assert recognise(path).tokenizer == own
