"""Methods and ranges, as browsers and players use them."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request

from bridge_server.endpoints.http.file_response import PIECE, ascii_name, file_response
from bridge_server.handlers.response import TakeFile
from tests.bridge_server.endpoints.http.asking import ask


@pytest.fixture(scope="module")
def clip(server):
    """Path of a take's clip and its bytes."""
    with server.websocket() as ws:
        replies = ws.render("repaint", source="song.wav", start=1000, end=3000)
        take = next(reply["take"] for reply in replies if reply.name == "take")
        return f"/takes/{take}/clip.wav", ws.fetch(take, "clip")


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
    assert headers["Allow"] == "GET, HEAD, OPTIONS"
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


class Watched(TakeFile):
    """A file that notes what is read of it."""

    def read(self, first, end):
        SPANS.append((first, end))
        return super().read(first, end)


SPANS: list[tuple[int, int]] = []


def respond(file, method="GET", **headers):
    """The response and the body that it streams."""
    raw = [(name.replace("_", "-").lower().encode(), given.encode()) for name, given in headers.items()]
    request = Request({"type": "http", "method": method, "path": "/", "query_string": b"", "headers": raw})

    async def whole():
        response = await file_response(request, file)
        stream = getattr(response, "body_iterator", None)
        return response, response.body if stream is None else b"".join([part async for part in stream])

    return asyncio.run(whole())


def test_only_the_part_that_is_sent_is_read_and_in_pieces(tmp_path):
    SPANS.clear()
    path = tmp_path / "clip.wav"
    path.write_bytes(bytes(3 * PIECE))
    file = Watched("audio/wav", path)
    respond(file, "HEAD")
    respond(file, Range="bytes=100-199")
    assert SPANS == [(100, 200)]
    SPANS.clear()
    assert len(respond(file, Range="bytes=1-")[1]) == 3 * PIECE - 1
    assert SPANS == [(1, 1 + PIECE), (1 + PIECE, 1 + 2 * PIECE), (1 + 2 * PIECE, 3 * PIECE)]


@pytest.mark.parametrize(
    ("headers", "status", "size"),
    [
        ({"If_None_Match": '"abc"'}, 304, 0),
        ({"If_None_Match": '"x", "abc"'}, 304, 0),
        ({"If_None_Match": '"x"'}, 200, 10),
        ({"If_None_Match": 'W/"abc"'}, 200, 10),
        ({"Range": "bytes=0-4", "If_Range": '"abc"'}, 206, 5),
        ({"Range": "bytes=0-4", "If_Range": '"abd"'}, 200, 10),
        ({"Range": "bytes=0-4", "If_Range": 'W/"abc"'}, 200, 10),
        ({"Range": "bytes=0-4", "If_Range": "Sat, 28 Nov 2026 20:00:00 GMT"}, 200, 10),
    ],
)
def test_a_file_that_has_changed_is_sent_whole(headers, status, size):
    """Else a player would put the end of one take behind the beginning of another."""
    response, body = respond(TakeFile("audio/wav", bytes(10), "x.wav", "abc"), **headers)
    assert (response.status_code, len(body)) == (status, size)
    assert response.headers["ETag"] == '"abc"'


def test_a_file_without_a_tag_is_never_called_unchanged():
    response, _ = respond(
        TakeFile("audio/wav", bytes(10)), If_None_Match='""', If_Range='""', Range="bytes=0-1"
    )
    assert (response.status_code, "ETag" in response.headers) == (200, False)


def test_the_tag_of_a_clip_is_sent_and_understood(server, clip):
    path, data = clip
    tag = ask(server, "HEAD", path)[1]["ETag"]
    assert ask(server, "GET", path, If_None_Match=tag)[0] == 304
    status, _, body = ask(server, "GET", path, If_Range=tag, Range="bytes=-5")
    assert (status, body) == (206, data[-5:])


def test_any_name_fits_into_a_header():
    assert ascii_name('Ü "Song"%..\\x\r\n') == "_ _Song__.._x__"
