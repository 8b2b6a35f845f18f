"""What a sound file's tags call it: title and artist, from ID3, Vorbis comments, RIFF INFO, AIFF and CAF.

libsndfile reads them. It takes all text for UTF-8; RIFF INFO of Windows programs is in their code page, so what was
garbled in it is read again. Tags are others' words: no control characters, no line breaks, no more than a line.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from clip_store.audio.riff import walk

MAX_TAG = 200
"""Characters; what is longer is cut."""

_GARBLED = "\ufffd"
_INFO = {b"INAM": "title", b"IART": "artist"}
_MAX_INFO_BYTES = 65_536


@dataclass(frozen=True)
class Tags:
    """Each "" where a file does not say. xmp: its XMP packet as it stands there (xmp.py)."""

    title: str = ""
    artist: str = ""
    xmp: str = ""


NO_TAGS = Tags()


def tags_of(title: str, artist: str, info: Tags, xmp: str = "") -> Tags:
    """The tags of a file, as its decoder reads them. info: its RIFF INFO, for what the decoder garbles."""
    return Tags(
        cleaned(info.title if _GARBLED in title else title),
        cleaned(info.artist if _GARBLED in artist else artist),
        xmp,
    )


def cleaned(text: str) -> str:
    """One line of printable characters, at most MAX_TAG of them."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(plain.split())[:MAX_TAG].strip()


def info_in(raw: BinaryIO) -> Tags:
    """Title and artist in a WAV file's INFO list, in UTF-8 or else in the code page of Windows in the West; nothing for
    other files. Moves the file's position. Raises OSError."""
    found: dict[str, str] = {}
    raw.seek(0)
    if raw.read(4) != b"RIFF":
        return NO_TAGS
    for chunk in walk(raw):
        if chunk.name != b"LIST":
            continue
        raw.seek(chunk.start)
        body = raw.read(min(chunk.present, _MAX_INFO_BYTES))
        if body[:4] == b"INFO":
            found |= {_INFO[name]: _decoded(text) for name, text in _entries(body[4:]) if name in _INFO}
    return Tags(**found)


def _entries(body: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    at = 0
    while at + 8 <= len(body):
        name, size = struct.unpack_from("<4sI", body, at)
        found.append((name, body[at + 8 : at + 8 + size].split(b"\0")[0]))
        at += 8 + size + (size & 1)
    return found


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace")
