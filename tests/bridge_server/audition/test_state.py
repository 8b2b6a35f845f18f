"""What a state says of the scene, the job and the bars."""

import numpy as np
import pytest

from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.scene import TAKE, Scene
from bridge_server.audition.state import DEFAULT_BARS, Bars, ControllerState, Playing, Stopped, Waiting
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import Span, TempoMap

BARS = Bars(0, 4)
AUDIO = LayeredAudio(np.zeros((10, 2), np.float32), 48000)
RENDER = Scene("here", {TAKE: AUDIO}, 0, TempoMap.constant(120), Span(0, 10), job="j1")


@pytest.mark.parametrize(
    ("activity", "scene", "job", "bars"),
    [
        (Stopped(), None, "", DEFAULT_BARS),
        (Waiting("j2", BARS), None, "j2", BARS),
        (Playing(RENDER, BARS), RENDER, "j1", BARS),
    ],
)
def test_scene_job_and_bars_follow_from_the_activity(activity, scene, job, bars):
    state = ControllerState(activity)
    assert (state.scene, state.job, state.render_bars) == (scene, job, bars)


def test_only_a_scene_is_playing():
    assert ControllerState(Playing(RENDER, BARS)).playing().scene is RENDER
    for activity in (Stopped(), Waiting("j1", BARS)):
        with pytest.raises(ProtocolError) as raised:
            ControllerState(activity).playing()
        assert raised.value.code is ErrorCode.NOT_PLAYING


def test_bars_that_are_not_given_are_the_usual_ones():
    state = ControllerState(bars=Bars(3, 5))
    assert state.bars_or(None, None) == Bars(3, 5)
    assert state.bars_or(0, None) == Bars(0, 5)
    assert state.bars_or(None, 0) == Bars(3, 0)
