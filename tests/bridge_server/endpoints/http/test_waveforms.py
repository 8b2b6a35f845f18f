"""What a panel draws with, over HTTP from a real server."""

import io

import numpy as np
import pytest
import soundfile
from PIL import Image


@pytest.fixture
def digest(ws):
    ws.call("source", source="long.wav")
    return ws.call("focus.show")["song"]["digest"]


def test_peaks_are_binary_and_may_be_kept(server, digest):
    status, headers, body = server.get(f"/peaks/{digest}")
    assert (status, headers["Content-Type"]) == (200, "application/octet-stream")
    assert "immutable" in headers["Cache-Control"]
    assert body[:4] == b"ACEP"


def test_samples_are_those_of_the_file(server, songs, digest):
    file, _ = soundfile.read(songs / "long.wav", dtype="float32", always_2d=True)
    _, _, body = server.get(f"/samples/{digest}?first=1001&frames=77")
    assert np.array_equal(np.frombuffer(body, "<f4").reshape(77, -1), file[1001:1078])
    _, _, body = server.get(f"/samples/{digest}?first={len(file) - 5}&frames=77")
    assert np.array_equal(np.frombuffer(body, "<f4").reshape(5, -1), file[-5:])
    assert server.get(f"/samples/{digest}?first={len(file) + 5}")[2] == b""


def test_a_spectrogram_has_the_size_asked_for_and_shows_the_stretch_asked_for(server, digest, ws, songs):
    tone = np.sin(2 * np.pi * 1000 * np.arange(96000) / 48000) * 0.5
    soundfile.write(songs / "half.wav", np.concatenate([np.zeros(96000), tone]), 48000)
    ws.call("source", source="half.wav")
    half = ws.call("focus.show")["song"]["digest"]
    status, headers, body = server.get(f"/spectrogram/{half}.png?width=300&height=120")
    assert (status, headers["Content-Type"]) == (200, "image/png")
    picture = np.asarray(Image.open(io.BytesIO(body)).convert("L"), dtype=int)
    assert picture.shape == (120, 300)
    assert picture[:, 200:].max() > 4 * picture[:, :100].max()
    _, _, body = server.get(f"/spectrogram/{half}.png?first=0&end=90000&width=50&height=20")
    quiet = np.asarray(Image.open(io.BytesIO(body)).convert("L"))
    assert quiet.max() < 40


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/peaks/{'0' * 64}", 404),
        ("/peaks/nonsense", 400),
        ("/peaks/", 400),
        (f"/samples/{'0' * 64}?first=0", 404),
        ("/samples/DIGEST?first=x", 400),
        ("/samples/DIGEST?first=" + "9" * 4000, 400),
        ("/samples/DIGEST?frames=65537", 400),
        ("/samples/DIGEST?frames=-1", 400),
        ("/spectrogram/DIGEST.png?width=99999", 400),
        ("/spectrogram/DIGEST.png?height=0", 400),
        ("/spectrogram/DIGEST.png?first=5&end=6", 400),
    ],
)
def test_what_makes_no_sense_is_refused_and_harms_nothing(server, digest, path, status):
    found, _, body = server.get(path.replace("DIGEST", digest))
    assert (found, bool(body.strip())) == (status, True)
    assert server.get("/hello.json")[0] == 200
