"""A transformer stored once more in half precision: equal bits, whole or not at all, and gone with its weights."""

from __future__ import annotations

import errno
import os
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from safetensors.torch import load_file, save_file

from model.acestep.weights import half_copy
from model.acestep.weights.adapted_weights import AppliedAdapter, adapted
from model.acestep.weights.checkpoint import Weights, open_weights
from model.acestep.weights.half_copy import (
    bytes_of_half_copy,
    load_dit_from,
    open_half_copy,
    write_half_copy,
    wrong_in_half_copy,
)
from model.acestep.weights.half_copy_place import half_copy_place, remove_half_copy, unfinished
from model.acestep.weights.model_folders import find_models, recognise
from model.acestep.weights.tensor_files import TensorFiles
from model.errors import NotLoaded
from model.weight_header import read_header
from tests.model.acestep.adapters import PEFT, read
from tests.model.acestep.stored_layouts import write_diffusers
from tests.model.acestep.tiny_models import TURBO, XL, silence

HALF = torch.bfloat16


def copied(folder: Path, source: Path = TURBO) -> Weights:
    """A checkpoint in float32, whose numbers half precision has to round."""
    place = Path(shutil.copytree(source, folder / source.name))
    for file in place.glob("*.safetensors"):
        save_file({name: tensor.float() * 1.001 for name, tensor in load_file(file).items()}, file)
    return open_weights(recognise(place))


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(
        mine[name].dtype is HALF and torch.equal(mine[name], theirs[name]) for name in mine
    )


@pytest.mark.parametrize("source", [TURBO, XL], ids=["2B", "XL"])
def test_from_the_copy_come_the_bits_of_the_files(tmp_path: Path, source: Path) -> None:
    weights = copied(tmp_path, source)
    assert open_half_copy(weights) == (None, "")
    size, place = bytes_of_half_copy(weights), write_half_copy(weights)
    assert place.stat().st_size == size
    assert read_header(place).keys() == weights.load_dit(HALF, "meta").state_dict().keys()
    copy, _ = open_half_copy(weights)
    assert copy is not None
    assert same(load_dit_from(copy, weights, weights, "cpu"), weights.load_dit(HALF, "cpu"))
    assert wrong_in_half_copy(weights) == ""
    assert [model.path for model in find_models(place.parent)] == [place.parent], "it is no model of its own"


def test_a_folder_of_diffusers_has_its_copy_too(tmp_path: Path) -> None:
    official = copied(tmp_path).folder.path
    weights = open_weights(recognise(write_diffusers(official, tmp_path / "model-turbo", silence())))
    assert write_half_copy(weights).parent == tmp_path / "model-turbo"
    copy, _ = open_half_copy(weights)
    assert copy is not None
    assert same(load_dit_from(copy, weights, weights, "cpu"), weights.load_dit(HALF, "cpu"))


def test_what_an_adapter_changes_is_read_from_the_files(tmp_path: Path) -> None:
    weights = copied(tmp_path)
    write_half_copy(weights)
    copy, _ = open_half_copy(weights)
    assert copy is not None
    wanted = adapted(weights, (AppliedAdapter(read(PEFT, weights), 0.7),))
    found = load_dit_from(copy, weights, wanted, "cpu")
    assert same(found, wanted.load_dit(HALF, "cpu"))
    assert not same(found, weights.load_dit(HALF, "cpu"))


def test_other_weights_end_the_copy(tmp_path: Path) -> None:
    weights = copied(tmp_path)
    place = write_half_copy(weights)
    file = weights.folder.path / "model.safetensors"
    tensors = load_file(file)
    save_file({name: tensor + 1 for name, tensor in tensors.items()}, file)
    changed = open_weights(weights.folder)
    assert "is not that of the checkpoint's files" in wrong_in_half_copy(changed)
    copy, remark = open_half_copy(changed)
    assert copy is None
    assert "made of other weights than the checkpoint has now and has been removed" in remark
    assert not place.exists()


