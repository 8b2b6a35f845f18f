"""The table of published checkpoints agrees with the published lists of tensors and with what the engine looks for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.places import PROJECT

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from model.acestep.weights.capabilities import traits_of
from model.acestep.weights.catalogue import ACESTEP_MODELS, is_wanted
from model.acestep.weights.model_folders import recognise
from model.checkpoints import CATALOGUE, by_name, with_needs
from model.published import Kind
from tests.model.acestep.golden_data import table
from tests.model.acestep.stored_layouts import PUBLISHED_2B, PUBLISHED_XL
from tests.model.acestep.tiny_models import TURBO
from tests.places import TINY

# A safetensors file is its tensors and a header; the headers of these hold 120 bytes and fewer per tensor.
BYTES_PER_ENTRY = 150


def weight_sizes(name: str) -> list[int | None]:
    entry = by_name(name)
    assert entry is not None
    return [file.size for file in entry.files if file.name.endswith(".safetensors")]


@pytest.mark.parametrize(
    ("names", "listed"),
    [(("turbo", "base", "sft"), PUBLISHED_2B), (("vae",), "vae")],
)
def test_weight_files_are_as_large_as_their_tensors(names, listed):
    tensors = table("checkpoint_keys")[listed]
    bfloat16 = 2 * tensors["parameters"]
    for name in names:
        (size,) = weight_sizes(name)
        assert bfloat16 < size < bfloat16 + BYTES_PER_ENTRY * tensors["tensors"]


def test_text_encoder_is_as_large_as_its_parameters():
    (size,) = weight_sizes("text-encoder")
    assert 0 < size - 2 * 595_776_512 < BYTES_PER_ENTRY * 28 * 11 + 1000


def test_xl_is_four_float32_shards():
    float32 = 4 * table("checkpoint_keys")[PUBLISHED_XL]["parameters"]
    for entry in ACESTEP_MODELS:
        if entry.folder.startswith("acestep-v15-xl"):
            assert weight_sizes(entry.name) == [None] * 4
            assert abs(entry.size - float32) < 1e7


@pytest.mark.parametrize("entry", ACESTEP_MODELS, ids=lambda entry: entry.name)
def test_rounded_sizes_fit_the_exact_ones(entry):
    exact = [file.size for file in entry.files if file.size is not None]
    assert sum(exact) <= entry.size * 1.005
    if any(weight_sizes(entry.name)):
        assert sum(exact) >= entry.size * 0.98  # tokenizer tables are small


@pytest.mark.parametrize("entry", ACESTEP_MODELS, ids=lambda entry: entry.name)
def test_every_entry_can_be_fetched_and_found(entry):
    assert all(is_wanted(file.name) for file in entry.files)
    assert by_name(entry.name) is by_name(entry.folder.upper()) is entry
    owner, _, repository = entry.repository.partition("/")
    assert owner
    assert "/" not in repository
    for need in entry.needs:
        needed = by_name(need)
        assert needed is not None
        assert not needed.needs


def test_names_and_folders_are_unique():
    for values in ([entry.name for entry in ACESTEP_MODELS], [entry.folder for entry in ACESTEP_MODELS]):
        assert len(set(values)) == len(values)


def test_every_music_model_comes_with_vae_and_text_encoder():
    for entry in ACESTEP_MODELS:
        expected = {entry.name, "vae", "text-encoder"} if entry.kind is Kind.MUSIC else {entry.name}
        assert {one.name for one in with_needs((entry,))} == expected


def test_shared_needs_come_once():
    chosen = tuple(entry for entry in ACESTEP_MODELS if entry.name in ("turbo", "base"))
    assert [entry.name for entry in with_needs(chosen)] == ["turbo", "base", "vae", "text-encoder"]


def test_remedies_name_models_that_can_be_pulled():
    """A refusal says `takebridge models pull acestep-v15-base`."""
    for is_xl in (False, True):
        named = by_name(traits_of("acestep-v15-turbo", is_turbo=True, is_xl=is_xl).base_name)
        assert named is not None
        assert ("xl" in named.name) == is_xl


def test_the_engine_finds_the_needs_in_the_folders_of_the_table(tmp_path):
    for source, name in ((TURBO, "turbo"), (TINY / "vae", "vae")):
        entry = by_name(name)
        (tmp_path / entry.folder).symlink_to(source)
    text = tmp_path / by_name("text-encoder").folder
    text.mkdir()
    (text / "config.json").write_text('{"model_type": "qwen3"}')
    model = tmp_path / "acestep-v15-base"
    model.mkdir()
    (model / "config.json").write_text((TURBO / "config.json").read_text())
    found = recognise(model)
    assert found.vae == tmp_path / "vae"
    assert found.text_encoder == text


@pytest.mark.parametrize(
    "name", ["modeling_acestep_v15_turbo.py", "optimizer.pt", "model.bin", "README.md", ".gitattributes"]
)
def test_code_and_pickles_are_never_wanted(name):
    assert not is_wanted(name)


def test_unknown_names():
    assert by_name("turbo-9000") is None
    assert by_name("") is None


def test_the_table_needs_no_torch():
    code = "import sys, model.checkpoints; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False)
    assert done.returncode == 0


def test_the_page_has_where_each_licence_is_from():
    rows = [line.split("|") for line in (PROJECT / "docs" / "model.md").read_text("utf-8").splitlines()]
    shown = {row[1]: row[2].strip() for row in rows if len(row) > 4 and row[3].strip()}
    for entry in CATALOGUE:
        assert entry.licence in [licence for names, licence in shown.items() if f"`{entry.name}`" in names]
