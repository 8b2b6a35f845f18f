"""Files on their way to a host: in parts, with the share that is sent; one that changes meanwhile is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bridge_server.studio import file_upload
from bridge_server.studio.file_upload import FileUpload
from bridge_server.studio.link_messages import BYTES, SharedFile
from daw_protocol.errors import ErrorCode, ProtocolError


class KeptWire:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    async def send(self, message: Any) -> None:
        self.parts.append(message.data)


def sent(path: Path, size: int, check: Any = lambda: None) -> tuple[list[bytes], list[float]]:
    wire, shares = KeptWire(), list[float]()
    upload = FileUpload(wire, 1, size, check, shares.append)  # type: ignore[arg-type]
    asyncio.run(upload.send(SharedFile("ab" * 32, BYTES, size), path))
    return wire.parts, shares


def test_it_goes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_upload, "PART_BYTES", 4)
    monkeypatch.setattr(file_upload, "SHARE_SECONDS", 0.0)
    (tmp_path / "song").write_bytes(b"0123456789")
    parts, shares = sent(tmp_path / "song", 10)
    assert parts == [b"0123", b"4567", b"89"]
    assert shares == [0.4, 0.8, 1.0]


@pytest.mark.parametrize("size", [3, 9])
def test_a_file_that_changed_is_refused(tmp_path: Path, size: int) -> None:
    (tmp_path / "song").write_bytes(b"01234")
    with pytest.raises(ProtocolError, match="changed while it was sent"):
        sent(tmp_path / "song", size)


def test_one_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="song cannot be read") as refused:
        sent(tmp_path / "song", 5)
    assert refused.value.code is ErrorCode.FILE_UNREADABLE


def test_what_checks_ends_it(tmp_path: Path) -> None:
    def check() -> None:
        raise ProtocolError(ErrorCode.CANCELLED, "Enough.")

    (tmp_path / "song").write_bytes(b"01234")
    with pytest.raises(ProtocolError, match="Enough"):
        sent(tmp_path / "song", 5, check)
