"""The audition's rules: states and effects, without a device and without a loop."""

from dataclasses import replace

import numpy as np
import pytest

from bridge_server.audition.commands import (
    AwaitRender,
    Compare,
    Configure,
    DeviceMoved,
    Follow,
    PlayScene,
    RenderBegan,
    RenderDone,
    RenderGrown,
    Seek,
    SetAuto,
    SetBars,
    Stop,
    SwitchTake,
)
from bridge_server.audition.effects import ChangePlayback, StartPlayback, StopPlayback, SwitchTransport
from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.scene import ORIGINAL, TAKE, PlaybackOptions, Scene
from bridge_server.audition.state import Bars, ControllerState, Playing, Stopped, Waiting
from bridge_server.audition.transition import transition
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import Span, TempoMap
from daw_protocol.timeline.position import AtSample

RATE = 100
BARS = Bars(1, 1)
AUDIO = LayeredAudio(np.zeros((1000, 2), np.float32), RATE)
STOPPED = ControllerState()


def scene(**more):
    values = {
        "place": "here", "audio": {TAKE: AUDIO, ORIGINAL: AUDIO}, "origin": 0, "tempo_map": TempoMap.constant(120),
        "loop_range": Span(200, 600), "take": "t1", **more,
    }  # fmt: skip
    return Scene(**values)


TAKE_1 = scene()
RENDER = scene(take="", job="j1", place="render 1", ready=300)


def playing(now=TAKE_1, **more):
    return replace(STOPPED, activity=Playing(now, BARS), **more)


def test_a_take_starts_from_the_beginning_and_opens_the_device():
    after, effects = transition(replace(STOPPED, message="gone"), PlayScene(TAKE_1, ORIGINAL, BARS))
    assert after.activity == Playing(TAKE_1, BARS)
    assert after.options.side == ORIGINAL
    assert after.message == ""
    assert effects == (StartPlayback(TAKE_1, after.options),)


@pytest.mark.parametrize(
    ("next_scene", "continues"),
    [
        (scene(take="t2"), True),
        (scene(take="t1"), False),
        (scene(take="t2", place="elsewhere"), False),
    ],
    ids=["another take of the place", "the same take again", "another place"],
)
def test_only_another_take_of_the_place_continues_at_the_position(next_scene, continues):
    _, (effect,) = transition(playing(), PlayScene(next_scene, TAKE, BARS))
    assert isinstance(effect, ChangePlayback if continues else StartPlayback)


@pytest.mark.parametrize("before", [STOPPED, playing(), replace(STOPPED, activity=Waiting("j1", BARS))])
def test_stop_always_closes_the_device(before):
    after, effects = transition(before, Stop("because"))
    assert (after.activity, after.message) == (Stopped(), "because")
    assert effects == (StopPlayback(),)


@pytest.mark.parametrize("activity", [Stopped(), Waiting("j1", BARS)])
@pytest.mark.parametrize("command", [Compare(), Seek(AtSample(300)), SwitchTake(TAKE_1, only=True)])
def test_what_needs_something_that_plays(activity, command):
    with pytest.raises(ProtocolError) as raised:
        transition(replace(STOPPED, activity=activity), command)
    assert raised.value.code is ErrorCode.NOT_PLAYING
    assert raised.value.remedy


def test_compare_goes_to_the_other_side_and_back_or_to_the_one_named():
    original, effects = transition(playing(), Compare())
    assert original.options.side == ORIGINAL
    assert effects == (ChangePlayback(TAKE_1, original.options),)
    assert transition(original, Compare()).state.options.side == TAKE
    assert transition(original, Compare(ORIGINAL)).state.options.side == ORIGINAL


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (scene(audio={TAKE: AUDIO}), "no source song"),
        (scene(audio={ORIGINAL: AUDIO}, take=""), "Only the song"),
    ],
)
def test_a_missing_side_is_refused(now, words):
    state = playing(now, options=PlaybackOptions(TAKE if TAKE in now.audio else ORIGINAL))
    with pytest.raises(ProtocolError, match=words):
        transition(state, Compare())


def test_the_next_take_keeps_the_loop_range_that_plays():
    now = scene(loop_range=Span(250, 300))
    after, (effect,) = transition(
        playing(now, options=PlaybackOptions(ORIGINAL)), SwitchTake(scene(take="t2"), only=False)
    )
    assert (after.scene.take, after.scene.loop_range, after.options.side) == ("t2", Span(250, 300), TAKE)
    assert effect == ChangePlayback(after.scene, after.options)
    assert transition(playing(), SwitchTake(TAKE_1, only=True)).state.message == "This is the only take here."


def test_settings_are_kept_while_nothing_plays_and_change_what_plays():
    after, effects = transition(STOPPED, Configure(gain_db=-6))
    assert (after.options, effects) == (PlaybackOptions(TAKE, gain_db=-6), ())
    after, effects = transition(playing(options=after.options), Configure(loops=False, match=False))
    assert after.options == PlaybackOptions(TAKE, loops=False, gain_db=-6, match=False)
    assert effects == (ChangePlayback(TAKE_1, after.options),)


