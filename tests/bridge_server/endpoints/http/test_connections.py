"""Peers that stand still, and bytes that are no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import pytest
import uvicorn
import websockets
from uvicorn.server import ServerState

from bridge_server.endpoints.http.connections import HttpConnection, WebSocketConnection
from tests.bridge_server.endpoints.http.asking import HANDSHAKE, head, raw
from tests.bridge_server.peers import noise_song


@pytest.fixture
def quick(monkeypatch, start_server):
    """A server that has little patience, with a song of some megabytes."""
    monkeypatch.setattr(HttpConnection, "request_seconds", 0.5)
    for kind in (HttpConnection, WebSocketConnection):
        monkeypatch.setattr(kind, "stalled_seconds", 1.0)
    server = start_server()
    audio = noise_song(server.settings.roots[0] / "large.wav", frames=48000 * 60)
    with server.websocket() as ws:
        replies = ws.render("repaint", source=audio.name, start=0, end=4800)
        server.take = next(reply["take"] for reply in replies if reply.name == "take")
    return server


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHo", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"])
def test_a_request_that_never_comes_is_not_waited_for(quick, sent):
    with socket.create_connection(("127.0.0.1", quick.settings.websocket_port), timeout=30) as sock:
        sock.sendall(sent)
        began = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(100) == b""
        assert time.monotonic() - began > 0.4


def test_nor_is_a_request_that_comes_letter_by_letter(quick):
    with socket.create_connection(("127.0.0.1", quick.settings.websocket_port), timeout=30) as sock:
        sock.settimeout(0.05)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: ")
        for _ in range(200):  # 10 s
            try:
                sock.sendall(b"a")
                if sock.recv(100) == b"":
                    return
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                return
    raise AssertionError("it is waited for without end")


def test_nor_is_a_body(quick):
    before = quick.holdings()
    lines = ("PUT /uploads/x.wav HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 1000000")
    with socket.create_connection(("127.0.0.1", quick.settings.websocket_port), timeout=30) as sock:
        sock.sendall("\r\n".join((*lines, "", "")).encode() + bytes(1000))
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(100) == b""
    while quick.holdings() != before:
        time.sleep(0.01)


def download(server, read_bytes: int, pause: float, seconds: float) -> tuple[int, bool]:
    """Bytes read in that time, so many after each pause, and whether the connection still stood then."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        sock.settimeout(30)
        sock.connect(("127.0.0.1", server.settings.websocket_port))
        sock.sendall(head((f"GET /takes/{server.take}/song.wav HTTP/1.1",)))
        total, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(pause)
            try:
                data = sock.recv(read_bytes) if read_bytes else b"?"
            except ConnectionResetError:
                return total, False
            if not data:
                return total, False
            total += len(data)
        if not read_bytes:  # what the system holds, and then either more or an end
            sock.settimeout(2)
            try:
                while data := sock.recv(1 << 16):
                    total += len(data)
                    if total > 16_000_000:
                        return total, True
            except (ConnectionResetError, TimeoutError):
                pass
            return total, False
        return total, True


def test_a_slow_reader_is_served_as_long_as_it_reads(quick):
    total, stands = download(quick, 2000, 0.02, 4.0)
    assert stands
    assert total < 3_000_000


def test_one_that_stopped_reading_is_cut_off(quick):
    _, stands = download(quick, 0, 0.5, 6.0)
    assert not stands


@pytest.mark.parametrize(
    "data",
    [b"\x00\x01\x02\r\n\r\n", b"NONSENSE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
     b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 100_000, b"GET / HTTP/1.1\r\n\r\n",
     b"PUT /uploads/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_http_is_answered_and_logged_by_nobody(server, data, caplog, capfd):
    with socket.create_connection(("127.0.0.1", server.settings.websocket_port), timeout=30) as sock:
        sock.sendall(data)
        assert sock.recv(65536).startswith(b"HTTP/1.1 4")
    assert caplog.records == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "lines",
    [
        ("POST / HTTP/1.1", *HANDSHAKE),
        ("GET / HTTP/1.1", *HANDSHAKE, "X: " + "x" * 9000),
        ("GET / HTTP/1.1", *HANDSHAKE, "Content-Length: 5"),
        ("GET / HTTP/1.1", *HANDSHAKE[:3]),
        ("GET / HTTP/1.1", *HANDSHAKE[:2], "Sec-WebSocket-Version: 12", HANDSHAKE[3]),
        ("BREW / HTTP/1.1", *HANDSHAKE),
    ],
    ids=["post", "long header", "body", "no key", "old version", "brew"],
)
def test_a_handshake_that_is_none_is_answered(server, lines, caplog):
    assert raw(server, *lines).startswith(b"HTTP/1.1 4")
    assert caplog.records == []


@pytest.mark.parametrize("frame", [b"\xff\xff", b"\x81\x05hello", b"\x88\x01x", b"\x81\xff" + b"\xff" * 8])
def test_frames_that_are_none_end_the_connection_quietly(server, frame, caplog):
    with socket.create_connection(("127.0.0.1", server.settings.websocket_port), timeout=30) as sock:
        sock.sendall(head(("GET / HTTP/1.1", *HANDSHAKE)))
        assert b"101" in sock.recv(4096)
        sock.sendall(frame + bytes(20))
        while sock.recv(4096):
            pass
    assert caplog.records == []


@pytest.mark.parametrize("target", ["/schema.json", "/nothing", "/rpc", "/uploads/a.wav"])
def test_a_body_that_cannot_be_read_is_refused_once_and_is_no_bug(server, target, caplog):
    """It comes together with the head, so that the answer is on its way already."""
    with socket.create_connection(("127.0.0.1", server.settings.websocket_port), timeout=30) as sock:
        lines = (f"PUT {target} HTTP/1.1", "Transfer-Encoding: chunked")
        sock.sendall(head(lines) + b"no length\r\n{pi")
        response = b""
        with contextlib.suppress(ConnectionResetError):
            while data := sock.recv(4096):
                response += data
    assert response.count(b"HTTP/1.1 ") == 1
    assert response.startswith(b"HTTP/1.1 400 ")
    assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]


def test_a_client_that_says_goodbye_while_the_server_ends_is_no_trouble():
    """Between its closing frame and the end of its connection the server may end, and must not answer it twice."""
    heard = []

    async def app(_scope, receive, send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        heard.append(await receive())

    async def scenario() -> None:
        loop, state, made = asyncio.get_running_loop(), ServerState(), []
        config = uvicorn.Config(app, log_config=None)
        config.load()

        def connection() -> WebSocketConnection:
            made.append(WebSocketConnection(config, state, {}))
            return made[-1]

        listening = await loop.create_server(connection, "127.0.0.1", 0)
        async with asyncio.timeout(30), listening:
            port = listening.sockets[0].getsockname()[1]
            async with websockets.connect(f"ws://127.0.0.1:{port}/") as client:
                made[0].data_received(b"\x88\x82\x00\x00\x00\x00\x03\xe8")  # a masked frame: close, 1000
                made[0].shutdown()
                await client.wait_closed()
            assert client.close_code == 1000
            await asyncio.gather(*state.tasks)
        assert not state.connections

    asyncio.run(scenario())
    assert [event["code"] for event in heard] == [1000]
