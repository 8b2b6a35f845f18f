"""Files of a training: whole or not at all, with words for a disk that refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.acestep.training.whole_file import write_whole_file
from model.errors import CannotRender


def test_a_full_disk_leaves_what_was_there(tiny_disk: Path) -> None:
    path = tiny_disk / "run" / "state"
    write_whole_file(path, b"before")
    with pytest.raises(CannotRender, match="disk is full") as refused:
        write_whole_file(path, bytes(2_000_000))
    assert "goes on where it was" in refused.value.remedy
    assert path.read_bytes() == b"before"
    assert [one.name for one in path.parent.iterdir()] == ["state"]


def test_a_folder_that_cannot_be_written_is_named(read_only_folder: Path) -> None:
    with pytest.raises(CannotRender, match=r"state could not be written to .*read only"):
        write_whole_file(read_only_folder / "state", b"now")
