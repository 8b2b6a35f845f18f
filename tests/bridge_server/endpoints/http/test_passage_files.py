"""The sound of passages over HTTP from a real server."""

import io

import numpy as np
import pytest
import soundfile

from tests.bridge_server.endpoints.http.asking import ask


@pytest.fixture(scope="module")
def passage(server):
    with server.websocket() as ws:
        replies = ws.render("repaint", source="long.wav", start=48000, end=96000, bpm=120)
        take = next(reply["take"] for reply in replies if reply.name == "take")
        return ws.call("audition.passage", take=take, before=0, after=0)


def read(body):
    return soundfile.read(io.BytesIO(body), dtype="float32", always_2d=True)[0]


def test_a_part_of_a_side(server, passage, songs):
    file, _ = soundfile.read(songs / "long.wav", dtype="float32", always_2d=True)
    mine, original = passage["sides"]
    status, headers, body = server.get(f"{original['url']}&first=1001&frames=77")
    assert (status, headers["Content-Type"]) == (200, "audio/wav")
    assert "immutable" in headers["Cache-Control"]
    assert np.array_equal(read(body), file[1001:1078])
    _, _, body = server.get(mine["url"])
    (take,) = (one for one in server.takes() if one.id == passage["take"])
    clip = server.server.store.blobs.get(take.audio)
    assert np.array_equal(read(body), clip.samples.astype(np.float32))
    part = ask(server, "GET", mine["url"], Range="bytes=100-199")
    assert (part[0], part[2]) == (206, body[100:200])
    assert ask(server, "HEAD", mine["url"])[1]["Content-Length"] == str(len(body))


def test_a_song_without_a_take(server, songs):
    file, _ = soundfile.read(songs / "song.wav", dtype="float32", always_2d=True)
    with server.websocket() as ws:
        found = ws.call("audition.passage", source="song.wav", start=100, end=9000)
    assert (found["start"], found["end"]) == (100, 9000)
    assert np.array_equal(read(server.get(f"{found['sides'][0]['url']}&first=0&frames=50")[2]), file[:50])


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (("sound=", "sound=0"), 409, "accepted now"),
        (("?", "?first=x&"), 400, "whole number"),
        (("?", "?frames=99999999&"), 400, "frames must be"),
        (("?", "?frames=-1&"), 400, "frames must be"),
        (("take.wav", "other.wav"), 404, "nothing at"),
        (("/take.wav", "x/take.wav"), 404, "no take"),
        (("takes/", "songs/"), 404, "nothing at"),
    ],
)
def test_what_there_is_nothing_of(server, passage, change, status, words):
    found, _, body = server.get(passage["sides"][0]["url"].replace(*change))
    assert (found, words in body.decode()) == (status, True), body


@pytest.mark.parametrize("digest", ["0" * 64, "nonsense", "..%2f..%2fx"])
def test_songs_that_are_not_there(server, digest):
    assert server.get(f"/passages/songs/{digest}/original.wav")[0] in (404, 409)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("j1/1/take.wav?sound=x", 409, "has ended"),
        ("j1/1/other.wav", 404, "nothing at"),
        ("j1/one/take.wav", 404, "nothing at"),
        ("..%2f..%2fx/1/take.wav", 404, "nothing at"),
        ("j1/1/take.wav?first=x", 400, "whole number"),
    ],
)
def test_renders_that_are_not_under_way(server, path, status, words):
    found, _, body = server.get(f"/passages/jobs/{path}")
    assert (found, words in body.decode()) == (status, True), body
