"""A file that comes back from a render host: it appears whole, and what its digest says, or not at all.

What has come of it stays when the connection is cut. Blocks: for threads.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from bridge_server.studio.linked_render import disk_error, not_understood
from bridge_server.studio.training_messages import FilePiece, TrainingFile
from clip_store.atomic_file import make_folder, sync_file
from daw_protocol.errors import ErrorCode, ProtocolError

LARGEST = 16 * 2**30
"""An adapter of the largest rank has a tenth of it."""
LARGEST_PREVIEW = 64 * 2**20
"""Eight seconds have a twentieth of it."""


class FetchedFile:
    """place: where it goes. parts: the folder for what is unfinished of it. most: bytes. Raises ProtocolError."""

    def __init__(self, file: TrainingFile, place: Path, parts: Path, most: int = LARGEST) -> None:
        if not 0 <= file.size <= most:
            raise not_understood(f"a file of {file.size} bytes")
        self._file = file
        self._place = place
        self._part = parts / f"{hashlib.sha256(f'{file.name} {file.digest}'.encode()).hexdigest()[:32]}.part"
        self._size = 0

    @property
    def complete(self) -> bool:
        return self._size >= self._file.size

    def begin(self) -> int:
        """How many bytes there are from before."""
        try:
            make_folder(self._part.parent)
            self._size = self._part.stat().st_size if self._part.exists() else 0
            if self._size > self._file.size:
                self._part.unlink()
                self._size = 0
            self._part.touch()
        except OSError as error:
            raise disk_error(error) from error
        return self._size

    def add(self, piece: FilePiece) -> None:
        """The next bytes."""
        if (piece.name, piece.start) != (self._file.name, self._size) or not piece.data:
            raise not_understood(f"bytes from {piece.start}, {self._size} are there")
        if self._size + len(piece.data) > self._file.size:
            raise not_understood(f"more than {self._file.size} bytes")
        try:
            with self._part.open("ab") as file:
                file.write(piece.data)
        except OSError as error:
            raise disk_error(error) from error
        self._size += len(piece.data)

    def finish(self) -> None:
        """All of it has come."""
        try:
            with self._part.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != self._file.digest:
                self._part.unlink()
                raise ProtocolError(
                    ErrorCode.FILE_CHANGED,
                    "A file arrived from the render host that is not the one that was announced.",
                    "Resume the training to fetch it again; check the network and both disks if that does not help.",
                )
            sync_file(self._part)
            make_folder(self._place.parent)
            os.replace(self._part, self._place)
        except OSError as error:
            raise disk_error(error) from error
