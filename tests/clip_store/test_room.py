"""Whether the disk has room for what is about to be written."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import pytest

from clip_store.errors import StoreError
from clip_store.room import SPARE_BYTES, check_room

Usage = namedtuple("Usage", "total used free")


def test_all_files_fit_beside_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(0, 0, 700 + SPARE_BYTES))
    check_room(tmp_path, [400, 300], signs=False)
    with pytest.raises(StoreError, match="disk is full") as refused:
        check_room(tmp_path, [400, 301], signs=False)
    assert "another disk" in refused.value.remedy


def test_what_is_signed_is_there_twice_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(0, 0, 1099 + SPARE_BYTES))
    check_room(tmp_path, [400, 299], signs=True)
    with pytest.raises(StoreError):
        check_room(tmp_path, [400, 300], signs=True)


def test_no_file_needs_hardly_any_room(tmp_path: Path) -> None:
    check_room(tmp_path, [], signs=True)
