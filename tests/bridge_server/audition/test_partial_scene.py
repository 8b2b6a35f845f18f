"""The scene of a render in progress: up to the last bar line rendered."""

import numpy as np
import pytest

from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.partial_scene import partial_scene
from daw_protocol.requests import Accompany, Extract
from tests.bridge_server.partial_renders import BAR, RATE, RENDER, SONG, begun, grow


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
    audio = partial_scene(render, LayeredAudio(SONG, RATE), 1, 1).audio["take"]
    found = audio.read(start, BAR)
    fade = RATE // 100
    share = (np.arange(fade) + 0.5)[:, None] / fade
    assert np.allclose(
        found[:fade], SONG[start : start + fade] * (1 - share) + RENDER[:fade] * share, atol=1e-6
    )
    assert np.array_equal(found[fade:], RENDER[fade:BAR])
    assert np.array_equal(audio.read(0, start), SONG[:start])
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
