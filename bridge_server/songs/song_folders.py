"""The songs in the server's folders, newest first: what a producer put there, without what the bridge wrote itself."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from bridge_server.jobs.database import DATABASE
from bridge_server.songs.alike import file_title
from bridge_server.songs.sources import FileState
from clip_store.audio.audio_file import SUFFIXES, probe_audio
from clip_store.audio.broadcast_wav import read_bext
from clip_store.audio.flac_file import read_comments
from clip_store.audio.tags import NO_TAGS, Tags
from clip_store.errors import ClipStoreError
from clip_store.mix.write_mix import RECIPE_COMMENT
from clip_store.store import ORIGINATOR
from daw_protocol.errors import unicode_only
from daw_protocol.results import SongFile

# Folders inside folders inside a registered one are looked into, deeper ones are not.
DEEPEST = 3
MAX_ENTRIES = 20_000
# Folders that DAWs and systems fill with files that are no songs.
SKIPPED = {"node_modules", "__pycache__", "Backup", "Samples", "peaks", "interchange"}
# What is saved next to a take's clip (cli/save_take.py): plain sound, which names no maker.
NEXT_TO_A_CLIP = (".song.wav", ".handles.wav")
KNOWN_FILES = 8192


def list_songs(roots: tuple[Path, ...], store: Path, limit: int) -> list[SongFile]:
    """Audio files below the roots, newest first; takes, mixes and exports of the bridge, this store and any other are
    left out. Slow on network drives; for a thread.
    """
    seen: dict[Path, tuple[os.stat_result, str]] = {}
    for count, (path, folder) in enumerate(_files(roots, store)):
        if count >= MAX_ENTRIES:
            break
        if path.suffix.lower() in SUFFIXES and path not in seen:
            with contextlib.suppress(OSError):
                seen[path] = (path.stat(), folder)
    newest = sorted(seen.items(), key=lambda entry: (-entry[1][0].st_mtime_ns, str(entry[0])))
    found: list[SongFile] = []
    for path, (stat, folder) in newest:
        if len(found) == limit:
            break
        if not _is_ours(_state(path, stat)):
            found.append(_song_file(path, stat, folder))
    return found


def _song_file(path: Path, stat: os.stat_result, folder: str) -> SongFile:
    tags = _tags(_state(path, stat))
    return SongFile(
        source=unicode_only(str(path)),
        title=file_title(path),
        bytes=stat.st_size,
        modified=stat.st_mtime,
        folder=unicode_only(folder),
        ending=unicode_only(path.suffix),
        tag_title=tags.title,
        tag_artist=tags.artist,
    )


def _files(roots: tuple[Path, ...], store: Path) -> Iterator[tuple[Path, str]]:
    """Every file that may be a song, and its folder as a producer knows it."""
    own = store.resolve()
    for top, name in _named(roots):
        for folder, folders, names in os.walk(top):
            here = Path(folder)
            below = here.relative_to(top)
            if here == own or DATABASE in names:  # a store, whoever's
                folders.clear()
                continue
            if len(below.parts) >= DEEPEST:
                folders.clear()
            folders[:] = [entry for entry in folders if not entry.startswith(".") and entry not in SKIPPED]
            shown = "/".join((name, *below.parts))
            yield from ((here / entry, shown) for entry in names if not entry.startswith("."))


def _named(roots: tuple[Path, ...]) -> list[tuple[Path, str]]:
    """Each root with its name; its whole path where another root has the same name."""
    tops = [root.resolve() for root in roots]
    names = Counter(top.name for top in set(tops))
    return [
        (top, top.name if top.name and names[top.name] == 1 else top.as_posix().rstrip("/")) for top in tops
    ]


@lru_cache(maxsize=KNOWN_FILES)
def _is_ours(file: FileState) -> bool:
    """Whether the bridge wrote this file: it names itself as the maker, or lies next to a clip that does.

    Remembered for a state of the file: one that was written again is looked at again.
    """
    path = file.path
    with contextlib.suppress(OSError, ClipStoreError, ValueError):
        for ending in NEXT_TO_A_CLIP:
            if path.name.lower().endswith(ending) and _names_us(
                path.with_name(path.name[: -len(ending)] + ".wav")
            ):
                return True
        return _names_us(path)
    return False


@lru_cache(maxsize=KNOWN_FILES)
def _tags(file: FileState) -> Tags:
    """What a file's tags call it; nothing for one that cannot be read. Remembered as `_is_ours`."""
    try:
        return probe_audio(file.path).tags
    except (OSError, ClipStoreError):
        return NO_TAGS


def _state(path: Path, stat: os.stat_result) -> FileState:
    return FileState(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)


def _names_us(path: Path) -> bool:
    """Raises OSError."""
    if path.suffix.lower() == ".flac":
        return RECIPE_COMMENT in read_comments(path)
    bext = read_bext(path) if path.is_file() else None
    return bext is not None and bext.originator == ORIGINATOR
