"""The audio and files that laptops sent to a render host, by digest, in a folder that does not grow beyond its limit.

A file is checked against its digest before anything reads it. Names from a laptop are used for the last part of a path
only, and only where an engine shows them or looks for companions; they cannot lead out of the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from bridge_server.engines.messages import OptionFile, RenderCommand
from bridge_server.studio.link_messages import AUDIO, BYTES, SharedFile
from clip_store.atomic_file import PART_SUFFIX, make_folder, sync_file, sync_folder
from clip_store.audio.stored_wave import StoredWave
from clip_store.blobs import BlobStore, to_path
from clip_store.errors import AudioFileError, ClipStoreError
from daw_protocol.errors import ErrorCode, ProtocolError

log = logging.getLogger(__name__)

LARGEST_FILE = 3 * 2**30  # as the bridge takes them from its clients
GONE = ProtocolError(
    ErrorCode.FILE_MISSING,
    "The render host could not keep a file of the order.",
    "Start it with a larger --cache-gb, then try again.",
)
_SUFFIXES = {AUDIO: ".wav", BYTES: ".bin"}
_NAME = re.compile(r"[^\x00-\x1f/\\:*?\"<>|]{1,120}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # devices on Windows


class HostFiles:
    """Blocks: for threads. most_bytes: of all files together; of one file, at most as many."""

    def __init__(self, folder: Path, most_bytes: int, most_each: int) -> None:
        self.blobs = BlobStore(folder / "audio")
        self._options = folder / "files"
        self._parts = folder / "parts"
        self._most_bytes = most_bytes
        self._most_each = most_each
        self._lock = threading.Lock()  # nothing goes while it is being looked for; held for no file's bytes
        self._named: dict[Path, set[str]] = {}  # folders of option files, with the digests of what is in them
        for left_over in (self._options, self._parts):  # of a host that was killed
            shutil.rmtree(left_over, ignore_errors=True)

    def missing(self, files: Iterable[SharedFile]) -> tuple[str, ...]:
        """What has to be sent; what is there counts as used just now. Raises ProtocolError for what is too large."""
        files = tuple(files)
        for file in files:
            self._check(file)
        there = self.renewed(file.digest for file in files)
        return tuple(file.digest for file in files if file.digest not in there)

    def renewed(self, digests: Iterable[str]) -> set[str]:
        """Those that are there; they count as used just now. Raises ProtocolError."""
        with self._lock, _full_disk():
            return {digest for digest in digests if self.blobs.renew(digest)}

    def begin(self, file: SharedFile, sender: str) -> Path:
        """An empty file for what a sender sends. Raises ProtocolError."""
        self._check(file)
        path = self._parts / f"{sender}-{file.digest[:16]}{PART_SUFFIX}"
        with _full_disk():
            make_folder(self._parts)
            path.write_bytes(b"")
        return path

    def grow(self, part: Path, data: bytes) -> int:
        """Adds bytes; returns how many there are. Raises ProtocolError."""
        with _full_disk(), part.open("ab") as file:
            file.write(data)
            return file.tell()

    def keep(self, part: Path, file: SharedFile, in_use: Iterable[str]) -> None:
        """A file that has come whole. in_use: digests that must stay. Raises ProtocolError unless it is what it is
        called."""
        try:
            with _full_disk():
                if _digest(part, file.kind) != file.digest:
                    raise ProtocolError(
                        ErrorCode.BAD_UPLOAD,
                        "A file arrived at the render host that is not the one that was announced.",
                        "Try again; check the network and both machines' disks if it happens again.",
                    )
                path = self.path(file)
                make_folder(path.parent)
                sync_file(part)
                with self._lock:
                    os.replace(part, path)
                sync_folder(path.parent)
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        with self._lock:
            self._make_room({*in_use, file.digest})

    def path(self, file: SharedFile) -> Path:
        """Where a file that came whole is."""
        return self.blobs.root / to_path(file.digest, _SUFFIXES[file.kind])

    def remove_damaged(self, digests: Iterable[str]) -> None:
        """Removes those of the files that are not what they are called, so that they are sent again."""
        for digest in digests:
            with contextlib.suppress(ClipStoreError, OSError):
                path = self.blobs.path(digest)
                if _digest(path, AUDIO if path.suffix == _SUFFIXES[AUDIO] else BYTES) != digest:
                    log.warning("the file %s is damaged; it has to be sent again", path.name)
                    path.unlink()

    def option_file(self, file: OptionFile) -> Path:
        """A file under its own name, with its companions beside it. Raises ProtocolError for a name that is none."""
        names = [(_own_name(each), each.digest) for each in (file, *file.companions)]
        folder = self._options / hashlib.sha256(repr(names).encode()).hexdigest()
        with self._lock, _full_disk():
            make_folder(folder)
            self._named[folder] = {digest for _, digest in names}
            for name, digest in names:
                place = folder / name
                if not place.exists():
                    _link(self._blob(digest), place)
        return folder / names[0][0]

    def _blob(self, digest: str) -> Path:
        try:
            return self.blobs.path(digest)
        except ClipStoreError as gone:
            raise GONE from gone

    def _check(self, file: SharedFile) -> None:
        if file.kind not in _SUFFIXES or not re.fullmatch("[0-9a-f]{64}", file.digest) or file.size < 0:
            raise ProtocolError(ErrorCode.BAD_MESSAGE, "A file was announced that cannot be one.")
        if file.size > self._most_each:
            raise ProtocolError(
                ErrorCode.TOO_LARGE,
                f"A file of {file.size / 2**30:.1f} GB is too large for the render host; it takes "
                f"{self._most_each / 2**30:.1f} GB.",
                "Use a smaller file, or start the host with a larger --cache-gb.",
            )

    def _make_room(self, stay: set[str]) -> None:
        """Removes what was not used for longest, until the rest fits."""
        found = []
        for path in self.blobs.root.glob("??/*"):
            with contextlib.suppress(OSError):
                state = path.stat()
                found.append((state.st_mtime_ns, state.st_size, path))
        too_many = sum(size for _, size, _ in found) - self._most_bytes
        for _, size, path in sorted(found):
            if too_many <= 0:
                return
            if (digest := path.parent.name + path.stem) not in stay:
                try:
                    path.unlink(missing_ok=True)
                except OSError:  # Windows keeps what is open
                    continue
                too_many -= size
                for folder in [folder for folder, digests in self._named.items() if digest in digests]:
                    del self._named[folder]
                    shutil.rmtree(folder, ignore_errors=True)


class ReceivedFiles:
    """What an engine's process on the host asks for the files of its orders."""

    def __init__(self, files: HostFiles) -> None:
        self._files = files

    def path(self, option: str, file: OptionFile) -> Path:
        """Raises ProtocolError about the option."""
        try:
            return self._files.option_file(file)
        except ProtocolError as error:
            raise ProtocolError(error.code, error.sentence, error.remedy, option) from error


