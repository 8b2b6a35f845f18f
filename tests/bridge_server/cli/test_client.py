"""The Python client against a real server."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from bridge_server.cli import client as client_of_programs
from bridge_server.cli.client import connected
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.peers import noise_song


def with_client(server, work):
    """The result of `await work(client)`."""

    async def run():
        async with connected("127.0.0.1", server.settings.websocket_port) as client:
            return await asyncio.wait_for(work(client), 30)

    return asyncio.run(run())


def test_upload_render_fetch(server, tmp_path):
    path = noise_song(tmp_path / "mine.wav", frames=100_000)

    async def work(client):
        source, notes = await client.upload(path)
        assert notes == ()
        answer = await client.call("repaint", source=source, start=0, end=4800)
        while True:
            name, params = await client.next_reply()
            if name == "take":
                clip = await client.fetch(params["take"], "clip")
            if name == "done":
                return answer["job"], params["job"], clip

    asked, done, clip = with_client(server, work)
    assert asked == done
    assert clip[:4] == b"RIFF"


def test_a_token_may_have_any_sign(start_server):
    token = "open sesame+%20&client=x#?/["
    server = start_server(token=token)

    async def asked():
        async with connected("127.0.0.1", server.settings.websocket_port, token) as client:
            return await asyncio.wait_for(client.call("status"), 30)

    assert asyncio.run(asked())["version"]


def test_an_upload_does_not_swallow_the_replies_about_other_jobs(server, tmp_path):
    path = noise_song(tmp_path / "other.wav", frames=200_000)

    async def work(client):
        answer = await client.call("repaint", source="song.wav", start=0, end=4800)
        while (await client.call("jobs.show", job=answer["job"]))["state"] != "done":
            pass
        await client.upload(path)
        while True:
            name, params = await client.next_reply()
            if name == "done":
                return answer["job"] == params["job"]

    assert with_client(server, work)


def test_errors_are_raised_with_their_words(server, tmp_path):
    async def refused(client):
        with pytest.raises(ProtocolError, match="nonesuch") as caught:
            await client.call("takes.show", take="nonesuch")
        assert caught.value.code is ErrorCode.UNKNOWN_TAKE
        with pytest.raises(ProtocolError, match=r"none\.wav"):
            await client.upload(tmp_path / "none.wav")
        (tmp_path / "empty.wav").write_bytes(b"")
        with pytest.raises(ProtocolError, match="empty"):
            await client.upload(tmp_path / "empty.wav")
        for no_file in (tmp_path, Path(os.devnull))[: 2 if os.name == "posix" else 1]:
            with pytest.raises(ProtocolError, match="it is not a file"):
                await client.upload(no_file)
        (tmp_path / "words.wav").write_text("la la la")
        with pytest.raises(ProtocolError, match=r"words\.wav"):
            await client.upload(tmp_path / "words.wav")
        return await client.call("status")

    assert with_client(server, refused)["engine"] == "noise"


def test_a_song_that_shrinks_while_it_is_sent_is_named(server, tmp_path, monkeypatch):
    path = noise_song(tmp_path / "shrinks.wav", frames=200_000)
    measured = client_of_programs._measured

    def then_shorter(song):
        size, digest = measured(song)
        return size + 1, digest

    monkeypatch.setattr(client_of_programs, "_measured", then_shorter)
    with pytest.raises(ProtocolError, match="became shorter while it was sent") as caught:
        with_client(server, lambda client: client.upload(path))
    assert caught.value.code is ErrorCode.FILE_UNREADABLE
    assert "then send it again" in caught.value.remedy


def test_nobody_answers():
    async def run():
        async with connected("127.0.0.1", 1):
            pass

    with pytest.raises(ProtocolError, match="No server answers"):
        asyncio.run(run())


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b"220 mail.example ESMTP\r\n", b""]
)
def test_something_else_answers(answer):
    async def other_program(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async def run():
        listening = await asyncio.start_server(other_program, "127.0.0.1", 0)
        async with listening, connected("127.0.0.1", listening.sockets[0].getsockname()[1]):
            pass

    with pytest.raises(ProtocolError, match="is no Takebridge server"):
        asyncio.run(run())


def test_a_server_that_goes_away_is_reported(start_server, tmp_path):
    async def run():
        async with connected("127.0.0.1", server.settings.websocket_port) as client:
            await client.call("repaint", source="song.wav", start=0, end=4800, engine="slow")
            await asyncio.to_thread(server.__exit__)
            while True:
                await client.next_reply()

    from tests.bridge_server.peers import ServerThread
    from tests.bridge_server.servers import settings_in

    settings = settings_in(tmp_path)
    noise_song(settings.roots[0] / "song.wav")
    server = ServerThread(settings)
    server.__enter__()
    with pytest.raises(ProtocolError, match="The server has gone"):
        asyncio.run(run())
