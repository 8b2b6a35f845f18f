"""The audition's rules: from a state and a command to the next state and what is to be done for it. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, assert_never

from bridge_server.audition.commands import (
    NO_TRANSPORT,
    AwaitRender,
    Command,
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
from bridge_server.audition.effects import (
    ChangePlayback,
    Effect,
    StartPlayback,
    StopPlayback,
    SwitchTransport,
)
from bridge_server.audition.scene import ORIGINAL, TAKE, PlaybackOptions, Scene, not_playing
from bridge_server.audition.state import ControllerState, Playing, Stopped, Waiting
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests.span_between import resolved

MAX_MESSAGE = 2000


class Transition(NamedTuple):
    """The next state, valid once all effects are done, in order."""

    state: ControllerState
    effects: tuple[Effect, ...] = ()


def transition(state: ControllerState, command: Command) -> Transition:
    """Carries out one command. Raises ProtocolError when it is refused; the state is then the one before."""
    match command:
        case PlayScene():
            return _play(state, command)
        case AwaitRender(job, bars):
            waiting = "Queued. Playback starts when the first bar is rendered."
            return Transition(replace(state, activity=Waiting(job, bars), message=waiting), (StopPlayback(),))
        case Stop(message):
            stopped = replace(state, activity=Stopped(), message=message[:MAX_MESSAGE])
            return Transition(stopped, (StopPlayback(),))
        case Compare(side):
            return _compare(state, side)
        case SwitchTake():
            return _switch_take(state, command)
        case Configure():
            return _configure(state, command)
        case SetBars():
            return _set_bars(state, command)
        case Seek():
            return _seek(state, command)
        case Follow(what, port):
            options = replace(state.options, free=what != NO_TRANSPORT)
            changed = _changed(state, options)
            return Transition(changed.state, (SwitchTransport(what, port), *changed.effects))
        case SetAuto(on):
            return Transition(replace(state, auto=on, message=""))
        case RenderBegan(job):
            starts = state.auto and isinstance(state.activity, Stopped)
            return Transition(
                replace(state, activity=Waiting(job, state.bars), message="") if starts else state
            )
        case RenderGrown():
            return _render_grown(state, command)
        case RenderDone():
            return _render_done(state, command)
        case DeviceMoved(lost, now):
            message = f"{lost} was disconnected; playing on through {now}."
            return Transition(replace(state, message=message[:MAX_MESSAGE]))
        case _:
            assert_never(command)


def _play(state: ControllerState, command: PlayScene) -> Transition:
    """Another take or mix of the place that plays continues at the same position; the same one starts again."""
    scene, now = command.scene, state.scene
    options = replace(state.options, side=command.side)
    continues = (
        now is not None and now.place == scene.place and (now.take, now.stems) != (scene.take, scene.stems)
    )
    playing = replace(state, activity=Playing(scene, command.bars), options=options, message="")
    return Transition(playing, (_shown(scene, options, continues=continues),))


def _compare(state: ControllerState, side: str | None) -> Transition:
    scene = state.playing().scene
    side = side or (ORIGINAL if state.options.side == TAKE else TAKE)
    if side not in scene.audio:
        raise ProtocolError(
            ErrorCode.NOT_PLAYING,
            "There is no original to compare with: the take has no source song."
            if scene.take or scene.job
            else "Only the song is playing, no take.",
            "Play a take that was made for a song.",
            "side",
        )
    return _changed(state, replace(state.options, side=side))


def _switch_take(state: ControllerState, command: SwitchTake) -> Transition:
    playing = state.playing()
    now = playing.scene
    scene = replace(command.scene, loop_range=now.loop_range, bounded=now.bounded)
    switched = replace(state, activity=Playing(scene, playing.bars))
    message = "This is the only take here." if command.only else ""
    return _changed(switched, replace(state.options, side=TAKE), message)


def _configure(state: ControllerState, command: Configure) -> Transition:
    options = state.options
    return _changed(
        state,
        replace(
            options,
            loops=options.loops if command.loops is None else command.loops,
            gain_db=options.gain_db if command.gain_db is None else command.gain_db,
            match=options.match if command.match is None else command.match,
        ),
    )


def _set_bars(state: ControllerState, command: SetBars) -> Transition:
    """The take continues at its position, or starts again if that lies outside the new loop range."""
    state = replace(state, bars=command.bars, message="")
    match state.activity:
        case Waiting(job):
            return Transition(replace(state, activity=Waiting(job, command.bars)))
        case Playing(now):
            scene = command.scene or now
            state = replace(state, activity=Playing(scene, command.bars))
            if scene is now:
                return Transition(state)
            start, end = scene.loop_range.start, scene.loop_range.end
            inside = state.options.free or start <= command.position < end
            change = ChangePlayback(scene, state.options, None if inside else start)
            return Transition(state, (change,))
        case _:
            return Transition(state)


def _seek(state: ControllerState, command: Seek) -> Transition:
    scene = state.playing().scene
    if state.options.free:
        raise not_playing(
            "The audition follows the DAW's transport, so the DAW sets the position.",
            "Move the DAW's playhead, or let the audition follow none.",
        )
    position = resolved(command.position, "position", scene.tempo_map, scene.rate)
    return Transition(replace(state, message=""), (ChangePlayback(scene, state.options, position),))


def _render_grown(state: ControllerState, command: RenderGrown) -> Transition:
    """A render plays up to its last full bar; more audio without another bar changes nothing."""
    scene, now = command.scene, state.scene
    same = now is not None and now.place == scene.place
    if same and now is not None and (now.ready, now.loop_range) == (scene.ready, scene.loop_range):
        return Transition(state)
    options = state.options if same else replace(state.options, side=TAKE)
    playing = replace(state, activity=Playing(scene, command.bars), options=options, message="")
    return Transition(playing, (_shown(scene, options, continues=same and not command.silent),))


def _render_done(state: ControllerState, command: RenderDone) -> Transition:
    """The take continues where its render plays."""
    if state.job != command.job:
        return Transition(state)
    plays = state.scene is not None
    options = state.options if plays else replace(state.options, side=TAKE)
    playing = replace(state, activity=Playing(command.scene, command.bars), options=options, message="")
    return Transition(playing, (_shown(command.scene, options, continues=plays and not command.silent),))


def _shown(scene: Scene, options: PlaybackOptions, *, continues: bool) -> Effect:
    return ChangePlayback(scene, options) if continues else StartPlayback(scene, options)


def _changed(state: ControllerState, options: PlaybackOptions, message: str = "") -> Transition:
    """Other options, for what plays too."""
    effects = () if state.scene is None else (ChangePlayback(state.scene, options),)
    return Transition(replace(state, options=options, message=message), effects)
