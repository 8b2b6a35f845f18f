"""Audio in one request."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess

import numpy as np
import pytest
import soundfile

from bridge_server.settings import Limits
from tests.bridge_server.endpoints.http.asking import ask, raw
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in


def test_a_file_becomes_a_source(server, ws, tmp_path):
    path = noise_song(tmp_path / "up.wav", frames=480_000, seed=5)
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    status, _, body = ask(server, "PUT", f"/uploads/My%20Song.wav?sha256={sha256}", data)
    answer = json.loads(body)
    assert (status, answer["bytes"], answer["sha256"]) == (201, len(data), sha256)
    stored = server.server.store.blobs.get(answer["source"].removeprefix("audio:"))
    assert np.array_equal(stored.samples, soundfile.read(path, dtype="float32", always_2d=True)[0])
    replies = ws.render("repaint", source=answer["source"], start=0, end=4800)
    assert replies[-1].name == "done"
    digest = answer["source"].removeprefix("audio:")
    status, headers, body = ask(server, "GET", f"/audio/{digest}.wav")
    assert (status, headers["ETag"], "immutable" in headers["Cache-Control"]) == (200, f'"{digest}"', True)
    assert np.array_equal(soundfile.read(path)[0].shape, (480_000, 2))
    assert len(body) == int(headers["Content-Length"])


@pytest.mark.parametrize(
    ("path", "data", "status", "word"),
    [
        ("/uploads/words.wav", b"la la la" * 100, 422, "words.wav"),
        ("/uploads/x.wav?sha256=" + "0" * 64, b"RIFF", 400, "SHA-256"),
        ("/uploads/x.wav", b"", 400, "empty"),
        ("/uploads/" + "x" * 300, b"RIFF", 400, "must be 1 to 255 characters long, got 300"),
        ("/uploads/a%1Bb.wav", b"RIFF", 422, "a?b.wav is not a sound file"),
        ("/uploads/a%00b.wav", b"RIFF", 400, "must not contain a NUL character"),
        ("/uploads/a%2Fb.wav", b"RIFF", 422, "b.wav"),
        ("/uploads/", b"RIFF", 400, "must be 1 to 255 characters long, got 0"),
    ],
)
def test_what_cannot_be_kept_leaves_nothing(server, path, data, status, word):
    before = server.holdings()
    found, _, body = ask(server, "PUT", path, data)
    assert (found, word in body.decode()) == (status, True), body
    assert server.holdings() == before


def test_a_file_without_a_length_is_refused(server):
    found = raw(
        server,
        "PUT /uploads/x.wav HTTP/1.1",
        "Transfer-Encoding: chunked",
        "Connection: close",
        body=b"0\r\n\r\n",
    )
    assert found.startswith(b"HTTP/1.1 411 ")


def test_too_large_a_file_is_refused_before_it_comes(start_server):
    server = start_server(limits=Limits(upload_bytes=1000))
    found = raw(
        server,
        "PUT /uploads/x.wav HTTP/1.1",
        "Content-Length: 1001",
        "Expect: 100-continue",
        "Connection: close",
    )
    assert found.startswith(b"HTTP/1.1 413 ")
    assert b"the limit is 1000" in found


def test_a_client_that_leaves_half_way_leaves_no_file(server, ws):
    before = server.holdings()
    with pytest.raises(TimeoutError):
        raw(server, "PUT /uploads/x.wav HTTP/1.1", "Content-Length: 1000000", body=bytes(70_000), timeout=1.0)
    while server.holdings() != before:
        ws.call("status")


def test_other_methods(server):
    status, headers, _ = ask(server, "GET", "/uploads/x.wav")
    assert (status, headers["Allow"]) == (405, "OPTIONS, PUT")


def test_curl_sends_a_file(server, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("SKIPPED: curl is not installed (Debian and Ubuntu: apt install curl)")
    path = noise_song(tmp_path / "from curl.wav", frames=96_000, seed=6)
    url = f"http://127.0.0.1:{server.settings.websocket_port}"
    words = ["curl", "-sS", "--noproxy", "*"]
    sent = subprocess.run(
        [*words, "-T", str(path), f"{url}/uploads/"], capture_output=True, timeout=60, check=True
    )
    digest = json.loads(sent.stdout)["source"].removeprefix("audio:")
    back = subprocess.run(
        [*words, "-r", "100-199", f"{url}/audio/{digest}.wav"], capture_output=True, timeout=60, check=True
    )
    whole = server.server.store.blobs.path(digest).read_bytes()
    assert back.stdout == whole[100:200]


def test_what_is_odd_about_a_file_is_noted(server, tmp_path):
    """A recorder that crashed wrote no length."""
    whole = noise_song(tmp_path / "up.wav", frames=4800).read_bytes()
    crashed = bytearray(whole)
    size = crashed.index(b"data") + 4
    crashed[size : size + 4] = bytes(4)
    status, _, body = ask(server, "PUT", "/uploads/crashed.wav", bytes(crashed))
    assert status == 201
    assert json.loads(body)["note"]
    assert "note" not in json.loads(ask(server, "PUT", "/uploads/whole.wav", whole)[2])


def test_an_upload_keeps_its_name_and_is_found_again_after_a_restart(tmp_path):
    first, second = (
        noise_song(tmp_path / name, seed=seed) for seed, name in enumerate(("a.wav", "b.wav"), 1)
    )
    settings = settings_in(tmp_path)
    with ServerThread(settings) as server:
        sources = [
            json.loads(ask(server, "PUT", f"/uploads/{name}", path.read_bytes())[2])["source"]
            for name, path in (("My%20Song.wav", first), ("Old.flac.wav", second), ("Mein%20Lied.wav", first))
        ]
        with server.websocket() as panel:
            panel.call("source", source=sources[0])
            assert panel.call("focus.show")["song"]["title"] == "Mein Lied"
            panel.render("repaint", source=sources[1], start=0, end=4800)
        assert server.takes()[0].title == "Old.flac"
    with ServerThread(settings) as server, server.websocket() as panel:
        found = panel.call("songs.list")
    assert [(one["title"], one["ending"], one["source"]) for one in found["recent"]] == [
        ("Mein Lied", ".wav", sources[0]),
        ("Old.flac", ".wav", sources[1]),
    ]
    assert found["songs"] == []
