"""A file put together from bytes in memory and stretches of another file, for a decoder that believes headers.

Where a header lies about the sound behind it, the decoder gets a true one before the same sound; nothing is copied.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import BinaryIO, NamedTuple


class Stretch(NamedTuple):
    """`length` bytes of the underlying file from `start` on."""

    start: int
    length: int


class PiecedFile(io.RawIOBase):
    """Reads as the pieces one after the other. The underlying file stays its owner's: several may share one."""

    def __init__(self, file: BinaryIO, pieces: Sequence[bytes | Stretch]) -> None:
        super().__init__()
        self._file = file
        self._pieces = tuple(pieces)
        self._ends = tuple(accumulate(_length(piece) for piece in self._pieces))
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        size = self._ends[-1] if self._ends else 0
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # all a decoder passes
        view = memoryview(buffer).cast("B")
        done = 0
        while done < len(view):
            data = self._some(len(view) - done)
            if not data:
                break
            view[done : done + len(data)] = data
            done += len(data)
            self._position += len(data)
        return done

    def _some(self, wanted: int) -> bytes:
        """Up to `wanted` bytes from here on, out of one piece; none at the end."""
        index = bisect_right(self._ends, self._position)
        if index == len(self._pieces):
            return b""
        piece = self._pieces[index]
        inside = self._position - (self._ends[index] - _length(piece))
        if isinstance(piece, bytes):
            return piece[inside : inside + wanted]
        self._file.seek(piece.start + inside)
        return self._file.read(min(wanted, piece.length - inside))


def _length(piece: bytes | Stretch) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.length