def files_of(command: RenderCommand) -> dict[str, str]:
    """What an order names: the kind of each file by its digest."""
    audio = (command.song, command.reference, *(track.digest for track in command.stack))
    others = [each.digest for file in command.files.values() for each in (file, *file.companions)]
    return {digest: AUDIO for digest in audio if digest} | {
        digest: BYTES for digest in (*others, command.kept) if digest
    }


def _own_name(file: OptionFile) -> str:
    """The last part of a file's name. Raises ProtocolError for one that this machine cannot have."""
    return plain_name(PurePosixPath(file.name).name)


def plain_name(name: str) -> str:
    """A name from a laptop, without folders. Raises ProtocolError for one that this machine cannot have."""
    if not _NAME.fullmatch(name) or name in (".", "..") or name[-1] in ". " or _RESERVED.match(name):
        raise ProtocolError(
            ErrorCode.BAD_MESSAGE, f"The render host cannot have a file called {name!r}.", "Rename it."
        )
    return name


def _digest(path: Path, kind: str) -> str:
    if kind == AUDIO:
        try:
            return StoredWave.open(path).digest()
        except AudioFileError:
            return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link(blob: Path, place: Path) -> None:
    """The same file under another name; a copy where the disk knows no links."""
    try:
        os.link(blob, place)
    except OSError:
        shutil.copyfile(blob, place)


@contextlib.contextmanager
def _full_disk() -> Iterator[None]:
    """Raises ProtocolError where the host's disk takes nothing more."""
    try:
        yield
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The render host's disk cannot be written: {error.strerror}.",
            "Free some space on that machine, then try again.",
        ) from error
