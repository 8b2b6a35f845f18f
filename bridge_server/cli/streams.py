"""stdout and stderr, prepared once for every command: no text and no reader that leaves ends the command.

A console or pipe may be in any encoding (Windows code pages, `LC_ALL=C`), and paths hold whatever names a disk has.
What an encoding lacks is written in ASCII: marks by letters that look like them, everything else as an escape.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

ASCII_MARKS = {
    "✓": "ok", "✗": "x", "→": "->", "←": "<-", "…": "...", "–": "-", "—": "-", "·": "-", "♯": "#", "♭": "b",
}  # fmt: skip

# A reader has left: `takebridge takes | head`. Windows says that the argument is invalid.
_READER_LEFT = (errno.EPIPE, errno.EINVAL)
_HANDLER = "takebridge.ascii"


def in_ascii(error: UnicodeError) -> tuple[str, int]:
    """How an encoder goes on behind characters that its encoding lacks; see `codecs.register_error`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_in_ascii, lacking)), error.end


def _in_ascii(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # a byte of a file name that is not text
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return ASCII_MARKS.get(letter) or letter.encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error(_HANDLER, in_ascii)


def can_show(encoding: str, text: str) -> bool:
    """Whether an encoding has every character of the text: a drawing without them is none."""
    try:
        text.encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True


class Output:
    """One of the two streams. After its reader has left, what is written goes nowhere and the command does its work.

    problem: why something could not be written (a full disk); "" when all was, or when nobody reads.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lost = False
        self.problem = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        if not self._lost:
            try:
                self._stream.write(text)
            except OSError as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        if not self._lost:
            try:
                self._stream.flush()
            except OSError as error:
                self._lose(error)

    def _lose(self, error: OSError) -> None:
        self._lost = True
        if error.errno not in _READER_LEFT:
            self.problem = error.strerror or str(error)
        # Python writes what is still buffered when it ends, and would complain then.
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextlib.contextmanager
def prepared() -> Iterator[tuple[Output, ...]]:
    """Both streams as described above for as long as the block lasts; those there are, stdout first."""
    before = sys.stdout, sys.stderr
    found = tuple(_prepare(stream) for stream in before if stream is not None)  # pythonw.exe has none
    by_stream = dict(zip((stream for stream in before if stream is not None), found, strict=True))
    sys.stdout, sys.stderr = (cast("TextIO", by_stream.get(stream, stream)) for stream in before)
    try:
        yield found
    finally:
        for stream in found:
            stream.flush()
        sys.stdout, sys.stderr = before


def _prepare(stream: TextIO) -> Output:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:  # a program that embeds the command may have put anything here
        reconfigure(errors=_HANDLER)
    return Output(stream)
