"""A file that comes back from a host: whole and as announced, over any number of connections, or not there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bridge_server.studio.hosted_files import LARGEST, FetchedFile
from bridge_server.studio.training_messages import FilePiece, TrainingFile
from daw_protocol.errors import ErrorCode, ProtocolError

DATA = b"an adapter's numbers"
FILE = TrainingFile("adapter_model.safetensors", len(DATA), hashlib.sha256(DATA).hexdigest())


def fetched(folder: Path, file: TrainingFile = FILE) -> FetchedFile:
    return FetchedFile(file, folder / "run" / "adapter.safetensors", folder / "parts")


def piece(start: int, data: bytes) -> FilePiece:
    return FilePiece(1, FILE.name, start, data)


def test_a_cut_connection_costs_no_byte(tmp_path: Path) -> None:
    first = fetched(tmp_path)
    assert first.begin() == 0
    first.add(piece(0, DATA[:7]))
    second = fetched(tmp_path)
    assert second.begin() == 7
    second.add(piece(7, DATA[7:]))
    assert second.complete
    second.finish()
    assert (tmp_path / "run" / "adapter.safetensors").read_bytes() == DATA
    assert not list((tmp_path / "parts").iterdir())


def test_what_is_not_what_it_is_called_is_not_there(tmp_path: Path) -> None:
    wrong = fetched(tmp_path)
    wrong.begin()
    wrong.add(piece(0, DATA[::-1]))
    with pytest.raises(ProtocolError, match="not the one that was announced") as refused:
        wrong.finish()
    assert refused.value.code is ErrorCode.FILE_CHANGED
    assert not (tmp_path / "run").exists()
    assert fetched(tmp_path).begin() == 0, "it is fetched anew"


@pytest.mark.parametrize(
    "wrong",
    [
        piece(1, DATA[:5]),
        piece(0, b""),
        piece(0, DATA + b"!"),
        FilePiece(1, "other.safetensors", 0, DATA[:5]),
    ],
)
def test_bytes_that_do_not_follow_are_refused(tmp_path: Path, wrong: FilePiece) -> None:
    file = fetched(tmp_path)
    file.begin()
    with pytest.raises(ProtocolError, match="does not belong"):
        file.add(wrong)


@pytest.mark.parametrize("size", [-1, LARGEST + 1])
def test_a_size_that_cannot_be_is_refused(tmp_path: Path, size: int) -> None:
    with pytest.raises(ProtocolError, match="does not belong"):
        fetched(tmp_path, TrainingFile(FILE.name, size, FILE.digest))
    with pytest.raises(ProtocolError, match="does not belong"):
        FetchedFile(FILE, tmp_path / "7.wav", tmp_path, most=FILE.size - 1)
