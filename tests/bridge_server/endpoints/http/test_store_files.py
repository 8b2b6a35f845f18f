"""Files of the store over HTTP: songs with their takes, stored audio, exports."""

from __future__ import annotations

import hashlib

import pytest

from tests.bridge_server.endpoints.http.asking import ask


@pytest.fixture(scope="module")
def take(server):
    with server.websocket() as ws:
        replies = ws.render("repaint", source="song.wav", start=1000, end=3000)
        return next(reply["take"] for reply in replies if reply.name == "take")


@pytest.mark.parametrize("name", ["clip.wav", "song.wav", "handles.wav"])
def test_a_file_in_parts_is_the_file(server, take, name):
    path = f"/takes/{take}/{name}"
    status, headers, whole = ask(server, "GET", path)
    assert (status, headers["Accept-Ranges"], headers["Content-Type"]) == (200, "bytes", "audio/wav")
    parts = b"".join(
        ask(server, "GET", path, Range=f"bytes={first}-{first + 99_999}", If_Range=headers["ETag"])[2]
        for first in range(0, len(whole), 100_000)
    )
    assert parts == whole
    with server.websocket() as ws:
        assert ws.fetch(take, name.removesuffix(".wav")) == whole


def test_a_song_of_another_take_has_another_tag(server, take):
    with server.websocket() as ws:
        replies = ws.render("repaint", source="song.wav", start=1000, end=3000, seed=99)
        other = next(reply["take"] for reply in replies if reply.name == "take")
    tags = {ask(server, "HEAD", f"/takes/{one}/song.wav")[1]["ETag"] for one in (take, other)}
    assert len(tags) == 2


def test_a_damaged_song_is_not_sent(server, take):
    (record,) = (one for one in server.takes() if one.id == take)
    path = server.server.store.blobs.path(record.parent)
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    try:
        status, _, body = ask(server, "GET", f"/takes/{take}/song.wav")
        assert (status, b"damaged" in body) == (404, True)
    finally:
        path.write_bytes(data)


@pytest.mark.parametrize("digest", ["0" * 64, "nonsense", "A" * 64, "..%2f..%2fx"])
def test_audio_that_is_not_there(server, digest):
    assert ask(server, "GET", f"/audio/{digest}.wav")[0] == 404


def test_exports_and_nothing_beyond_their_folder(server, take):
    with server.websocket() as ws:
        made = ws.call("export", what="take", name=take, format="rpp")
    folder = server.settings.store / "exports"
    for file in made["files"]:
        name = file.removeprefix(f"{folder}/")
        assert name != file
        status, headers, body = ask(server, "GET", f"/exports/{name.replace(' ', '%20')}")
        assert status == 200
        assert "attachment" in headers["Content-Disposition"]
        with open(file, "rb") as written:
            assert hashlib.sha256(body).digest() == hashlib.file_digest(written, "sha256").digest()
    (folder / "out").symlink_to(server.settings.store)
    for name in (
        "",
        "none.rpp",
        "../server.json",
        "..%2fserver.json",
        "out/server.json",
        "%2fetc%2fpasswd",
        "%00",
    ):
        assert ask(server, "GET", f"/exports/{name}")[0] == 404, name
