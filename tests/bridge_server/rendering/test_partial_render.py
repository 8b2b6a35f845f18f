"""A render in progress, read as far as it has come."""

import numpy as np

from bridge_server.engines.messages import ChildPiece
from bridge_server.rendering.partial_render import PartialRenders, RenderFinished, RenderGrew, auditioned_take
from bridge_server.sessions.events import Events
from tests.bridge_server.partial_renders import BAR, RENDER, begun, grow


def test_pieces_are_read_as_they_come(tmp_path):
    render, writers = begun(tmp_path)
    assert render.samples is None
    for frames in (1000, 1, 40000):
        assert grow(render, writers, frames)
        assert np.array_equal(render.samples[: render.ready], RENDER[: render.ready])
    assert render.ready == 41001
    writers.close()


def test_stems_that_are_not_played_are_left_alone(tmp_path):
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


def test_events_say_how_a_render_grows_and_what_becomes_of_it(tmp_path):
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
