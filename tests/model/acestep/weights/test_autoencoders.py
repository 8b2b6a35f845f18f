"""Which autoencoders a checkpoint can be rendered with."""

from __future__ import annotations

import json
import shutil

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

from model.acestep.weights.autoencoders import autoencoders, chosen_autoencoder
from model.acestep.weights.model_folders import ModelFolder, find_models
from model.errors import CannotRender
from tests.model.acestep.tiny_folder import write_models


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    """A checkpoint with a second autoencoder and one of another size."""
    models = write_models(tmp_path_factory.mktemp("models"), "acestep-v15-turbo")
    shutil.copytree(models / "vae", models / "scragvae")
    wide = shutil.copytree(models / "vae", models / "wide") / "config.json"
    wide.write_text(json.dumps(json.loads(wide.read_text()) | {"decoder_channels": 8}))
    (found,) = find_models(models)
    return found


def test_all_that_are_next_to_it_have_names(model: ModelFolder) -> None:
    found = autoencoders(model)
    assert list(found) == ["official", "scragvae", "vae", "wide"]
    assert found["official"] == model.vae


def test_one_is_chosen_by_name(model: ModelFolder) -> None:
    assert chosen_autoencoder(model, "scragvae") == model.path.parent / "scragvae"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("best", "no autoencoder called 'best'"),
        ("../vae", "no autoencoder"),
        ("wide", "another size"),
    ],
)
def test_others_are_refused(model: ModelFolder, name: str, words: str) -> None:
    with pytest.raises(CannotRender, match=words):
        chosen_autoencoder(model, name)
