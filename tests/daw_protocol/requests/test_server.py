"""Requests about the server and its store; uploads are announced with their size and hash."""

import pytest

from daw_protocol.errors import ErrorCode
from daw_protocol.requests import BeginUpload
from tests.refusals import refusal

HASH = "AB" * 32


@pytest.mark.parametrize("sha256", ["g" * 64, "٣" * 64, " " * 64])
def test_a_hash_has_hexadecimal_digits(sha256):
    assert refusal(BeginUpload, name="a.wav", size=5, sha256=sha256).field == "sha256"
    assert BeginUpload(name="a.wav", size=5, sha256=HASH).sha256 == HASH


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("size", 0), ("size", 2**34 + 1), ("sha256", HASH[1:])]
)
def test_an_upload_has_a_name_a_size_and_a_whole_hash(field, value):
    error = refusal(BeginUpload, **{"name": "a.wav", "size": 5, "sha256": HASH, field: value})
    assert (error.code, error.field) == (ErrorCode.OUT_OF_RANGE, field)
