"""Errors as responses."""

import pytest

from bridge_server.endpoints.http.refusals import nothing_at, refusal
from daw_protocol.errors import ErrorCode, ProtocolError


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (ErrorCode.NOT_ALLOWED, 403), (ErrorCode.TOO_LARGE, 413), (ErrorCode.STORE_FAILED, 507),
        (ErrorCode.BAD_UPLOAD, 400), (ErrorCode.UNKNOWN_TAKE, 404),
    ],
)  # fmt: skip
def test_each_code_has_its_status_and_the_words_are_there(code, status):
    response = refusal(ProtocolError(code, "It is so.", "Do this."))
    assert response.status_code == status
    assert b"It is so." in response.body
    assert b"Do this." in response.body
    assert refusal(ProtocolError(code, "x", ""), 418).status_code == 418


def test_a_long_address_is_shortened():
    assert len(nothing_at("/x" * 5000).body) < 300
