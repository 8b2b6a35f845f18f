"""What a published model says of itself."""

from __future__ import annotations

from model.checkpoints import CATALOGUE, by_name
from model.published import PROJECTS, Kind, Published, PublishedFile


def test_its_page_is_its_repositorys() -> None:
    entry = Published(
        "a", Kind.STEMS, "A", "somebody/A-1", (PublishedFile("a.safetensors"),), 5, "Separates."
    )
    assert entry.page == "https://huggingface.co/somebody/A-1"
    assert entry.licence == PROJECTS, "until somebody has read its own page"


def test_each_is_found_by_its_name_and_by_its_folder() -> None:
    for entry in CATALOGUE:
        assert by_name(entry.name) is by_name(entry.folder.upper()) is entry
    assert by_name("") is None
