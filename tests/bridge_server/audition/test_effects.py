"""Effects of the audition: frozen values, and the controller carries out each with one call."""

import asyncio
import contextlib
import dataclasses
import inspect
from typing import get_args

import numpy as np
import pytest

from bridge_server.audition import effects
from bridge_server.audition.controller import AuditionController
from bridge_server.audition.effects import (
    AlignPlayback,
    ChangePlayback,
    Effect,
    MutePlayback,
    StartPlayback,
    StopPlayback,
    SwitchTransport,
)
from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.scene import TAKE, PlaybackOptions, Scene
from bridge_server.jobs.database import open_database
from bridge_server.rendering.partial_render import PartialRenders
from bridge_server.sessions.events import Events
from bridge_server.supervisor import Supervisor
from clip_store.store import ClipStore
from daw_protocol.timeline import Span, TempoMap

AUDIO = LayeredAudio(np.zeros((1000, 2), np.float32), 100)
SCENE = Scene("here", {TAKE: AUDIO}, 0, TempoMap.constant(120), Span(200, 600), take="t1")
OPTIONS = PlaybackOptions(TAKE)
FREE = PlaybackOptions(TAKE, free=True)
DEFINED = [
    kind
    for _, kind in inspect.getmembers(effects, dataclasses.is_dataclass)
    if kind.__module__ == effects.__name__
]


def place(audible, frame, rate):
    """Where a transport is that stands at its beginning."""
    return 0.0


class Recorder:
    """Stands for the player and the transport: writes down what is called."""

    playback = None

    def __init__(self, position=None):
        self.calls, self._position, self.scene = [], position, None

    def __getattr__(self, name):
        def call(*given):
            self.calls.append((name, *given))

        return call

    def position(self):
        return self._position

    async def follow(self, what, port):
        self.calls.append(("follow", what, port))

    async def close(self):
        """The controller ends."""


def carried_out(folder, effect, position=None):
    """What the controller calls for an effect while the transport is at `position`."""

    async def run():
        events, supervisor = Events(), Supervisor()
        with contextlib.closing(open_database(folder / "takes.db")) as connection:
            store = ClipStore(folder / "store", connection)
            controller = AuditionController(store, PartialRenders(events), events, supervisor)
            player, transport = Recorder(), Recorder(position)
            controller.player, controller.transport_sync = player, transport
            await controller._run(effect)
            calls = player.calls + transport.calls
            player.close = lambda: None
            await controller.close()
            await supervisor.close()
        return calls, transport.scene

    return asyncio.run(run())


def test_every_effect_is_in_the_union():
    assert set(get_args(Effect)) == set(DEFINED)


@pytest.mark.parametrize("kind", DEFINED)
def test_an_effect_is_a_value(kind):
    one, same = (kind(*(str(field.name) for field in dataclasses.fields(kind))) for _ in range(2))
    assert one == same
    for field in dataclasses.fields(kind):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, field.name, None)


CALLS = [
    (StartPlayback(SCENE, OPTIONS), ("play", SCENE, OPTIONS, 200)),
    (ChangePlayback(SCENE, OPTIONS), ("change", SCENE, OPTIONS, None)),
    (ChangePlayback(SCENE, OPTIONS, 300), ("change", SCENE, OPTIONS, 300)),
    (StopPlayback(), ("stop",)),
    (MutePlayback(), ("mute",)),
    (AlignPlayback(SCENE, FREE, place), ("align", SCENE, FREE, place)),
    (SwitchTransport("midi", "clock"), ("follow", "midi", "clock")),
]


def test_every_effect_is_tried_here():
    assert {type(effect) for effect, _ in CALLS} == set(DEFINED)


@pytest.mark.parametrize(("effect", "call"), CALLS)
def test_an_effect_is_one_call(tmp_path, effect, call):
    assert carried_out(tmp_path, effect)[0] == [call]


@pytest.mark.parametrize(
    ("options", "transport", "position"), [(OPTIONS, 450, 200), (FREE, 450, 450), (FREE, None, 200)]
)
def test_playback_starts_where_the_followed_transport_is(tmp_path, options, transport, position):
    calls, scene = carried_out(tmp_path, StartPlayback(SCENE, options), transport)
    assert calls == [("play", SCENE, options, position)]
    assert scene is SCENE, "the transport is read in the time of the scene that plays"
