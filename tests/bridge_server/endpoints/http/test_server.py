"""Starting and stopping the TCP port."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import time

import pytest

from bridge_server.endpoints.http.server import AcceptFailures
from tests.bridge_server.endpoints.http.asking import ask, head
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in


@pytest.mark.alone  # it keeps time
def test_it_stops_in_time_with_downloads_and_sockets_open(tmp_path):
    settings = settings_in(tmp_path)
    noise_song(settings.roots[0] / "large.wav", frames=48000 * 60)
    with ServerThread(settings) as server:
        with server.websocket() as ws:
            replies = ws.render("repaint", source="large.wav", start=0, end=4800)
            take = next(reply["take"] for reply in replies if reply.name == "take")
        address = ("127.0.0.1", server.settings.websocket_port)
        open_ones = [socket.create_connection(address, timeout=30) for _ in range(6)]
        for sock in open_ones[:3]:  # downloads that nobody reads on
            sock.sendall(head((f"GET /takes/{take}/song.wav HTTP/1.1",)))
            assert sock.recv(100)
        open_ones[3].sendall(head(("PUT /uploads/x.wav HTTP/1.1", "Content-Length: 1000")))
        open_ones[4].sendall(b"GET / HT")
        with server.websocket(), server.websocket("?client=x") as busy:
            busy.connection.send("[" + ",".join(["17"] * 64) + "]")
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < 2.0
        for sock in open_ones:
            sock.close()


def test_signals_stay_with_whoever_runs_the_server(server):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert ask(server, "GET", "/healthz")[0] == 200
    assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))


def test_uvicorn_writes_nothing(server, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        assert ask(server, "GET", "/schema.json")[0] == 200
        with server.websocket():
            pass
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []
    assert capfd.readouterr() == ("", "")


def test_its_environment_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "WEB_CONCURRENCY", "7")
    monkeypatch.setitem(os.environ, "FORWARDED_ALLOW_IPS", "*")
    with ServerThread(settings_in(tmp_path, host="0.0.0.0", token="abc", trust_this_machine=True)) as server:
        headers = {"X-Forwarded-For": "127.0.0.1", "Host": "studio.example"}
        assert ask(server, "GET", "/schema.json", **headers)[0] == 403


def test_a_machine_without_file_handles_is_a_line_of_the_log_and_no_traceback(caplog, monkeypatch):
    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(AcceptFailures())
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        full = OSError(errno.EMFILE, "Too many open files")

        class Full(socket.socket):
            def accept(self):
                raise full

        port = Full(fileno=listening.detach())
        served = await loop.create_server(asyncio.Protocol, sock=port)
        client = socket.create_connection(served.sockets[0].getsockname())
        monkeypatch.setattr(asyncio.constants, "ACCEPT_RETRY_DELAY", 0.01)
        while not caplog.records:
            await asyncio.sleep(0.005)
        served.close()
        await asyncio.sleep(0.05)  # asyncio's next try, on a closed port
        client.close()
        loop.call_exception_handler({"message": "another", "exception": KeyError("bug")})

    asyncio.run(run())
    first, other = caplog.records
    assert "Nobody can connect for now" in first.getMessage()
    assert "another" in other.getMessage()
