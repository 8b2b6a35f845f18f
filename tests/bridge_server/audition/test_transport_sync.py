"""Following a transport: what is opened and closed, and when playback is muted or moved."""

import asyncio
import contextlib
import time

import numpy as np
import pytest

from bridge_server.audition.effects import AlignPlayback, MutePlayback
from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.playback import AudibleFrame
from bridge_server.audition.player import Player
from bridge_server.audition.scene import TAKE, PlaybackOptions, Scene
from bridge_server.audition.transport_sync import TransportSync
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import Span, TempoMap
from daw_protocol.timeline.position import AtSample
from tests.bridge_server.audition.cranked import CrankedDevices

RATE = 48000
FREE = PlaybackOptions(TAKE, free=True)


class Transports:
    """Transports that report when the test says so. Port "busy" cannot be opened."""

    def __init__(self):
        self.reports = {}

    @contextlib.asynccontextmanager
    async def open(self, port, on_reading):
        if port == "busy":
            raise ProtocolError(ErrorCode.NO_DEVICE, "busy cannot be opened.", "Free it.", "port")
        self.reports[port] = on_reading
        try:
            yield
        finally:
            del self.reports[port]


@pytest.fixture
def transports():
    return Transports()


@pytest.fixture
def sync(transports):
    found = TransportSync(Player(CrankedDevices("first")), {"midi": transports.open, "jack": transports.open})
    found.scene = scene()
    yield found
    found._player.close()


def scene():
    audio = LayeredAudio(np.zeros((60 * RATE, 2), np.float32), RATE)
    return Scene("here", {TAKE: audio}, 0, TempoMap.constant(120), Span(0, RATE), take="t1")


def test_another_transport_closes_the_one_before(sync, transports):
    async def follow():
        await sync.follow("midi", "clock")
        assert list(transports.reports) == ["clock"]
        await sync.follow("jack", "")
        assert list(transports.reports) == [""]
        await sync.follow("osc", "")

    asyncio.run(follow())
    assert transports.reports == {}
    assert sync.figures()["follow"] == "osc"


def test_a_transport_that_cannot_be_opened_leaves_the_one_before(sync, transports):
    async def follow():
        await sync.follow("midi", "clock")
        with pytest.raises(ProtocolError):
            await sync.follow("midi", "busy")
        assert list(transports.reports) == ["clock"]
        await sync.close()

    asyncio.run(follow())
    assert sync.figures()["follow"] == "none"


def test_the_same_input_is_not_opened_twice(sync, transports):
    """Windows opens a MIDI input only once."""

    async def follow():
        await sync.follow("midi", "clock")
        opened = transports.reports["clock"]
        await sync.follow("midi", "clock")
        assert transports.reports["clock"] is opened
        await sync.close()

    asyncio.run(follow())


def test_a_reading_before_anything_played_counts_later(sync):
    asyncio.run(sync.follow("osc", ""))
    sync.scene = None
    sync.reading("osc", time.perf_counter(), AtSample(5 * RATE), True)
    assert sync.position() is None
    sync.scene = scene()
    assert 5 * RATE <= sync.position() < 15 * RATE
    assert sync.rolling


def test_readings_of_another_transport_do_not_count(sync):
    asyncio.run(sync.follow("osc", ""))
    sync.reading("midi", time.perf_counter(), AtSample(0), True)
    assert not sync.rolling


def test_playback_is_muted_while_the_transport_stands_and_placed_when_it_rolls(sync):
    asyncio.run(sync.follow("osc", ""))
    player, here = sync._player, sync.scene
    assert sync.check(here, FREE) is None  # nothing is open
    player.play(here, FREE, 0)
    assert sync.check(here, FREE) == MutePlayback()
    player.mute()
    assert sync.check(here, FREE) is None  # it is muted already
    sync.reading("osc", time.perf_counter(), AtSample(5 * RATE), True)
    assert isinstance(sync.check(here, FREE), AlignPlayback)


def test_where_playback_is_placed_does_not_change_with_later_readings(sync):
    """Other threads compute it, so it must not read what the event loop writes meanwhile."""
    asyncio.run(sync.follow("osc", ""))
    sync._player.play(sync.scene, FREE, 0)
    sync._player.mute()
    now = time.perf_counter()
    sync.reading("osc", now, AtSample(5 * RATE), True)
    place = sync.check(sync.scene, FREE).place
    assert place(AudibleFrame(0.0, now), 0, RATE) == pytest.approx(5 * RATE, abs=1)
    sync.reading("osc", now + 1, AtSample(40 * RATE), False)
    assert place(AudibleFrame(0.0, now), RATE // 2, RATE) == pytest.approx(5.5 * RATE, abs=1)
