"""Only files are read and written, never a link, a pipe or a device, which may not even be opened."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from clip_store import regular_file
from clip_store.regular_file import append_regular, open_below, open_regular, read_regular


def test_a_file_is_read_up_to_a_limit_and_appended_to(tmp_path):
    path = tmp_path / "a"
    append_regular(path, b"one\r\n")
    append_regular(path, b"two")
    assert read_regular(path, 100) == b"one\r\ntwo"
    assert read_regular(path, 4) == b"one\r"


def test_what_is_not_there_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "a", 1)
    with pytest.raises(FileNotFoundError):
        append_regular(tmp_path / "no folder" / "a", b"x")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="SKIPPED: there are no pipes in folders on Windows")
def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for act in (lambda path: read_regular(path, 1), lambda path: append_regular(path, b"x")):
        with pytest.raises(OSError, match="not a file"):
            act(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)  # a pipe somebody reads can be opened
    try:
        with pytest.raises(OSError, match="not a file"):
            append_regular(tmp_path / "pipe", b"x")
        assert os.read(reader, 10) == b""
    finally:
        os.close(reader)


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "target").write_bytes(b"mine")
    try:
        (tmp_path / "link").symlink_to(tmp_path / "target")
        (tmp_path / "broken").symlink_to(tmp_path / "new")
    except OSError:
        pytest.skip("SKIPPED: symbolic links need a right on Windows")
    with pytest.raises(OSError, match="not a file"):
        read_regular(tmp_path / "link", 10)
    for name in ("link", "broken"):
        with pytest.raises(OSError, match="not a file"):
            append_regular(tmp_path / name, b"x")
    assert (tmp_path / "target").read_bytes() == b"mine"
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="SKIPPED: needs /dev/zero")
def test_a_device_is_not_read():
    with pytest.raises(OSError, match="not a file"):
        read_regular(Path("/dev/zero"), 10)


def test_a_disk_that_fills_within_a_line_keeps_no_half_of_it(tiny_disk):
    answer = tiny_disk / "x.jsonl"
    append_regular(answer, b"whole\n")
    with pytest.raises(OSError, match="space") as caught:
        append_regular(answer, bytes(2 << 20))
    assert caught.value.errno == errno.ENOSPC
    assert answer.read_bytes() == b"whole\n"


def linked(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("SKIPPED: symbolic links need a right on Windows")


@pytest.fixture(params=["step by step", "compared"])
def way(request, monkeypatch):
    """The way of POSIX, and that of Windows, which works here as well."""
    if request.param == "compared":
        monkeypatch.setattr(regular_file, "_STEP_BY_STEP", False)
    elif not regular_file._STEP_BY_STEP:
        pytest.skip("SKIPPED: this system opens nothing relative to a folder")


def test_a_file_below_a_folder_is_opened(tmp_path, way):
    (tmp_path / "a" / "b").mkdir(parents=True)
    for path in (tmp_path / "song", tmp_path / "a" / "b" / "song"):
        path.write_bytes(b"mine")
        with open_below(path, tmp_path) as file:
            assert file.read() == b"mine"
    with pytest.raises(FileNotFoundError):
        open_below(tmp_path / "a" / "none", tmp_path)
    with pytest.raises(ValueError, match="subpath"):
        open_below(tmp_path / "song", tmp_path / "a")


def test_no_link_below_the_folder_is_followed(tmp_path, way):
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "song").write_bytes(b"secret")
    linked(tmp_path / "root" / "song", tmp_path / "elsewhere" / "song")
    linked(tmp_path / "root" / "folder", tmp_path / "elsewhere")
    for name in ("song", "folder/song", "a", ""):
        with pytest.raises(OSError, match="not a file"):
            open_below(tmp_path / "root" / name, tmp_path / "root")


def test_a_root_may_be_reached_by_links(tmp_path):
    """What lies above it is the user's own choice."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "song").write_bytes(b"mine")
    linked(tmp_path / "root", tmp_path / "real")
    with open_below(tmp_path / "root" / "song", tmp_path / "root") as file:
        assert file.read() == b"mine"


def test_links_are_followed_where_that_is_wanted(tmp_path):
    (tmp_path / "song").write_bytes(b"mine")
    linked(tmp_path / "link", tmp_path / "song")
    with open_regular(tmp_path / "link") as file:
        assert file.read() == b"mine"
    with pytest.raises(OSError, match="not a file"):
        open_regular(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OSError, match="not a file"):
            open_regular(tmp_path / "pipe")
