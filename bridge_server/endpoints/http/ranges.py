"""The part of a file a Range header asks for (RFC 9110, section 14).

Several ranges in one request get the whole file, which the RFC allows; no player asks for them. So does a unit that is
not bytes, and what cannot be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.IGNORECASE)


@dataclass(frozen=True)
class ByteRange:
    """Bytes [first, end) of a file of `size` bytes; not empty."""

    first: int
    end: int
    size: int

    @property
    def header(self) -> str:
        """For Content-Range."""
        return f"bytes {self.first}-{self.end - 1}/{self.size}"


class NothingThereError(Exception):
    """The range lies behind the file's end, or is empty."""


def wanted_range(header: str, size: int) -> ByteRange | None:
    """What `bytes=first-last` means for a file of that size; without a first, the last so many bytes. None: the whole.

    Raises NothingThereError.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if first:
        found = ByteRange(int(first), min(size, int(last) + 1) if last else size, size)
    else:
        found = ByteRange(max(0, size - int(last)), size, size)
    if found.first >= found.end:
        raise NothingThereError
    return found


def is_same(header: str, tag: str) -> bool:
    """Whether an If-None-Match or If-Range header names the file's tag. A weak tag never does: bytes must be equal."""
    return bool(tag) and f'"{tag}"' in (part.strip() for part in header.split(","))
