"""Renders in progress, read as far as they have come and kept apart."""

import numpy as np

from bridge_server.rendering.partial_render import PartialRenders, RenderFinished, RenderGrew, auditioned_take
from bridge_server.sessions.events import Events
from tests.bridge_server.partial_renders import BAR, RENDER, SONG, begun, grow, written


def test_pieces_are_read_as_they_come(tmp_path):
    render, writers = begun(tmp_path)
    assert render.samples is None
    for frames in (1000, 1, 40000):
        assert grow(render, writers, frames)
        assert np.array_equal(render.samples[: render.ready], RENDER[: render.ready])
    assert render.ready == 41001
    writers.close()


def test_pieces_lie_on_the_songs_offset_as_the_finished_take_does(tmp_path):
    """A thump would be heard where the song goes on."""
    render, writers = begun(tmp_path, song=SONG + np.float32([50, 0]))
    for frames in (1000, 40000):
        grow(render, writers, frames)
    writers.close()
    assert render.ready == 41000
    lifted = render.samples[:41000] - RENDER[:41000]
    assert np.abs(lifted - [50, 0]).max() < 0.05


def test_stems_that_are_not_played_are_left_alone(tmp_path):
    render, writers = begun(tmp_path)
    assert not render.accept(written(render, tmp_path, 100, "handles", start=0))
    grow(render, writers, 500)
    start = render.plan.region_in_song.start
    assert not render.accept(written(render, tmp_path, 100, "bass")), "another stem"
    assert not render.accept(written(render, tmp_path, 100)), "less than there was"
    assert not render.accept(written(render, tmp_path, 600, start=start + 1)), "another region"
    assert not render.accept(written(render, tmp_path, 2 * BAR + 1)), "too much"
    assert render.announced == 500
    writers.close()


def test_a_render_whose_files_have_gone_keeps_what_was_read(tmp_path):
    render, writers = begun(tmp_path)
    grow(render, writers, 500)
    render.accept(written(render, tmp_path, 1000))
    writers.close()
    for file in tmp_path.iterdir():
        file.unlink()
    render.catch_up()
    assert render.ready == 500


def test_events_say_how_a_render_grows_and_what_becomes_of_it(tmp_path):
    events, grown, finished = Events(), [], []
    events.subscribe(RenderGrew, lambda event: grown.append(event.render.announced))
    events.subscribe(RenderFinished, lambda event: finished.append(event.takes))
    renders = PartialRenders(events)
    render, _ = begun(tmp_path)
    renders.begin(render)
    renders.grown("j1", 1, written(render, tmp_path, 100))
    renders.grown("j1", 1, written(render, tmp_path, 100, "handles", start=0))
    assert grown == [0, 100]
    renders.finish("j1", 1, ())
    assert finished == [()]
    renders.begin(render)
    renders.over("another job")
    assert renders.of_job("j1") is render
    renders.over("j1")
    assert renders.of_job("j1") is None
    renders.grown("j1", 1, written(render, tmp_path, 200))
    assert grown == [0, 100, 100]
    assert auditioned_take(render, ()) is None


def test_several_renders_grow_each_by_itself(tmp_path):
    """Of two jobs, and of two takes of one."""
    events, grown = Events(), []
    events.subscribe(
        RenderGrew,
        lambda event: grown.append((event.render.job.id, event.render.number, event.render.announced)),
    )
    renders = PartialRenders(events)
    found = {}
    for job, number in (("a", 2), ("a", 1), ("b", 1)):
        found[job, number], _ = begun(tmp_path, job_id=job, number=number)
        renders.begin(found[job, number])
    assert renders.of_job("a") is found["a", 1], "the first take"
    grown.clear()
    renders.grown("a", 2, written(found["a", 2], tmp_path, 300))
    renders.grown("b", 1, written(found["b", 1], tmp_path, 100))
    assert grown == [("a", 2, 300), ("b", 1, 100)]
    assert found["a", 1].announced == 0
    renders.finish("a", 1, ())
    assert renders.of_job("a") is found["a", 2]
    renders.over("a")
    assert (renders.of_job("a"), renders.of_job("b")) == (None, found["b", 1])


def test_a_take_that_is_rendered_again_keeps_what_was_read(tmp_path):
    """It gives the same samples again: what plays need not stop for them."""
    renders = PartialRenders(Events())
    first, writers = begun(tmp_path)
    renders.begin(first)
    grow(first, writers, 500)
    writers.close()
    again, writers = begun(tmp_path)
    renders.begin(again)
    assert (again.announced, again.ready) == (0, 500)
    grow(again, writers, 200)
    assert again.ready == 500
    grow(again, writers, 600)
    assert again.ready == 800
    assert np.array_equal(again.samples[:800], RENDER[:800])
    writers.close()
