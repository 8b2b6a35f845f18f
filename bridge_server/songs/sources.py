"""Audio on its way in: names from outside become files under registered folders, files become stored songs."""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from bridge_server.errors import as_protocol_error
from bridge_server.songs.alike import alike, existing, file_title
from bridge_server.songs.song_probe import stamp_of
from clip_store.audio.audio import Audio
from clip_store.audio.audio_file import read_sound
from clip_store.audio.decoder import OpenFile
from clip_store.audio.tags import NO_TAGS, Tags
from clip_store.blobs import BlobStore
from clip_store.errors import ClipStoreError
from clip_store.regular_file import open_below, open_regular
from daw_protocol.errors import ErrorCode, ProtocolError, unicode_only
from daw_protocol.recipe import HeardSong

STORED = "audio:"
TAKE = "take:"
_REFERENCE = re.compile(f"(?:{STORED}|{TAKE})[A-Za-z0-9_-]+", re.ASCII)
# A file changed less than this before it was read may change again and keep its size and time: file systems count
# time in steps, FAT in steps of two seconds.
SETTLED_NS = 2_000_000_000


@dataclass(frozen=True)
class FileState:
    """Distinguishes states of a file without reading it.

    inode: 0 on file systems that have none.
    """

    path: Path
    size: int
    modified_ns: int
    inode: int = 0


@dataclass(frozen=True)
class Song:
    """A song as the store has it.

    name:  what the producer calls it, for takes and files.
    state: of the file it was read from; None when it came by upload or from the store.
    stamp: the file's time stamp, in seconds from the timeline's zero; None without one, and for audio from the store.
    notes: what a producer should know of how that file was read.
    tags:  what its file's tags call it.
    heard: which accepted takes are in the audio, if any are; `original` is the digest of the song without them.
    warning: of every take of it; "" as a rule.
    came_as: the digest of the audio as it came, before it was brought to another rate; "" where that is `digest`.
    """

    name: str
    audio: Audio
    digest: str
    state: FileState | None = None
    stamp: Fraction | None = None
    notes: tuple[str, ...] = ()
    original: str = ""
    heard: HeardSong | None = None
    tags: Tags = NO_TAGS
    warning: str = ""
    came_as: str = ""

    @property
    def parent(self) -> str:
        """The digest of the song that takes of it belong to."""
        return self.original or self.digest


def is_reference(name: str) -> bool:
    """Whether a request names stored audio or a take by it, not a file: the prefix with an id, and nothing else.

    Files may be called so as well: "take:mix.wav" has an ending, and "./take:mix" says that it is one.
    """
    return _REFERENCE.fullmatch(name) is not None


def find_file(name: str, roots: tuple[Path, ...], field: str = "source") -> Path:
    """The existing file a request names. Raises ProtocolError: outside the roots, or not there.

    The path is resolved (symbolic links and ..) before it is compared, and nothing is revealed about files that lie
    outside the roots, not even whether they exist. A file whose name only looks the same is taken where none has it.
    """
    inside = False
    for candidate in chain(_candidates(name, roots), _alike(name, roots)):
        # Too long, with characters the system does not know, or (RuntimeError) a link that leads to itself.
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            resolved = candidate.resolve()
            if _is_inside(resolved, roots):
                inside = True
                if resolved.is_file():
                    return resolved
    if inside:
        where = ", ".join(str(root) for root in roots)
        raise ProtocolError(
            ErrorCode.FILE_MISSING,
            f"There is no file {name!r}.",
            f"Check the name. Relative names are searched in {where}.",
            field,
        )
    where = ", ".join(str(root) for root in roots) or "none yet"
    raise ProtocolError(
        ErrorCode.OUTSIDE_ROOTS,
        f"{name!r} is outside the folders the server may read.",
        f"Folders: {where}. Add one with `takebridge serve --root FOLDER`.",
        field,
    )


def still_at(name: str, roots: tuple[Path, ...], field: str = "source") -> Path:
    """A file that `find_file` gave before, to be opened now. Raises ProtocolError.

    Time has passed: a link may have been put in its place, or in that of a folder above it.
    """
    found = find_file(name, roots, field)
    if unicode_only(str(found)) != unicode_only(name):
        raise _replaced(Path(name), field)
    return found


def followed(path: Path, roots: tuple[Path, ...]) -> Path:
    """The file that a path leads to, with all links followed. Raises OSError; ProtocolError when it lies outside."""
    found = path.resolve()
    if not _is_inside(found, roots):
        raise ProtocolError(
            ErrorCode.OUTSIDE_ROOTS,
            f"{path.name} is a link that leads out of the folders the server may read.",
            "Put the file itself into the folder.",
            "source",
        )
    return found


def name_below(path: Path, roots: tuple[Path, ...]) -> str:
    """The name of a file that `find_file` gave, below the innermost root it lies in, with "/"."""
    below = [path.relative_to(root) for real in roots if path.is_relative_to(root := real.resolve())]
    return min(below, key=lambda name: len(name.parts)).as_posix()


