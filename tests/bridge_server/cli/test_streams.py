from __future__ import annotations

import errno
import io
import os
import sys

import pytest

from bridge_server.cli.streams import ASCII_MARKS, Output, can_show, prepared

ENCODINGS = ("ascii", "cp1252", "cp949", "cp932", "utf-8")


class Pipe(io.TextIOWrapper):
    """stdout with an encoding, into memory."""

    def __init__(self, encoding: str) -> None:
        self.memory = io.BytesIO()
        super().__init__(self.memory, encoding=encoding, errors="strict")

    def text(self) -> str:
        self.flush()
        return self.memory.getvalue().decode(self.encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "text", ["\u2713 \u2192 \u2026", "\ud55c\uad6d \U0001f3b8", "caf\udce9", "\ud800", "Gr\u00f6\u00dfe"]
)
def test_every_text_can_be_printed(monkeypatch, encoding, text):
    pipe = Pipe(encoding)
    monkeypatch.setattr(sys, "stdout", pipe)
    with prepared():
        print(text)
    assert sys.stdout is pipe
    assert pipe.text().strip()


def test_what_an_encoding_lacks_is_written_in_ascii(monkeypatch):
    pipe = Pipe("ascii")
    monkeypatch.setattr(sys, "stdout", pipe)
    with prepared():
        print("\u2713 song \u2192 caf\udce9 \ud55c \u2026")
    assert pipe.text() == "ok song -> caf\\xe9 \\ud55c ...\n"
    assert all(mark.isascii() for mark in ASCII_MARKS.values())


def test_a_program_without_streams(monkeypatch):
    """As pythonw.exe starts it."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with prepared() as streams:
        print("nobody reads this")
    assert streams == ()


class Broken(io.StringIO):
    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def write(self, text: str) -> int:
        raise OSError(self._number, os.strerror(self._number))


@pytest.mark.parametrize(
    ("number", "problem"),
    [(errno.EPIPE, ""), (errno.EINVAL, ""), (errno.ENOSPC, os.strerror(errno.ENOSPC))],
)
def test_what_cannot_be_written_ends_nothing(number, problem):
    """A reader that has left is no problem; a full disk is told at the end."""
    output = Output(Broken(number))
    assert output.write("first") == 5
    assert output.write("second") == 6
    output.flush()
    assert output.problem == problem


def test_drawings_need_all_their_characters():
    assert can_show("utf-8", "\u2588\u2580")
    assert not can_show("cp1252", "\u2588\u2580")
    assert not can_show("no such encoding", "a")
