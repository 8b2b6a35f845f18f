"""Files by names that look the same: every way in finds a file, a folder or a companion through this module.

The same name reaches the server in several spellings. macOS and its archives decompose accents (NFD), other systems
compose them (NFC); Windows and macOS ignore case; a name that is not UTF-8 travels in JSON and OSC with "?" for each
byte that cannot be decoded.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from daw_protocol.errors import unicode_only
from daw_protocol.requests.render import MAX_TITLE


def alike(name: str) -> str:
    """Equal for names a producer would call the same."""
    return _spelled(name).casefold()


def existing(path: Path, below: Path | None = None) -> Path:
    """The path if something is there, else the one thing there whose name looks the same, else the path as it is.

    below: a folder that contains it; nothing is searched outside. If several names match, none is chosen: it could be
    the wrong song.
    """
    if _exists(path):
        return path
    here = Path(path.anchor) if below is None else below
    parts = path.parts[len(here.parts) :]
    if ".." in parts:
        return path
    for part in parts:
        found = here / part if _exists(here / part) else _only_one(here, part)
        if found is None:
            return path
        here = found
    return here


def as_text(name: str, longest: int) -> str:
    """A file's name as requests take it, whatever names the disk has: so many letters, all of which can be printed."""
    return "".join(letter if letter.isprintable() else "_" for letter in unicode_only(name))[:longest]


def file_title(path: Path) -> str:
    """What a song is called that was given no title: the same by every way in."""
    return as_text(path.stem, MAX_TITLE)


def upload_title(name: str) -> str:
    """As `file_title`, of a file on its producer's machine, whichever system that has."""
    return file_title(Path(name.replace("\\", "/"))) or "song"


def _only_one(folder: Path, name: str) -> Path | None:
    """What the folder has under this name in another spelling; case is ignored only if nothing matches with it."""
    try:
        there = os.listdir(folder or ".")
    except (OSError, ValueError):
        return None
    for spelling in (_spelled, alike):
        wanted = spelling(name)
        found = [entry for entry in there if spelling(entry) == wanted]
        if found:
            return folder / found[0] if len(found) == 1 else None
    return None


def _spelled(name: str) -> str:
    return unicodedata.normalize("NFC", unicode_only(name))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with characters the system does not know
        return False
