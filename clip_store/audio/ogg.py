"""Where the streams of an Ogg file begin and end: "chained" files have several, one behind the other.

Layout: RFC 3533, section 6. Decoders as libsndfile has them read the first stream only. Knows pages, not what is in
them.
"""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

_HEADER_BYTES = 27
_BEGINS, _ENDS = 2, 4


class Link(NamedTuple):
    """A stream, or several side by side: its bytes [start, end). ended: whether its last page says it is the last."""

    start: int
    end: int
    ended: bool


class _Page(NamedTuple):
    length: int
    flags: int


def links(file: BinaryIO) -> list[Link]:
    """The streams one behind the other, as far as whole pages follow each other; what lies behind is no sound.

    A page that is cut off leaves its stream without an end.
    """
    size = file.seek(0, 2)
    found: list[Link] = []
    start = position = 0
    ended, was_first = False, True
    while (page := _page(file, position)) is not None:
        if position + page.length > size:
            ended = False
            break
        is_first = bool(page.flags & _BEGINS)
        if is_first and not was_first:
            found.append(Link(start, position, ended))
            start, ended = position, False
        ended = ended or bool(page.flags & _ENDS)
        was_first = is_first
        position += page.length
    if position > start:
        found.append(Link(start, position, ended))
    return found


def _page(file: BinaryIO, position: int) -> _Page | None:
    """The page that begins there; None where none does. Its length is what it ought to be, there or not."""
    file.seek(position)
    header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or header[:5] != b"OggS\0":
        return None
    table = file.read(header[26])
    return _Page(_HEADER_BYTES + header[26] + sum(table), header[5])
