"""Methods and ranges, as browsers and players use them."""

from __future__ import annotations

import asyncio
import http.client

import pytest

from bridge_server.endpoints.http.pages import Page
from bridge_server.endpoints.http.responses import METHODS, respond
from bridge_server.handlers.response import TakeFile


@pytest.fixture(scope="module")
def clip(server):
    """Path of a take's clip and its bytes."""
    with server.websocket() as ws:
        replies = ws.render("repaint", source="song.wav", start=1000, end=3000)
        take = next(reply["take"] for reply in replies if reply.name == "take")
        return f"/takes/{take}/clip.wav", ws.fetch(take, "clip")


def ask(server, method, path, **headers):
    """Status, headers and body of any request, with a body that the server need not read."""
    connection = http.client.HTTPConnection("127.0.0.1", server.settings.websocket_port, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/", "/schema.json", "/nothing", "/hello.json", "/panel/main.js"])
def test_head_is_get_without_a_body(server, path):
    got, asked = ask(server, "GET", path), ask(server, "HEAD", path)
    assert asked[0] == got[0]
    assert asked[2] == b""
    for name in ("Content-Type", "Content-Length"):
        assert asked[1][name] == got[1][name]


def test_head_of_a_clip_gives_its_size(server, clip):
    path, data = clip
    status, headers, body = ask(server, "HEAD", path)
    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == str(len(data))
    assert headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_other_methods_change_nothing_and_say_so(server, method):
    status, headers, body = ask(server, method, "/schema.json")
    assert status == 405
    assert headers["Allow"] == ", ".join(METHODS)
    assert method.encode() in body


def test_options(server):
    status, headers, body = ask(server, "OPTIONS", "/schema.json")
    assert (status, body, headers["Allow"]) == (204, b"", "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    ("wanted", "span"),
    [
        ("bytes=0-0", (0, 1)), ("bytes=0-99", (0, 100)), ("bytes=100-", (100, None)), ("bytes=-50", (-50, None)),
        ("bytes=10-999999999", (10, None)), ("bytes=-999999999", (0, None)),
    ],
)  # fmt: skip
def test_a_range_is_a_part_of_the_clip(server, clip, wanted, span):
    path, data = clip
    status, headers, body = ask(server, "GET", path, Range=wanted)
    part = data[slice(*span)]
    first = data.index(part) if wanted != "bytes=0-0" else 0
    assert (status, body) == (206, part)
    assert headers["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{len(data)}"
    assert headers["Content-Length"] == str(len(part))


@pytest.mark.parametrize("wanted", ["bytes=999999999-", "bytes=5-4", "bytes=-0"])
def test_a_range_that_is_not_there(server, clip, wanted):
    path, data = clip
    status, headers, body = ask(server, "GET", path, Range=wanted)
    assert (status, headers["Content-Range"], body) == (416, f"bytes */{len(data)}", b"")


@pytest.mark.parametrize("wanted", ["bytes=0-1,5-6", "lines=1-2", "bytes=-", "bytes=a-b", "bytes=0-1;", ""])
def test_what_is_no_single_range_gets_the_whole(server, clip, wanted):
    path, data = clip
    status, _, body = ask(server, "GET", path, Range=wanted)
    assert (status, body) == (200, data)


def test_only_the_part_that_is_sent_is_read(tmp_path):
    class Watched(TakeFile):
        def read(self, first, end):
            spans.append((first, end))
            return super().read(first, end)

    spans = []
    path = tmp_path / "clip.wav"
    path.write_bytes(bytes(1000))
    page = Page(200, "audio/wav", file=Watched("audio/wav", path))
    asyncio.run(respond(page, "HEAD"))
    asyncio.run(respond(page, "GET", "bytes=100-199"))
    assert spans == [(100, 200)]
