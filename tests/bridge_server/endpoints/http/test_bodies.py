"""Bodies of requests."""

import asyncio

import pytest
from starlette.requests import Request

from bridge_server.endpoints.http.bodies import BLOCK, blocks, length_of, whole_body
from daw_protocol.errors import ErrorCode, ProtocolError


def request(*pieces: bytes, length: str | None = None) -> Request:
    left = list(pieces)

    async def receive():
        body = left.pop(0) if left else b""
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    headers = [] if length is None else [(b"content-length", length.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


@pytest.mark.parametrize(
    ("given", "length"),
    [(None, None), ("0", 0), ("12", 12), ("-1", None), ("1e3", None), ("²", None)],
)
def test_the_announced_length(given, length):
    assert length_of(request(length=given)) == length


def test_a_body_is_put_together():
    assert asyncio.run(whole_body(request(b"ab", b"", b"cd"), 4)) == b"abcd"


@pytest.mark.parametrize("length", [None, "5"])
def test_a_body_that_is_too_long_is_refused(length):
    with pytest.raises(ProtocolError) as caught:
        asyncio.run(whole_body(request(b"abc", b"de", length=length), 4))
    assert caught.value.code is ErrorCode.TOO_LARGE


def test_blocks_are_large():
    async def sizes():
        return [len(block) async for block in blocks(request(*[bytes(100_000)] * 25))]

    found = asyncio.run(sizes())
    assert sum(found) == 2_500_000
    assert all(size >= BLOCK for size in found[:-1])
    assert len(found) == 3
