"""The files that options of engines name: orders name them by content, and this table knows where they lie here."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Protocol

from bridge_server.engines.messages import OptionFile
from bridge_server.songs.sources import SETTLED_NS, FileState, check_unchanged, state_of
from daw_protocol.errors import ErrorCode, ProtocolError


class FilesOfOptions(Protocol):
    """Where a place finds the files of its orders: on this machine, or among those that were sent to it."""

    def path(self, option: str, file: OptionFile) -> Path:
        """Where a file lies. Raises ProtocolError about the option."""
        ...


class OptionFiles:
    """One table for all places of this machine: what an order calls a file by, and the file. Lives on the event loop.

    A place elsewhere has the bytes sent to it and keeps them by digest. clock: nanoseconds since 1970.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._found: dict[OptionFile, tuple[FileState, ...]] = {}
        self._digests: dict[FileState, str] = {}

    async def keep(self, option: str, path: Path, name: str, companions: Iterable[str] = ()) -> OptionFile:
        """What orders call a file by; it is read in a thread, once for as long as it stays as it is.

        name:       below the folder it was found in.
        companions: names of files that belong to it if they are in its folder.
        Raises ProtocolError about the option.
        """
        near = [path.with_name(companion) for companion in companions]
        near = [companion for companion in near if companion.is_file()]
        states = tuple(state_of(each.resolve(), option) for each in (path, *near))
        whole, *others = [await self._digest(state, option) for state in states]
        file = OptionFile(
            name,
            whole,
            states[0].size,
            tuple(
                OptionFile(str(PurePosixPath(name).with_name(companion.name)), digest, state.size)
                for companion, digest, state in zip(near, others, states[1:], strict=True)
            ),
        )
        self._found[file] = states
        return file

    def path(self, option: str, file: OptionFile) -> Path:
        """Where a file that was kept lies. Raises ProtocolError about the option when it is not the same any more."""
        states = self._found[file]
        for state in states:
            check_unchanged(state, option)
        return states[0].path

    async def _digest(self, state: FileState, option: str) -> str:
        if state in self._digests:
            return self._digests[state]
        try:
            digest = await asyncio.to_thread(_sha256, state.path)
        except OSError as error:
            raise ProtocolError(
                ErrorCode.FILE_UNREADABLE,
                f"{state.path.name} cannot be read: {error.strerror}.",
                "Check the file's permissions, or use another one.",
                option,
            ) from error
        check_unchanged(state, option)
        if self._clock() - state.modified_ns > SETTLED_NS:
            self._digests[state] = digest
        return digest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
