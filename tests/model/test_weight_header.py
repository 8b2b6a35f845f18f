"""Whole files are distinguished from broken ones by their first bytes and their length."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from safetensors import safe_open

from model.errors import NotLoaded
from model.weight_header import fingerprint, read_header, read_metadata
from tests.model.acestep.tiny_models import TURBO
from tests.places import ACESTEP_GOLDEN, TINY

FILES = sorted(TINY.rglob("*.safetensors")) + sorted(ACESTEP_GOLDEN.glob("*.safetensors"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_headers_agree_with_the_library(path):
    found = read_header(path)
    with safe_open(path, framework="np") as theirs:
        assert set(found) == set(theirs.keys())
        for name in found:
            assert found[name]["shape"] == theirs.get_slice(name).get_shape()


def written(path, header: object, tensors: bytes = b"", length: int | None = None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + tensors)
    return path


def test_no_tensors_and_notes_only(tmp_path):
    assert read_header(written(tmp_path / "a", {"__metadata__": {"format": "pt"}})) == {}


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 100, -1])
def test_a_file_cut_short(tmp_path, cut):
    whole = (TURBO / "model.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:cut])
    with pytest.raises(NotLoaded, match=r"cut\.safetensors"):
        read_header(tmp_path / "cut.safetensors")


def test_a_file_with_something_after_it(tmp_path):
    (tmp_path / "longer").write_bytes((TURBO / "model.safetensors").read_bytes() + b"x")
    with pytest.raises(NotLoaded, match="incomplete or damaged"):
        read_header(tmp_path / "longer")


@pytest.mark.parametrize(
    "header",
    [
        b"{not json}",
        b"\xff\xfe\xfd",
        [],
        {"a": 1},
        {"a": {}},
        {"a": {"data_offsets": []}},
        {"a": {"data_offsets": [0, "4"]}},
    ],
)
def test_headers_that_are_none(tmp_path, header):
    with pytest.raises(NotLoaded):
        read_header(written(tmp_path / "a", header, bytes(4)))


def test_an_enormous_header_is_not_read(tmp_path):
    with pytest.raises(NotLoaded, match="not a complete"):
        read_header(written(tmp_path / "a", {}, length=2**63))


def test_what_the_writer_said_of_a_file(tmp_path):
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    path = written(tmp_path / "a", {"__metadata__": {"format": "pt"}, "one": entry}, bytes(4))
    assert read_metadata(path) == {"format": "pt"}
    assert set(read_header(path)) == {"one"}
    assert read_metadata(written(tmp_path / "b", {"one": entry}, bytes(4))) == {}


def test_the_fingerprint_distinguishes_weights(tmp_path: Path) -> None:
    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    content = bytes(range(256)) * 20_000  # five megabytes
    one.write_bytes(content)
    other.write_bytes(content[::-1])
    seen = {fingerprint([one]), fingerprint([other]), fingerprint([one, other])}
    assert len(seen) == 3
    assert fingerprint([one, other]) == fingerprint([other, one])
    one.write_bytes(content[:-1] + b"x")
    assert fingerprint([one]) not in seen
    one.write_bytes(b"")
    assert fingerprint([one]) not in seen


def test_a_header_nested_without_end_is_refused(tmp_path):
    nested = b'{"a":' + b"[" * 100_000
    with pytest.raises(NotLoaded, match="no readable safetensors header"):
        read_header(written(tmp_path / "a", nested))
