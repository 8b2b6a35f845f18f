"""Uploads: announced with their size, and over WebSocket with their hash; their bytes go to the disk as they come."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import shutil
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from bridge_server.handlers.response import our_fault
from bridge_server.log_words import Private
from bridge_server.songs.sources import STORED, read_song
from clip_store.audio.tags import NO_TAGS
from clip_store.blobs import BlobStore
from daw_protocol.errors import ErrorCode, ProtocolError

log = logging.getLogger(__name__)

# Free space needed beyond the upload itself: the song is also stored as samples.
SPARE_BYTES = 256 * 2**20

PLAIN_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,7}")


class Announced(Protocol):
    """What is known of a file before it comes. sha256: in hex; "" where only the connection vouches for the bytes."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str: ...


class Upload:
    """One upload under way: frames go to a temporary file in the store's folder."""

    def __init__(self, announced: Announced, folder: Path, most_bytes: int) -> None:
        """Raises ProtocolError when it is too large for the limits or the disk."""
        if announced.size > most_bytes:
            raise ProtocolError(
                ErrorCode.TOO_LARGE,
                f"{announced.name} has {announced.size} bytes; the limit is {most_bytes}.",
                "Export a shorter part of the song.",
                "size",
            )
        self.announced = announced
        self._sha = hashlib.sha256()
        self.received = 0
        self.stamp: Fraction | None = None  # of the file, in seconds; known once it is kept
        self.tags = NO_TAGS  # of the file; known once it is kept
        self.note = ""  # what is odd about the file; known once it is kept
        try:
            folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(folder).free
            if free < announced.size * 2 + SPARE_BYTES:
                raise _full(announced, free)
            # libsndfile recognises raw formats by the suffix; only the suffix of the peer's name is used, and only
            # when it is a plain one: "a.wav:b" would open a second stream of the file on Windows.
            suffix = Path(announced.name).suffix
            if not PLAIN_SUFFIX.fullmatch(suffix):
                suffix = ".wav"
            self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed in `close`
                dir=folder, suffix=suffix, delete=False
            )
        except OSError as error:
            raise _unwritable(announced, error) from error

    @property
    def complete(self) -> bool:
        return self.received >= self.announced.size

    @property
    def sha256(self) -> str:
        """Of what has come so far, in hex."""
        return self._sha.hexdigest()

    def write(self, frame: bytes) -> None:
        """Takes one binary frame. Raises ProtocolError for more bytes than announced."""
        self.received += len(frame)
        if self.received > self.announced.size:
            raise ProtocolError(
                ErrorCode.BAD_UPLOAD,
                f"{self.announced.name}: received more than the {self.announced.size} bytes announced.",
                "Announce the exact size and send the file once.",
                "size",
            )
        self._sha.update(frame)
        try:
            self._file.write(frame)
        except OSError as error:
            raise _unwritable(self.announced, error) from error

    def keep(self, blobs: BlobStore, most_seconds: float) -> str:
        """Checks the hash, reads the audio, keeps it; returns the source name for requests. Slow, for a thread."""
        if self.announced.sha256 and self.sha256 != self.announced.sha256.lower():
            raise ProtocolError(
                ErrorCode.BAD_UPLOAD,
                f"{self.announced.name} arrived damaged: its SHA-256 does not match.",
                "Send it again.",
                "sha256",
            )
        self._file.flush()
        try:
            song = read_song(Path(self._file.name), blobs, most_seconds)
        except ProtocolError as error:
            # The producer knows the file's name, not our copy's.
            sentence = error.sentence.replace(Path(self._file.name).name, self.announced.name)
            raise ProtocolError(error.code, sentence, error.remedy, "source") from error
        except Exception as bug:  # which must not end the connection that the upload came by
            log.exception("The upload of %s met a bug", Private(self.announced.name))
            raise our_fault() from bug
        self.stamp, self.tags = song.stamp, song.tags
        self.note = " ".join(song.notes)
        return STORED + song.digest

    def close(self) -> None:
        """Removes the temporary file."""
        self._file.close()
        with contextlib.suppress(OSError):
            Path(self._file.name).unlink()


def _full(announced: Announced, free: int) -> ProtocolError:
    return ProtocolError(
        ErrorCode.STORE_FAILED,
        f"There is no room for {announced.name}: {free // 2**20} MB are free.",
        "Free some disk space, or run `takebridge store sweep`.",
        "size",
    )


def _unwritable(announced: Announced, error: OSError) -> ProtocolError:
    return ProtocolError(
        ErrorCode.STORE_FAILED,
        f"{announced.name} could not be stored: {error.strerror}.",
        "Check the store's folder and the free disk space, then send it again.",
    )