@pytest.mark.parametrize(("position", "start"), [(300, None), (600, 200), (10, 200)])
def test_other_bars_continue_or_start_again_outside_the_range(position, start):
    wider = scene()
    after, effects = transition(playing(), SetBars(Bars(4, 4), wider, position))
    assert (after.bars, after.activity) == (Bars(4, 4), Playing(wider, Bars(4, 4)))
    assert effects == (ChangePlayback(wider, after.options, start),)


def test_other_bars_reach_a_render_too():
    waiting = replace(STOPPED, activity=Waiting("j1", BARS))
    assert transition(waiting, SetBars(Bars(0, 3), None, 0)).state.render_bars == Bars(0, 3)
    after, effects = transition(playing(RENDER), SetBars(Bars(0, 3), None, 0))
    assert (after.render_bars, after.scene, effects) == (Bars(0, 3), RENDER, ())
    assert transition(STOPPED, SetBars(Bars(0, 3), None, 0)).state.render_bars == Bars(0, 3)


def test_a_seek_is_refused_while_the_daw_sets_the_position():
    _, effects = transition(playing(), Seek(AtSample(444)))
    assert effects == (ChangePlayback(TAKE_1, PlaybackOptions(TAKE), 444),)
    following = transition(playing(), Follow("osc")).state
    with pytest.raises(ProtocolError, match="DAW sets the position"):
        transition(following, Seek(AtSample(444)))


def test_following_frees_what_plays_from_its_loop():
    after, effects = transition(playing(), Follow("midi", "clock"))
    assert after.options.free
    assert effects == (SwitchTransport("midi", "clock"), ChangePlayback(TAKE_1, after.options))
    after, effects = transition(replace(after, activity=Stopped()), Follow("none"))
    assert (after.options.free, effects) == (False, (SwitchTransport("none", ""),))


def test_a_render_that_is_waited_for_starts_with_its_first_bar_and_grows_on():
    waiting, effects = transition(playing(), AwaitRender("j1", BARS))
    assert (waiting.activity, waiting.job, waiting.scene) == (Waiting("j1", BARS), "j1", None)
    assert waiting.message.startswith("Queued.")
    assert effects == (StopPlayback(),)
    first, effects = transition(waiting, RenderGrown(RENDER, BARS, silent=True))
    assert (first.job, first.message) == ("j1", "")
    assert effects == (StartPlayback(RENDER, first.options),)
    assert transition(first, RenderGrown(replace(RENDER), BARS, silent=False)) == (
        first,
        (),
    )  # no further bar
    longer = replace(RENDER, ready=500)
    grown, effects = transition(first, RenderGrown(longer, BARS, silent=False))
    assert (grown.scene, effects) == (longer, (ChangePlayback(longer, grown.options),))


def test_a_render_that_waits_in_silence_has_no_position_to_continue_from():
    longer = replace(RENDER, ready=500)
    _, (effect,) = transition(playing(RENDER), RenderGrown(longer, BARS, silent=True))
    assert isinstance(effect, StartPlayback)


def test_a_render_asked_for_with_other_bars_gets_them_at_once():
    wider = replace(RENDER, loop_range=Span(100, 700))
    after, effects = transition(playing(RENDER), RenderGrown(wider, Bars(2, 2), silent=False))
    assert after.render_bars == Bars(2, 2)
    assert effects == (ChangePlayback(wider, after.options),)


def test_the_take_of_a_render_continues_on_its_side():
    state = playing(RENDER, options=PlaybackOptions(ORIGINAL))
    after, effects = transition(state, RenderDone("j1", TAKE_1, BARS, silent=False))
    assert (after.job, after.scene, after.options.side) == ("", TAKE_1, ORIGINAL)
    assert effects == (ChangePlayback(TAKE_1, after.options),)


def test_a_take_that_is_done_before_any_bar_played_starts():
    waiting = replace(STOPPED, activity=Waiting("j1", BARS), options=PlaybackOptions(ORIGINAL))
    after, effects = transition(waiting, RenderDone("j1", TAKE_1, BARS, silent=True))
    assert after.options.side == TAKE
    assert effects == (StartPlayback(TAKE_1, after.options),)


def test_the_take_of_another_job_changes_nothing():
    assert transition(playing(RENDER), RenderDone("j2", TAKE_1, BARS, silent=False)) == (playing(RENDER), ())


@pytest.mark.parametrize("auto", [True, False])
def test_a_render_starts_by_itself_only_if_asked_to_and_nothing_else_plays(auto):
    state = transition(STOPPED, SetAuto(auto)).state
    begun = transition(state, RenderBegan("j1")).state
    assert begun.activity == (Waiting("j1", state.bars) if auto else Stopped())
    busy = replace(state, activity=Playing(TAKE_1, BARS))
    assert transition(busy, RenderBegan("j1")) == (busy, ())


def test_a_lost_device_is_a_message():
    after, effects = transition(playing(), DeviceMoved("Interface", "Built-in"))
    assert after.message == "Interface was disconnected; playing on through Built-in."
    assert (after.activity, effects) == (Playing(TAKE_1, BARS), ())
