"""A file is there whole or not at all: what was there stays until the new one is on the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from model import whole_file as module
from model.whole_file import whole_file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    place, part = tmp_path / "state", tmp_path / "state.part"
    place.write_bytes(b"before")
    part.write_bytes(b"what a killed process left, which was longer")
    with whole_file(place, part) as file:
        file.write(b"now")
        assert place.read_bytes() == b"before"
    assert place.read_bytes() == b"now"
    assert names(tmp_path) == ["state"]


@pytest.mark.parametrize("what", [OSError("full"), KeyboardInterrupt()])
def test_whatever_fails_leaves_what_was_there(tmp_path: Path, what: BaseException) -> None:
    place = tmp_path / "state"
    place.write_bytes(b"before")

    def write() -> None:
        with whole_file(place, tmp_path / "state.part") as file:
            file.write(b"half")
            raise what

    with pytest.raises(type(what)):
        write()
    assert place.read_bytes() == b"before"
    assert names(tmp_path) == ["state"]


def test_a_full_disk_leaves_what_was_there(tiny_disk: Path) -> None:
    place = tiny_disk / "state"
    place.write_bytes(b"before")
    with pytest.raises(OSError, match="No space"), whole_file(place, tiny_disk / "part") as file:
        file.write(bytes(2_000_000))
    assert place.read_bytes() == b"before"
    assert names(tiny_disk) == ["state"]


@pytest.mark.parametrize(("times", "replaced"), [(4, True), (5, False)])
def test_what_is_just_being_read_is_replaced_a_moment_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, replaced: bool
) -> None:
    """As on Windows."""
    place, replace, refused = tmp_path / "state", os.replace, [1] * times
    place.write_bytes(b"before")

    def reading(part: Path, whole: Path) -> None:
        if refused:
            refused.pop()
            raise PermissionError
        replace(part, whole)

    monkeypatch.setattr(os, "replace", reading)
    monkeypatch.setattr(module, "_APART_SECONDS", 0.0)
    try:
        with whole_file(place, tmp_path / "part") as file:
            file.write(b"now")
    except PermissionError:
        assert not replaced
    assert place.read_bytes() == (b"now" if replaced else b"before")
    assert names(tmp_path) == ["state"]
