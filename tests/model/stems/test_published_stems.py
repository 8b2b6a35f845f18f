"""What can be fetched, and what a folder of models offers for separating."""

from __future__ import annotations

from pathlib import Path

from model.checkpoints import CATALOGUE, by_name, is_wanted, with_needs
from model.published import Kind
from model.stems.published_stems import FOUR, SIX, STEM_MODELS, model_for, stem_models


def installed(models: Path, *numbers: int) -> Path:
    for number in numbers:
        entry = STEM_MODELS[number]
        (models / entry.folder).mkdir(parents=True)
        (models / entry.folder / entry.files[0].name).write_bytes(b"weights")
    return models


def test_they_are_in_the_catalogue_with_size_digest_and_licence() -> None:
    for entry in STEM_MODELS:
        assert entry in CATALOGUE
        assert by_name(entry.name) is entry
        assert list(with_needs((entry,))) == [entry]
        assert entry.kind is Kind.STEMS
        (file,) = entry.files
        assert is_wanted(file.name)
        assert file.size is not None
        assert abs(file.size - entry.size) < 0.01 * entry.size
        assert len(file.sha256) == 8
        assert "research" in entry.licence


def test_names_and_folders_of_all_engines_differ() -> None:
    for values in ([entry.name for entry in CATALOGUE], [entry.folder.lower() for entry in CATALOGUE]):
        assert len(set(values)) == len(values)


def test_a_folder_offers_what_is_in_it(tmp_path: Path) -> None:
    assert stem_models(None) == stem_models(tmp_path / "nowhere") == ()
    found = stem_models(installed(tmp_path, 0, 1))
    assert [one.stems for one in found] == [FOUR, SIX]


def test_the_smaller_network_is_preferred(tmp_path: Path) -> None:
    found = stem_models(installed(tmp_path, 0, 1))
    assert model_for(("vocals",), found) == found[0]
    assert model_for(("vocals", "piano"), found) == found[1]
    assert model_for((), found) == found[0]
    assert model_for(("piano",), found[:1]) is None
    assert model_for(("strings",), found) is None
