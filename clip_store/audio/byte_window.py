"""A stretch of a file, read as it is looked at: however long it is, a block of it is in memory."""

from __future__ import annotations

from typing import BinaryIO

BLOCK_BYTES = 1 << 18


class ByteWindow:
    """`length` bytes of a file from `start` on; places count from there. A file that ends sooner has fewer."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file = file
        self._start = start
        self._length = max(0, length)
        self._at = 0
        self._block = b""

    def __len__(self) -> int:
        return self._length

    def part(self, at: int, length: int) -> bytes:
        """Up to `length` bytes from a place on; fewer where the stretch ends."""
        first = at - self._at
        if first < 0 or first + length > len(self._block):
            if at >= self._length or length <= 0:
                return b""
            self._file.seek(self._start + at)
            self._block = self._file.read(min(max(length, BLOCK_BYTES), self._length - at))
            self._at, first = at, 0
        return self._block[first : first + length]

    def find(self, byte: bytes, at: int, end: int) -> int:
        """Where a byte is next, from one place to before another; -1 where it is not."""
        end = min(end, self._length)
        while at < end:
            some = self.part(at, min(BLOCK_BYTES, end - at))
            if not some:
                break
            found = some.find(byte)
            if found >= 0:
                return at + found
            at += len(some)
        return -1