@pytest.mark.parametrize("how", ["copied", "renamed"])
def test_a_folder_that_was_moved_keeps_its_copy(tmp_path: Path, how: str) -> None:
    weights = copied(tmp_path)
    write_half_copy(weights)
    moved = tmp_path / "elsewhere" / "acestep-v15-turbo"
    if how == "renamed":
        moved = tmp_path / "my-turbo"
        weights.folder.path.rename(moved)
    else:
        shutil.copytree(weights.folder.path, moved, copy_function=shutil.copyfile)
    there = open_weights(recognise(moved))
    copy, remark = open_half_copy(there)
    assert half_copy_place(moved).is_file()
    if how == "renamed":
        assert copy is not None
        assert not remark
        return
    assert copy is None
    assert "written anew" in remark
    assert "written anew" in wrong_in_half_copy(there)
    write_half_copy(there)
    assert open_half_copy(there)[0] is not None


def test_a_copy_that_is_not_to_be_removed_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a folder that may only be read, or on Windows while another program reads it."""
    weights = copied(tmp_path)
    place = write_half_copy(weights)
    place.write_bytes(place.read_bytes()[:-7])

    def refuse(_path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    copy, remark = open_half_copy(weights)
    assert copy is None
    assert "could not be removed" in remark
    with pytest.raises(NotLoaded, match="cannot be replaced") as refused:
        write_half_copy(weights)
    assert "Stop the server" in refused.value.remedy


def test_a_copy_that_goes_while_it_is_looked_at_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = copied(tmp_path)
    write_half_copy(weights)

    def gone(files: list[Path]) -> TensorFiles:
        files[0].unlink()
        return TensorFiles(files)

    monkeypatch.setattr(half_copy, "TensorFiles", gone)
    assert open_half_copy(weights) == (None, "")


@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_a_damaged_copy_is_not_used(tmp_path: Path, damage: str) -> None:
    weights = copied(tmp_path)
    place = write_half_copy(weights)
    whole = place.read_bytes()
    place.write_bytes({"cut": whole[:-7], "empty": b"", "other": b"x" * 300}[damage])
    assert wrong_in_half_copy(weights)
    copy, remark = open_half_copy(weights)
    assert copy is None
    assert "damaged and has been removed" in remark
    assert not place.exists()


def test_one_wrong_number_is_found(tmp_path: Path) -> None:
    weights = copied(tmp_path)
    place = write_half_copy(weights)
    with place.open("r+b") as file:
        file.seek(-2, os.SEEK_END)
        file.write(b"\x00\x41")
    assert "is not that of" in wrong_in_half_copy(weights)


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = copied(tmp_path)
    before = sorted(weights.folder.path.iterdir())

    def full(_descriptor: int) -> None:
        assert unfinished(half_copy_place(weights.folder.path)).is_file()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotLoaded, match="The disk filled up"):
        write_half_copy(weights)
    assert sorted(weights.folder.path.iterdir()) == before


def test_where_room_is_short_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = copied(tmp_path)
    left: Any = namedtuple("left", "free")(bytes_of_half_copy(weights) + half_copy.SPARE_BYTES - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: left)
    with pytest.raises(NotLoaded, match="GB are needed") as refused:
        write_half_copy(weights)
    assert "Free some space" in refused.value.remedy
    assert not half_copy_place(weights.folder.path).exists()


def test_a_killed_attempt_is_no_copy_and_the_next_one_clears_it(tmp_path: Path) -> None:
    weights = copied(tmp_path)
    left = unfinished(half_copy_place(weights.folder.path))
    left.write_bytes(b"half of it")
    assert open_half_copy(weights) == (None, "")
    assert left.exists(), "it may be being written"
    place = write_half_copy(weights)
    assert not left.exists()
    left.write_bytes(b"again")
    assert remove_half_copy(weights.folder.path) > 5
    assert not left.exists()
    assert not place.exists()
    assert remove_half_copy(weights.folder.path) == 0


def test_what_is_half_already_has_no_copy(tmp_path: Path) -> None:
    weights = copied(tmp_path)
    file = weights.folder.path / "model.safetensors"
    save_file({name: tensor.to(HALF) for name, tensor in load_file(file).items()}, file)
    with pytest.raises(NotLoaded, match="in half precision already"):
        write_half_copy(open_weights(weights.folder))
