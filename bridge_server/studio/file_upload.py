"""Files on their way from a laptop to a render host, in parts that hold up nothing else for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from bridge_server.studio.link_messages import FilePart, SharedFile
from bridge_server.studio.wire import PART_BYTES, Wire
from daw_protocol.errors import ErrorCode, ProtocolError

SHARE_SECONDS = 0.2
CHANGED = ProtocolError(
    ErrorCode.FILE_CHANGED,
    "A file changed while it was sent to the render host.",
    "Try again when no other program writes to it.",
)


class FileUpload:
    """Sends the files of one order. whole: bytes of all of them. check: called before each part; what it raises ends
    the upload. on_share: called some five times a second with the share that is sent, 0 to 1."""

    def __init__(
        self,
        wire: Wire,
        number: int,
        whole: int,
        check: Callable[[], None],
        on_share: Callable[[float], None],
    ) -> None:
        self._wire = wire
        self._number = number
        self._whole = whole or 1
        self._check = check
        self._on_share = on_share
        self._sent = 0
        self._said = 0.0

    async def send(self, file: SharedFile, path: Path) -> None:
        """One file; the host's answer is not waited for. Raises ProtocolError, LinkLostError."""
        left = file.size
        with await asyncio.to_thread(_opened, path) as source:
            while True:
                data = await asyncio.to_thread(source.read, PART_BYTES)
                self._sent, left = self._sent + len(data), left - len(data)
                if left < 0 or (left > 0 and not data):
                    raise CHANGED
                self._check()
                if time.monotonic() - self._said >= SHARE_SECONDS:
                    self._said = time.monotonic()
                    self._on_share(self._sent / self._whole)
                await self._wire.send(FilePart(self._number, file, data))
                if left == 0:
                    return


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise ProtocolError(
            ErrorCode.FILE_UNREADABLE,
            f"{path.name} cannot be read: {error.strerror}.",
            "Put it back or check its permissions, then try again.",
        ) from error
