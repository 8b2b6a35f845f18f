"""Renders in progress, for tests: what the engine's process has written so far is real."""

import numpy as np

from bridge_server.engines.child import StemWriters
from bridge_server.engines.outcome import StemFile, stem_path
from bridge_server.jobs.job import Job
from bridge_server.rendering.partial_render import PartialRender
from clip_store.audio.audio import Audio, Encoding
from daw_protocol.requests import Repaint
from model.engine import Piece
from tests.bridge_server.renders import order_for

RATE = 48000
BAR = RATE  # 4/4 at 240 BPM
SONG = np.random.default_rng(0).uniform(-0.3, 0.3, (8 * BAR, 2)).astype(np.float32)
RENDER = np.random.default_rng(1).uniform(-0.3, 0.3, (2 * BAR, 2)).astype(np.float32)


def begun(folder, request=Repaint, job_id="j1", number=1, song=SONG, **more):
    """A render of bars 3 and 4, and what its engine's process writes with."""
    asked = request(bpm=240, bars="3-4", source="x", source_position=1000, **more)
    order = order_for(asked, Audio(song.copy(), RATE, Encoding.FLOAT))
    job = Job(id=job_id, client="c", request_id="r", command=asked.task, request=asked.to_fields())
    return PartialRender(job, number, order.plan, order.song), StemWriters(folder, 2)


def written(render, folder, frames, stem="mix", start=None):
    """A stem as far as the engine's process has written it."""
    first = render.plan.region_in_song.start if start is None else start
    return StemFile(stem, first, frames, 2, stem_path(folder, render.number - 1, stem))


def grow(render, writers, frames, stem="mix"):
    first, before = render.plan.region_in_song.start, render.announced
    writers.write(render.number - 1, Piece(stem, first + before, RENDER[before : before + frames]))
    accepted = render.accept(written(render, writers._folder, before + frames, stem))
    render.catch_up()
    return accepted
