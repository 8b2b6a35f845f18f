"""Networks are compared with their files without being loaded; what does not fit is named in a sentence."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="SKIPPED: networks need torch (extra acestep)")

from model.checkpoints import Kind, by_name, check_networks
from tests.model.acestep.tiny_folder import TEXT, write_models
from tests.places import TINY

FOLDERS = {Kind.MUSIC: "acestep-v15-turbo", Kind.VAE: "vae", Kind.TEXT_ENCODER: TEXT}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A turbo model, its VAE and its text encoder, small and untrained."""
    return write_models(tmp_path, "acestep-v15-turbo")


def change_config(folder: Path, **fields: object) -> None:
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | fields))


@pytest.mark.parametrize("kind", FOLDERS)
def test_networks_that_fit(models, kind):
    assert check_networks(models / FOLDERS[kind], kind) == ""


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        (Kind.MUSIC, {"num_hidden_layers": 5, "layer_types": ["full_attention"] * 5}, "are missing"),
        (Kind.VAE, {"decoder_channels": 8}, "shape"),
        (Kind.TEXT_ENCODER, {"num_hidden_layers": 1}, "do not belong to the text encoder"),
        (Kind.TEXT_ENCODER, {"vocab_size": 300}, "shape"),
    ],
)
def test_networks_of_another_config(models, kind, fields, sentence):
    change_config(models / FOLDERS[kind], **fields)
    assert sentence in check_networks(models / FOLDERS[kind], kind)


def test_a_pickle_where_silence_belongs(models):
    (models / FOLDERS[Kind.MUSIC] / "silence_latent.pt").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    assert "not a stored tensor" in check_networks(models / FOLDERS[Kind.MUSIC], Kind.MUSIC)


def test_the_wrong_kind_of_folder(models):
    assert "autoencoder" in check_networks(models / "vae", Kind.MUSIC)
    assert "not a text encoder" in check_networks(models / FOLDERS[Kind.MUSIC], Kind.TEXT_ENCODER)


def test_the_table_is_reached_through_here():
    entry = by_name("text-encoder")
    assert entry is not None
    assert entry.folder == TEXT


ODD = (
    -1, 0, True, None, "", "wide", 10**30, 2**63, 1e308, float("nan"), -0.5, 2.5, [], [1], [[1]], {}, 65536,
)  # fmt: skip
FOREIGN = [
    ("acestep-v15-turbo", Kind.MUSIC),
    ("vae", Kind.VAE),
    ("acestep-5Hz-lm", Kind.TEXT_ENCODER),
]


@pytest.mark.parametrize(("name", "kind"), FOREIGN, ids=[kind.value for _, kind in FOREIGN])
def test_a_config_with_any_value_in_any_field_is_read_or_refused_in_words(tmp_path, name, kind):
    """No field ends in an error of the libraries below; a fixed sample of fields and values."""
    shutil.copytree(TINY / name, tmp_path / name)
    config = tmp_path / name / "config.json"
    fields = json.loads(config.read_text(encoding="utf-8"))
    changes = [(field, value) for field in fields for value in ODD]
    refused = 0
    for field, value in random.Random(1).sample(changes, 60):
        config.write_text(json.dumps({**fields, field: value}), encoding="utf-8")
        refused += bool(check_networks(tmp_path / name, kind))
    assert refused >= 10
    config.write_text("[" * 100_000, encoding="utf-8")
    assert check_networks(tmp_path / name, kind)
