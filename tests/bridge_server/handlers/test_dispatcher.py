"""Exact position and an untouched outside, through the whole server, in every format a project can have.

What comes back is read by libsndfile and wavinfo, not by our own code.
"""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
import soundfile
from wavinfo import WavInfoReader

from bridge_server.settings import Limits
from tests.bridge_server.peers import noise_song
from tests.bridge_server.servers import server_fixture

RATES = (44100, 48000, 88200, 96000)
SUBTYPES = ("PCM_16", "PCM_24", "FLOAT")
FRAMES = 9001  # odd, and of no musical length
POSITION = 1_000_003  # where the song lies on the timeline

REGIONS = {
    "start": ("repaint", 0, 2000),
    "middle": ("repaint", 3001, 6002),
    "end": ("repaint", 7000, FRAMES),
    "whole": ("repaint", 0, FRAMES),
    "one frame": ("repaint", 4500, 4501),
    "beyond the end": ("complete", FRAMES, FRAMES + 3000),
}
EDGES = {
    "first frame": ("repaint", 0, 1),
    "last frame": ("repaint", FRAMES - 1, FRAMES),
    "over the end": ("complete", FRAMES - 500, FRAMES + 500),
    "one frame more": ("complete", FRAMES, FRAMES + 1),
}


def formats():
    """Every combination; of two that differ in one thing only, one is left to the slow tests."""
    for number, (rate, subtype, channels) in enumerate(itertools.product(RATES, SUBTYPES, (1, 2))):
        quick = (number + number // 2 + number // 6) % 2 == 0
        yield pytest.param(rate, channels, subtype, marks=() if quick else pytest.mark.slow)


server = server_fixture(limits=Limits(queued_jobs=1000))


def read(data: bytes | str) -> tuple[np.ndarray, int, str]:
    """The file's own codes, unscaled: [frames, channels]."""
    with soundfile.SoundFile(io.BytesIO(data) if isinstance(data, bytes) else data) as file:
        dtype = "float32" if file.subtype == "FLOAT" else "int32"
        return file.read(dtype=dtype, always_2d=True), file.samplerate, file.subtype


@pytest.mark.parametrize(("rate", "channels", "subtype"), list(formats()))
def test_a_clip_lies_where_it_was_asked_for_and_nothing_else_changes(server, rate, channels, subtype):
    render_and_check(server, rate, channels, subtype, REGIONS)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_first_and_the_last_frame(server, channels):
    render_and_check(server, 44100, channels, "PCM_16", EDGES)


def render_and_check(server, rate, channels, subtype, regions):
    """Asks for every region of one song at once, then looks at every take."""
    path = server.settings.roots[0] / f"{rate} {channels} {subtype}.wav"
    source, *_ = read(str(noise_song(path, FRAMES, rate, channels, subtype, seed=rate + channels)))
    with server.websocket() as ws:
        jobs = {
            name: ws.call(
                task, source=path.name, source_position=POSITION, start=POSITION + start, end=POSITION + end,
                seed=7, handles=0.01, takes=1,
            )["job"]
            for name, (task, start, end) in regions.items()
        }  # fmt: skip
        takes = {}
        for name, job in jobs.items():
            replies = ws.until_end(job)
            assert replies[-1].name == "done", (name, replies[-1])
            (takes[name],) = [reply for reply in replies if reply.name == "take"]
        for name, (_, start, end) in regions.items():
            check(ws, takes[name], source, rate, subtype, start, end)


def check(ws, take, source, rate, subtype, start, end):
    """The clip's file and the song with it in place, against the source."""
    assert (take["position"], take["length"], take["rate"]) == (POSITION + start, end - start, rate)
    clip, clip_rate, clip_subtype = read(take["path"])
    assert (len(clip), clip_rate, clip_subtype) == (end - start, rate, subtype)
    assert WavInfoReader(take["path"]).bext.time_reference == POSITION + start
    song, *_ = read(ws.fetch(take["take"], "song"))
    assert len(song) == max(FRAMES, end)
    assert np.array_equal(song[:start], source[:start])
    assert np.array_equal(song[end:], source[end:])
    assert np.array_equal(song[start:end], clip)
    inside = source[start:end]
    assert not np.array_equal(clip[: len(inside)], inside) or end > FRAMES, "the inside did change"


def test_a_project_at_another_rate_than_the_file(server):
    """The take lies in the project: its position and length are in the project's samples."""
    path = noise_song(server.settings.roots[0] / "other rate.wav", 44100, 44100)
    with server.websocket() as ws:
        replies = ws.render("repaint", source=path.name, rate=48000, start=12000, end=24000)
        (take,) = [reply for reply in replies if reply.name == "take"]
        assert (take["position"], take["length"], take["rate"]) == (12000, 12000, 48000)
        assert len(read(take["path"])[0]) == 12000
        assert len(read(ws.fetch(take["take"], "song"))[0]) == 48000


def test_stems_sum_to_the_source(server):
    path = noise_song(server.settings.roots[0] / "stems.wav", FRAMES)
    with server.websocket() as ws:
        replies = ws.render("extract", source=path.name)
        takes = [reply for reply in replies if reply.name == "take"]
        assert {take["stem"] for take in takes} == {"vocals", "residual"}
        total = sum(soundfile.read(take["path"], dtype="float64", always_2d=True)[0] for take in takes)
    assert np.array_equal(total, soundfile.read(path, dtype="float64", always_2d=True)[0])


def test_takes_of_one_request_differ_and_the_same_seed_gives_the_same(server):
    path = noise_song(server.settings.roots[0] / "seeds.wav", FRAMES)
    asked = {"source": path.name, "start": 1000, "end": 5000, "seed": 3, "takes": 3}
    with server.websocket() as ws:
        runs = [
            [read(r["path"])[0] for r in ws.render("repaint", **asked) if r.name == "take"] for _ in range(2)
        ]
    assert all(np.array_equal(*pair) for pair in zip(*runs, strict=True))
    assert not np.array_equal(runs[0][0], runs[0][1])
    assert not np.array_equal(runs[0][1], runs[0][2])