def open_source(path: Path, roots: tuple[Path, ...]) -> BinaryIO:
    """Opens a file that `still_at` gave, for reading. Raises ProtocolError when a link has been put in its place, or in
    that of a folder above it, in this very moment; OSError when it cannot be opened.
    """
    for root in roots:
        folder = root.resolve()
        if path.is_relative_to(folder):
            try:
                return open_below(path, folder)
            except OSError as error:
                if error.errno == errno.EINVAL:
                    raise _replaced(path, "source") from error
                raise
    raise _replaced(path, "source")


def _replaced(path: Path, field: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.FILE_CHANGED,
        f"{path.name} has been replaced by a link since the request was accepted.",
        "Send the request again with the file itself.",
        field,
    )


def find_folder(name: str, roots: tuple[Path, ...]) -> Path:
    """The folder a request names to write into, there or not yet. Raises ProtocolError when it is outside the roots."""
    for candidate in chain(_candidates(name, roots), _alike(name, roots)):
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            resolved = candidate.resolve()
            if resolved.exists() and _is_inside(resolved, roots):
                return resolved
    for candidate in _candidates(name, roots):
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            resolved = candidate.resolve()
            if _is_inside(resolved, roots):
                return resolved
    where = ", ".join(str(root) for root in roots) or "none yet"
    raise ProtocolError(
        ErrorCode.OUTSIDE_ROOTS,
        f"{name!r} is outside the folders the server may write to.",
        f"Folders: {where}. Omit folder to write into the store's own.",
        "folder",
    )


def find_songs_folder(name: str, roots: tuple[Path, ...], field: str) -> Path:
    """The folder a request names to read songs from. Raises ProtocolError: outside the roots, or not there."""
    inside = False
    for candidate in chain(_candidates(name, roots), _alike(name, roots)):
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            resolved = candidate.resolve()
            if _is_inside(resolved, roots):
                inside = True
                if resolved.is_dir():
                    return resolved
    where = ", ".join(str(root) for root in roots) or "none yet"
    if inside:
        raise ProtocolError(
            ErrorCode.FILE_MISSING,
            f"There is no folder {name!r}.",
            f"Check the name. Relative names are searched in {where}.",
            field,
        )
    raise ProtocolError(
        ErrorCode.OUTSIDE_ROOTS,
        f"{name!r} is outside the folders the server may read.",
        f"Folders: {where}. Add one with `takebridge serve --root FOLDER`.",
        field,
    )


def is_inside(path: Path, roots: tuple[Path, ...]) -> bool:
    """Whether a path, with all links followed, lies in one of the folders. Raises OSError, RuntimeError."""
    return _is_inside(path.resolve(), roots)


def _candidates(name: str, roots: tuple[Path, ...]) -> list[Path]:
    """Where a name may lead, exactly as it is spelled."""
    given = Path(name)
    return [given] if given.is_absolute() else [root / given for root in roots]


def _alike(name: str, roots: tuple[Path, ...]) -> Iterator[Path]:
    """What below the roots has a name that looks the same; nothing is looked for outside of them."""
    given = Path(name)
    for root in roots:
        if not given.is_absolute():
            yield existing(root / given, root)
            continue
        depth = len(root.parts)
        if [alike(part) for part in given.parts[:depth]] == [alike(part) for part in root.parts]:
            yield existing(root.joinpath(*given.parts[depth:]), root)


def _is_inside(resolved: Path, roots: tuple[Path, ...]) -> bool:
    return any(resolved.is_relative_to(root.resolve()) for root in roots)


def state_of(path: Path, field: str = "source") -> FileState:
    """Raises ProtocolError about `field` when the file has gone."""
    try:
        status = path.stat(follow_symlinks=False)
    except OSError as error:
        raise ProtocolError(
            ErrorCode.FILE_MISSING,
            f"{path.name} no longer exists: {error.strerror}.",
            "Save it again.",
            field,
        ) from error
    return FileState(path, status.st_size, status.st_mtime_ns, status.st_ino)


def read_song(path: Path, blobs: BlobStore, most_seconds: float, open_file: OpenFile = open_regular) -> Song:
    """Reads a file and keeps a copy in the store. Slow; runs in a thread. Raises ProtocolError."""
    before = state_of(path)
    try:
        info, audio = read_sound(path, most_seconds, open_file)
        check_unchanged(before)
        digest = blobs.put(audio)
    except ClipStoreError as error:
        raise as_protocol_error(error, "source") from error
    return Song(file_title(path), audio, digest, before, stamp_of(info), info.notes, tags=info.tags)


def stored_song(digest: str, name: str, blobs: BlobStore, state: FileState | None = None) -> Song:
    """A song the store has already. Raises ProtocolError."""
    try:
        return Song(name, blobs.get(digest), digest, state)
    except ClipStoreError as error:
        raise as_protocol_error(error, "source") from error


def check_unchanged(before: FileState, field: str = "source") -> None:
    """Raises ProtocolError when the file is not what it was: a take of it would be spliced into another song."""
    if state_of(before.path, field) != before:
        raise ProtocolError(
            ErrorCode.FILE_CHANGED,
            f"{before.path.name} was changed while it was being rendered.",
            "Wait until it has been saved, then try again.",
            field,
        )
