"""What is said of a library's checkpoint that is broken, and where checkpoints are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.library_checkpoint import LibraryCheckpoint, checkpoint_folders
from model.published import Kind, Published


class Known(LibraryCheckpoint):
    published = (Published("small", Kind.OTHER_MUSIC, "small-1.0", "someone/small", (), 1, "Small."),)
    library = "its library"


@pytest.mark.parametrize(
    ("name", "remedy"), [("small-1.0", "takebridge models pull small"), ("mine", "saved by its library")]
)
def test_a_broken_one_is_named_with_what_to_do(name, remedy):
    checkpoint = Known(Path(name), name)
    unread, lacking = (
        checkpoint.unreadable(ValueError("bad header\nmore")),
        checkpoint.lacks(["b.bias", "a.weight"]),
    )
    assert unread.sentence == f"The weights of {name} cannot be read (bad header)."
    assert lacking.sentence == f"The weights of {name} lack 2 tensors, the first is a.weight."
    absent = checkpoint.without("vae/config.json")
    assert absent.sentence == f"The checkpoint {name} has no vae/config.json."
    for said in (unread, lacking, absent):
        assert remedy in said.remedy


def test_a_folder_and_those_in_it_are_looked_at_but_for_hidden_ones(tmp_path):
    for name in ("one", "two", ".downloads"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").write_text("")
    assert set(checkpoint_folders(tmp_path)) == {tmp_path, tmp_path / "one", tmp_path / "two"}
    assert list(checkpoint_folders(tmp_path / "absent")) == list(checkpoint_folders(tmp_path / "file")) == []
