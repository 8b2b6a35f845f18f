"""A render under way, read as far as it has come, and the scene it makes."""

import numpy as np
import pytest

from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.partial_scene import partial_scene
from bridge_server.engines.child import StemWriters
from bridge_server.engines.messages import ChildPiece
from bridge_server.jobs.job import Job
from bridge_server.rendering.partial_render import (
    PartialRender,
    PartialRenders,
    RenderFinished,
    RenderGrew,
    auditioned_take,
)
from bridge_server.sessions.events import Events
from clip_store.audio.audio import Audio, Encoding
from daw_protocol.requests import Accompany, Extract, Repaint
from model.engine import Piece
from tests.bridge_server.renders import order_for

RATE = 48000
BAR = RATE  # 4/4 at 240 BPM
SONG = np.random.default_rng(0).uniform(-0.3, 0.3, (8 * BAR, 2)).astype(np.float32)
RENDER = np.random.default_rng(1).uniform(-0.3, 0.3, (2 * BAR, 2)).astype(np.float32)


def begun(folder, request=Repaint, **more):
    """A render of bars 3 and 4, and what its engine's process writes with."""
    asked = request(bpm=240, bars="3-4", source="x", source_position=1000, **more)
    order = order_for(asked, Audio(SONG.copy(), RATE, Encoding.FLOAT))
    job = Job(id="j1", client="c", request_id="r", command=asked.task, request=asked.to_fields())
    return PartialRender(job, 1, order.plan, order.song, folder), StemWriters(folder, 2)


def grow(render, writers, frames, stem="mix"):
    first = render.plan.region_in_song.start + render.announced
    writers.write(Piece(stem, first, RENDER[render.announced : render.announced + frames]))
    heard = render.accept(ChildPiece(1, stem, first, frames))
    render.catch_up()
    return heard


def test_pieces_are_read_as_they_come(tmp_path):
    render, writers = begun(tmp_path)
    assert render.samples is None
    for frames in (1000, 1, 40000):
        assert grow(render, writers, frames)
        assert np.array_equal(render.samples[: render.ready], RENDER[: render.ready])
    assert render.ready == 41001
    writers.close()


def test_what_is_not_heard_is_left_alone(tmp_path):
    render, writers = begun(tmp_path)
    assert not render.accept(ChildPiece(1, "handles", 0, 100))
    grow(render, writers, 500)
    assert not render.accept(ChildPiece(1, "bass", render.plan.region_in_song.start, 100))  # another stem
    assert not render.accept(ChildPiece(1, "mix", render.plan.region_in_song.start, 100))  # out of order
    assert not render.accept(
        ChildPiece(1, "mix", render.plan.region_in_song.start + 500, 2 * BAR)
    )  # too much
    assert render.announced == 500
    writers.close()


def test_a_render_whose_files_have_gone_keeps_what_was_read(tmp_path):
    render, writers = begun(tmp_path)
    grow(render, writers, 500)
    render.accept(ChildPiece(1, "mix", render.plan.region_in_song.start + 500, 500))
    writers.close()
    for file in tmp_path.iterdir():
        file.unlink()
    render.catch_up()
    assert render.ready == 500


@pytest.mark.parametrize(
    ("ready", "up_to"), [(0, 3), (BAR // 2, 3), (BAR - 1, 3), (BAR, 4), (2 * BAR - 1, 4), (2 * BAR, None)]
)
def test_there_is_something_to_play_up_to_a_bar_line(tmp_path, ready, up_to):
    # The region begins on bar 3's line of the timeline; the song lies 1000 samples late on it.
    render, writers = begun(tmp_path)
    if ready:
        grow(render, writers, ready)
    scene = partial_scene(render, LayeredAudio(SONG, RATE), 1, 1)
    assert scene.ready == (None if up_to is None else (up_to - 1) * BAR)
    assert scene.waits == (up_to == 3)
    assert (scene.loop_range.start, scene.loop_range.end) == (BAR, 5 * BAR)
    assert scene.origin == 1000
    writers.close()


def test_the_render_is_faded_in_from_the_song(tmp_path):
    render, writers = begun(tmp_path, crossfade=10)
    grow(render, writers, BAR)
    start = 2 * BAR - 1000  # of the region, in the song
    lane = partial_scene(render, LayeredAudio(SONG, RATE), 1, 1).audio["take"]
    found = lane.read(start, BAR)
    fade = RATE // 100
    share = (np.arange(fade) + 0.5)[:, None] / fade
    assert np.allclose(
        found[:fade], SONG[start : start + fade] * (1 - share) + RENDER[:fade] * share, atol=1e-6
    )
    assert np.array_equal(found[fade:], RENDER[fade:BAR])
    assert np.array_equal(lane.read(0, start), SONG[:start])
    writers.close()


def test_a_backing_plays_along_and_a_stem_alone(tmp_path):
    for request, stem in ((Accompany, "mix"), (Extract, "vocals")):
        folder = tmp_path / stem
        folder.mkdir()
        render, writers = begun(folder, request)
        grow(render, writers, BAR, stem)
        start = render.plan.region_in_song.start
        found = partial_scene(render, LayeredAudio(SONG, RATE), 0, 0).audio["take"].read(start, BAR)
        expected = RENDER[:BAR] + (SONG[start : start + BAR] if request is Accompany else 0)
        assert np.allclose(found, expected, atol=1e-7)
        writers.close()


def test_events_tell_how_a_render_grows_and_what_becomes_of_it(tmp_path):
    events, grown, finished = Events(), [], []
    events.subscribe(RenderGrew, lambda event: grown.append(event.render.announced))
    events.subscribe(RenderFinished, lambda event: finished.append(event.takes))
    renders = PartialRenders(events)
    render, _ = begun(tmp_path)
    renders.begin(render)
    renders.piece(ChildPiece(1, "mix", render.plan.region_in_song.start, 100))
    renders.piece(ChildPiece(1, "handles", 0, 100))
    assert grown == [0, 100]
    renders.finish(())
    assert finished == [()]
    renders.begin(render)
    renders.over("another job")
    assert renders.current is render
    renders.over("j1")
    assert renders.current is None
    renders.piece(ChildPiece(1, "mix", render.plan.region_in_song.start + 100, 100))
    assert grown == [0, 100, 100]
    assert auditioned_take(render, ()) is None
