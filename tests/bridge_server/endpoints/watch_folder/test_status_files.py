import os

import pytest

from bridge_server.endpoints.watch_folder.status_files import StatusFiles
from daw_protocol.errors import ErrorCode, ProtocolError

ERROR = ProtocolError(ErrorCode.BAD_REGION, "The region is empty.", "Select something.")


def test_progress_then_the_end(tmp_path):
    notes = StatusFiles(tmp_path / "song [x].wav")
    notes.progress("rendering", 0.5)
    path = tmp_path / "song [x].progress.txt"
    assert path.read_text() == "Takebridge: rendering\n[##########..........] 50%\n"
    assert not notes.is_finished("r1")
    notes.finished("r1", [tmp_path / "Takes" / "song.1.wav"], ["Take 1: quiet."])
    assert "Takes/song.1.wav" in path.read_text()
    assert "Take 1: quiet." in path.read_text()
    assert notes.is_finished("r1")
    assert not notes.is_finished("r2")


def test_an_error_says_what_was_wrong_and_what_to_do(tmp_path):
    notes = StatusFiles(tmp_path / "song.wav")
    notes.failed(ERROR)
    text = (tmp_path / "song.error.txt").read_text()
    assert "The region is empty." in text
    assert "What to do: Select something." in text
    assert not (tmp_path / "song.progress.txt").exists()
    notes.progress("rendering", 0.1)
    notes.failed(ERROR)
    assert "see song.error.txt" in (tmp_path / "song.progress.txt").read_text()


@pytest.mark.parametrize(
    ("name", "shown"), [("a\x1b[2Jb", "a?[2Jb"), ("not unicode \udcff", "not unicode ?")]
)
def test_names_that_no_terminal_should_get(tmp_path, name, shown):
    StatusFiles(tmp_path / f"{name}.wav").failed(ERROR)
    text = (tmp_path / f"{name}.error.txt").read_text(encoding="utf-8")
    assert text.startswith(f"Takebridge: {shown}.wav could not be used.")


def test_work_under_way_is_told_from_its_end(tmp_path):
    notes = StatusFiles(tmp_path / "song.wav")
    assert not notes.is_unfinished()
    notes.progress("rendering", 0.5)
    assert notes.is_unfinished()
    notes.failed(ERROR)
    assert not notes.is_unfinished()
    notes.progress("queued", 0.0)
    assert notes.is_unfinished()
    notes.finished("r1", [], [])
    assert not notes.is_unfinished()
    (tmp_path / "song.progress.txt").write_text("my diary")
    assert not notes.is_unfinished()


def test_an_error_that_was_reported_is_not_written_again(tmp_path):
    notes = StatusFiles(tmp_path / "song.wav")
    notes.failed(ERROR)
    path = tmp_path / "song.error.txt"
    os.utime(path, (1, 1))
    notes.failed(ERROR)
    assert path.stat().st_mtime == 1


def test_an_error_that_is_done_with_says_so(tmp_path):
    notes = StatusFiles(tmp_path / "song.wav")
    notes.failed(ERROR)
    notes.finished("r1", [], [])
    assert "done since" in (tmp_path / "song.error.txt").read_text()


def test_texts_of_others_are_left_alone(tmp_path):
    (tmp_path / "song.progress.txt").write_text("my diary")
    (tmp_path / "song.progress-2.txt").write_bytes(b"\xff\xfe")
    notes = StatusFiles(tmp_path / "song.wav")
    notes.progress("rendering", 0.5)
    assert (tmp_path / "song.progress.txt").read_text() == "my diary"
    assert "rendering" in (tmp_path / "song-2.progress.txt").read_text()


@pytest.mark.parametrize("stem", ["x" * 251, "曲" * 83, "🎵" * 62])
def test_long_names_get_short_texts(tmp_path, stem):
    StatusFiles(tmp_path / f"{stem}.wav").failed(ERROR)
    (text,) = tmp_path.iterdir()
    assert text.name.endswith(".error.txt")


def test_a_large_file_of_that_name_is_not_read_whole(tmp_path):
    """It belongs to somebody else, whatever it begins with."""
    path = tmp_path / "song.progress.txt"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole: nobody has that much memory
    notes = StatusFiles(tmp_path / "song.wav")
    notes.progress("rendering", 0.5)
    assert "rendering" in (tmp_path / "song-2.progress.txt").read_text()
