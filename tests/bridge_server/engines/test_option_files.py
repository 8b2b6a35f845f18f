"""Files that options name: what orders call them by, and where places of this machine find them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time

import pytest

from bridge_server.engines import option_files
from bridge_server.engines.messages import OptionFile
from bridge_server.engines.option_files import OptionFiles
from daw_protocol.errors import ErrorCode, ProtocolError

LATER = 60_000_000_000


def kept(files: OptionFiles, path, name="kits/brushes.sf2", companions=()) -> OptionFile:
    return asyncio.run(files.keep("soundfont", path, name, companions))


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def brushes(tmp_path):
    path = tmp_path / "kits" / "brushes.sf2"
    path.parent.mkdir()
    path.write_text("swish")
    return path


def test_a_file_is_called_by_its_content_and_found_again(brushes):
    files = OptionFiles()
    file = kept(files, brushes)
    assert file == OptionFile("kits/brushes.sf2", sha256("swish"), 5)
    assert files.path("soundfont", file) == brushes
    other = brushes.with_name("other.sf2")
    other.write_text("swish")
    assert kept(files, other, "kits/other.sf2").digest == file.digest
    assert files.path("soundfont", file) == brushes, "of two files with the same content each keeps its place"


def test_companions_come_along_where_they_are_there(brushes):
    names = ("adapter_config.json", "not_there.json")
    brushes.with_name(names[0]).write_text("{}")
    file = kept(OptionFiles(), brushes, companions=names)
    assert file.companions == (OptionFile("kits/adapter_config.json", sha256("{}"), 2),)


@pytest.mark.parametrize("which", ["brushes.sf2", "adapter_config.json"])
def test_a_file_that_changes_is_not_taken_for_the_one_that_was_asked_for(brushes, which):
    brushes.with_name("adapter_config.json").write_text("{}")
    files = OptionFiles()
    file = kept(files, brushes, companions=("adapter_config.json",))
    brushes.with_name(which).write_text("something else")
    with pytest.raises(ProtocolError, match=f"{which} was changed") as error:
        files.path("soundfont", file)
    assert (error.value.code, error.value.field) == (ErrorCode.FILE_CHANGED, "soundfont")
    assert kept(files, brushes, companions=("adapter_config.json",)) != file


def test_a_file_that_has_gone_is_named(brushes):
    files = OptionFiles()
    file = kept(files, brushes)
    brushes.unlink()
    with pytest.raises(ProtocolError, match=r"brushes\.sf2 no longer exists") as error:
        files.path("soundfont", file)
    assert error.value.field == "soundfont"


def test_a_large_file_is_read_once_but_one_just_written_again(brushes, monkeypatch):
    read = []
    monkeypatch.setattr(option_files, "_sha256", lambda path: read.append(path) or "ab" * 32)
    settled, fresh = OptionFiles(lambda: time.time_ns() + LATER), OptionFiles()
    for files in (settled, fresh):
        read.clear()
        for _ in range(3):
            kept(files, brushes)
        assert len(read) == (1 if files is settled else 3)
    os.utime(brushes, (1, 1))
    read.clear()
    kept(settled, brushes)
    assert len(read) == 1


def test_a_file_that_cannot_be_read_is_named(brushes, monkeypatch):
    def locked(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(option_files, "_sha256", locked)
    with pytest.raises(ProtocolError, match=r"brushes\.sf2 cannot be read: Permission denied") as error:
        kept(OptionFiles(), brushes)
    assert (error.value.code, error.value.field) == (ErrorCode.FILE_UNREADABLE, "soundfont")
