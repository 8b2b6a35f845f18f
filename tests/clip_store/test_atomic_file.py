import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from clip_store import atomic_file
from clip_store.atomic_file import (
    PART_SECONDS,
    PART_SUFFIX,
    make_folder,
    publish,
    store_error,
    sweep_parts,
    temporary_path,
    write_whole,
)
from clip_store.errors import StoreError


def left_overs(folder: Path) -> list[Path]:
    return list(folder.rglob(f"*{PART_SUFFIX}"))


def test_the_file_appears_whole_with_its_folders(tmp_path):
    path = tmp_path / "a" / "b" / "c.wav"
    write_whole(path, [b"one ", b"two"])
    assert path.read_bytes() == b"one two"
    assert left_overs(tmp_path) == []


def test_what_was_there_is_replaced(tmp_path):
    path = tmp_path / "c.wav"
    path.write_bytes(b"a longer text that stood here before")
    write_whole(path, [b"new"])
    assert path.read_bytes() == b"new"


def test_a_failure_half_way_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "c.wav"
    path.write_bytes(b"old")

    def parts():
        yield b"half"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_whole(path, parts())
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["c.wav"]


def test_killed_in_the_middle_leaves_no_file_under_the_real_name(tmp_path):
    program = textwrap.dedent("""
        import sys
        from pathlib import Path
        from clip_store.atomic_file import write_whole
        def parts():
            yield b"x" * 1_000_000
            print("half", flush=True)
            sys.stdin.read()  # the other end kills us here
        write_whole(Path(sys.argv[1]), parts())
    """)
    path = tmp_path / "c.wav"
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"half\n"
    child.kill()
    child.communicate()
    assert not path.exists()
    assert len(left_overs(tmp_path)) == 1  # proof that the kill hit the middle; sweep removes it


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on file size needs POSIX")
def test_a_full_disk_is_reported_in_words_and_leaves_nothing(tmp_path):
    """The limit on file size makes every write beyond it fail, as a full disk does."""
    program = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from clip_store.atomic_file import write_whole
        from clip_store.errors import StoreError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            write_whole(Path(sys.argv[1]), [b"x" * 50_000] * 4)
        except StoreError as error:
            print(error.sentence, "|", error.remedy)
    """)
    path = tmp_path / "c.wav"
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert "disk is full" in done.stdout
    assert "Free some space" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_truly_full_disk(tiny_disk):
    with pytest.raises(StoreError, match="disk is full"):
        write_whole(tiny_disk / "c.wav", [b"x" * 100_000] * 20)
    assert list(tiny_disk.iterdir()) == []


def test_a_read_only_folder_is_reported_in_words(read_only_folder):
    with pytest.raises(StoreError, match="read-only") as caught:
        write_whole(read_only_folder / "c.wav", [b"x"])
    assert "permission" in caught.value.remedy


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "store").write_bytes(b"I am a file")
    with pytest.raises(StoreError, match="cannot be a folder"):
        write_whole(tmp_path / "store" / "ab" / "c.wav", [b"x"])


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "read-only"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_refusals_name_file_and_folder(number, words):
    error = store_error(Path("/music/store/c.wav"), OSError(number, os.strerror(number)))
    assert words in error.sentence
    assert "c.wav" in error.sentence
    assert "store" in error.sentence
    assert error.remedy


def aged(path, seconds):
    path.write_bytes(b"x")
    os.utime(path, (1e9 - seconds, 1e9 - seconds))
    return path


def test_old_unfinished_files_are_swept_and_nothing_else(tmp_path):
    old = aged(temporary_path(tmp_path / "a"), PART_SECONDS + 1)
    aged(temporary_path(tmp_path / "a"), PART_SECONDS - 1)
    for name in ("a.wav", ".a.part", "film.part", ".0123456789abcdeg.part"):  # other programs'
        aged(tmp_path / name, 10 * PART_SECONDS)
    temporary_path(tmp_path / "folder").mkdir()
    assert sweep_parts(tmp_path, 1e9) == [old]
    assert len(list(tmp_path.iterdir())) == 6
    assert sweep_parts(tmp_path / "none", 1e9) == []


def test_who_writes_into_a_folder_removes_what_a_crash_left_there(tmp_path):
    left = aged(temporary_path(tmp_path / "a"), PART_SECONDS)
    write_whole(tmp_path / "b", [b"x"])
    assert not left.exists()


def test_every_new_folder_is_on_the_disk_before_the_file_is(tmp_path, monkeypatch):
    """A power cut may lose a folder that was not synced, with every file in it."""
    synced = []
    monkeypatch.setattr(atomic_file, "sync_folder", synced.append)
    path = tmp_path / "a" / "b" / "c" / "d.wav"
    write_whole(path, [b"x"])
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b", path.parent]
    synced.clear()
    write_whole(path, [b"y"])
    assert synced == [path.parent], "the folders are known to be there"


def test_a_folder_that_was_removed_is_made_again(tmp_path):
    folder = tmp_path / "a" / "b"
    make_folder(folder)
    folder.rmdir()
    make_folder(folder)
    assert folder.is_dir()


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_finished_file_gets_the_first_name_nothing_has(tmp_path, monkeypatch, links):
    if not links:
        refused = OSError(errno.EPERM, "no links here")
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(refused))
    (tmp_path / "1").write_bytes(b"somebody's work")
    for expected in ("2", "3"):
        part = temporary_path(tmp_path / "x")
        part.write_bytes(b"new")
        assert publish(part, (tmp_path / str(number) for number in range(1, 9))) == tmp_path / expected
        assert (tmp_path / expected).read_bytes() == b"new"
    assert (tmp_path / "1").read_bytes() == b"somebody's work"
    assert left_overs(tmp_path) == []
