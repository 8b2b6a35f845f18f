"""What a folder of models holds: published ones, those of other programs, broken ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bridge_server.models.library import (
    OLD_RECORD,
    RECORD,
    STAGING,
    InstalledModel,
    State,
    expected_files,
    full_check,
    look,
    read_record,
    record_text,
    sha256_of,
)
from model.checkpoints import Kind, by_name
from tests.bridge_server.hub_server import safetensors, sha256
from tests.places import TINY

TURBO, XL, VAE = "acestep-v15-turbo", "acestep-v15-xl-turbo", "vae"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder as the official application leaves it, with two tiny models."""
    for name in (TURBO, VAE):
        shutil.copytree(TINY / name, tmp_path / name)
    (tmp_path / TURBO / "modeling_acestep_v15_turbo.py").write_text("raise SystemExit('remote code was run')")
    return tmp_path


def there(models: Path) -> dict[str, InstalledModel]:
    return {one.name: one for one in look(models) if one.state is not State.ABSENT}


def wrong_files(models: Path, name: str) -> dict[str, str]:
    entry = by_name(name)
    assert entry is not None
    return {
        one.file: one.wrong
        for one in full_check(models / entry.folder, entry, lambda _count: None)
        if one.wrong
    }


def write_record(folder: Path) -> None:
    files = {
        file.name: {"size": file.stat().st_size, "sha256": sha256_of(file)}
        for file in folder.iterdir()
        if file.suffix != ".py"
    }
    (folder / RECORD).write_text(record_text("someone/something", "main", files))


def test_a_folder_of_the_official_application(models):
    found = there(models)
    assert {name: one.state for name, one in found.items()} == {"turbo": State.HERE, "vae": State.HERE}
    assert found["turbo"].note == "cannot work without text-encoder"
    assert found["turbo"].size == sum(file.stat().st_size for file in (models / TURBO).iterdir())
    assert (found["turbo"].kind, found["vae"].kind) == (Kind.MUSIC, Kind.VAE)


def test_every_published_model_is_listed_even_in_no_folder(tmp_path):
    found = look(tmp_path / "nowhere")
    assert {one.name for one in found} >= {"turbo", "base", "sft", "xl-turbo", "vae", "text-encoder"}
    assert {one.state for one in found} == {State.ABSENT}


def test_shards_are_found_through_their_index(tmp_path):
    shutil.copytree(TINY / XL, tmp_path / XL)
    shutil.copy(TINY / TURBO / "silence_latent.pt", tmp_path / XL)
    assert there(tmp_path)["xl-turbo"].state is State.HERE  # two shards, where four are published
    (tmp_path / XL / "model-00002-of-00002.safetensors").unlink()
    found = there(tmp_path)["xl-turbo"]
    assert found.state is State.DAMAGED
    assert found.note == "model-00002-of-00002.safetensors: missing"


@pytest.mark.parametrize(
    ("file", "content", "note"),
    [
        ("model.safetensors", b"", "not a complete safetensors file"),
        (
            "model.safetensors",
            (TINY / TURBO / "model.safetensors").read_bytes()[:-1000],
            "incomplete or damaged",
        ),
        ("model.safetensors", None, "missing"),
        ("silence_latent.pt", None, "missing"),
        ("config.json", b"{", "not readable"),
        ("config.json", None, "missing"),
    ],
)
def test_damage_is_seen_without_reading_the_weights(models, file, content, note):
    if content is None:
        (models / TURBO / file).unlink()
    else:
        (models / TURBO / file).write_bytes(content)
    found = there(models)["turbo"]
    assert found.state is State.DAMAGED
    assert file in found.note
    assert note in found.note


def test_one_flipped_bit_is_found_by_its_record(models):
    write_record(models / TURBO)
    assert wrong_files(models, "turbo") == {}
    path = models / TURBO / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert there(models)["turbo"].state is State.HERE
    (wrong,) = wrong_files(models, "turbo").values()
    assert wrong.startswith(f"its sha256 is {sha256(bytes(content))[:8]}")


def test_another_size_than_recorded_is_damage(models):
    write_record(models / TURBO)
    (models / TURBO / "silence_latent.pt").write_bytes(b"short")
    assert there(models)["turbo"].state is State.DAMAGED
    assert wrong_files(models, "turbo")["silence_latent.pt"].startswith("5 bytes instead of")


def test_another_size_than_published_is_somebodys_own_version(models):
    entry = by_name("turbo")
    checked = {one.file: one for one in full_check(models / TURBO, entry, lambda _count: None)}
    assert checked["model.safetensors"].wrong == ""
    assert checked["model.safetensors"].differs.endswith("instead of 4787825604)")


def test_every_byte_with_a_known_digest_is_read(models):
    write_record(models / TURBO)
    counted: list[int] = []
    list(full_check(models / TURBO, by_name("turbo"), counted.append))
    assert sum(counted) == sum(about["size"] for about in read_record(models / TURBO).values())


def test_models_of_other_names(models):
    shutil.copytree(models / TURBO, models / "my-fine-tune-base")
    found = there(models)["my-fine-tune-base"]
    assert found.entry is None
    assert found.state is State.HERE
    assert found.note.startswith("turbo, official layout")


def test_a_diffusers_folder(tmp_path):
    pytest.importorskip("torch", reason="SKIPPED: writing that layout needs torch (extra acestep)")
    from tests.model.acestep.stored_layouts import write_diffusers
    from tests.model.acestep.tiny_models import silence

    write_diffusers(TINY / TURBO, tmp_path / "acestep-v15-turbo-diffusers", silence())
    found = there(tmp_path)["acestep-v15-turbo-diffusers"]
    assert found.state is State.HERE
    assert "diffusers layout" in found.note
    (tmp_path / "acestep-v15-turbo-diffusers" / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(
        b""
    )
    assert there(tmp_path)["acestep-v15-turbo-diffusers"].state is State.DAMAGED


def test_the_folder_may_be_one_models_own(models):
    found = there(models / TURBO)
    assert set(found) == {TURBO}
    assert found[TURBO].path == models / TURBO


def test_single_files_of_comfyui(tmp_path):
    folder = tmp_path / "models" / "diffusion_models"
    folder.mkdir(parents=True)
    weights = shutil.copyfile(TINY / TURBO / "model.safetensors", folder / "acestep_v1.5_turbo.safetensors")
    (folder / "some_image_model.safetensors").write_bytes(safetensors(a=(4,)))
    (folder.parent / "vae").mkdir()
    (folder.parent / "vae" / "another.safetensors").write_bytes(safetensors(a=(4,)))
    for place in (tmp_path, tmp_path / "models", folder, Path(weights)):
        found = there(place)
        assert set(found) == {"acestep_v1.5_turbo"}
        note = found["acestep_v1.5_turbo"].note
        assert note.startswith(
            "turbo, ComfyUI layout; acestep_v1.5_turbo is missing its VAE and its text encoder"
        )
    (checked,) = full_check(folder / "acestep_v1.5_turbo.safetensors", None, lambda _count: None)
    assert not checked.wrong
    assert "none that is known" in checked.differs


def test_a_single_file_of_broken_shapes_spoils_nothing_else(models):
    folder = models / "checkpoints"
    folder.mkdir()
    sign = "model.diffusion_model.encoder.lyric_encoder.layers.0.input_layernorm.weight"
    (folder / "ace_turbo.safetensors").write_bytes(safetensors(**{sign: (4,)}))
    found = there(models)
    assert found["turbo"].state is State.HERE
    assert found["ace_turbo"].state is State.DAMAGED
    assert "decoder.proj_in.1.weight is missing" in found["ace_turbo"].note


def test_a_broken_config_spoils_nothing_else(models):
    (models / "other").mkdir()
    (models / "other" / "config.json").write_text("{")
    found = there(models)
    assert found["other"].state is State.DAMAGED
    assert found["turbo"].state is State.HERE


def test_a_download_in_its_staging_folder_is_no_model(models):
    (models / STAGING).mkdir()
    (models / TURBO).rename(models / STAGING / TURBO)
    found = there(models)
    assert found["turbo"].state is State.BEGUN
    assert [one.path.parent.name for one in found.values() if one.state is State.HERE] == [models.name]


def test_an_index_cannot_reach_outside(models):
    index = {"weight_map": {"a": "../secret.safetensors", "b": "model-00001-of-00001.safetensors"}}
    (models / TURBO / "model.safetensors.index.json").write_text(json.dumps(index))
    names = {file.name for file in expected_files(models / TURBO, by_name("turbo"))}
    assert "model-00001-of-00001.safetensors" in names
    assert "../secret.safetensors" not in names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"files": []}',
        '{"files": {"a": {}}}',
        '{"files": {"a": 1}}',
        *(
            json.dumps({"files": {name: {"size": 1, "sha256": ""}}})
            for name in ("../a", "a/../../b", "/a", "a//b", "", ".", "a/.", "C:a", "a\\b", "..")
        ),
    ],
)
def test_records_that_say_nothing(tmp_path, text):
    (tmp_path / RECORD).write_text(text)
    assert read_record(tmp_path) == {}


def test_the_record_of_a_download_under_the_products_old_name_counts(models):
    folder = models / TURBO
    write_record(folder)
    (folder / RECORD).rename(folder / OLD_RECORD)
    recorded = read_record(folder)
    assert "config.json" in recorded
    (folder / "config.json").write_text("{}")
    assert there(models)["turbo"].state is State.DAMAGED, "its size is not the recorded one"
    (folder / RECORD).write_text(record_text("someone/something", "main", {}))
    assert read_record(folder) == {}, "a newer download has the last word"
