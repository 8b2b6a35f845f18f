"""Scenes on devices that play when the test says so: switches, rates, and devices that go."""

import time

import numpy as np
import pytest

from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.playback import AHEAD_SECONDS, Playback
from bridge_server.audition.player import Player
from bridge_server.audition.ring_buffer import Count
from bridge_server.audition.scene import PlaybackOptions, Scene
from daw_protocol.errors import ProtocolError
from daw_protocol.timeline import Span, TempoMap
from tests.bridge_server.audition.cranked import CrankedDevices, CrankedOutlet

RATE = 48000
BAR = 2 * RATE
ORIGIN = 1000  # where the song lies on the timeline


def scene(rate=RATE, seconds=16, **more):
    audio = {
        side: LayeredAudio(
            np.random.default_rng(seed).uniform(-0.4, 0.4, (rate * seconds, 2)).astype(np.float32), rate
        )
        for seed, side in enumerate(("take", "original"))
    }
    values = {
        "place": "here", "audio": audio, "origin": ORIGIN, "tempo_map": TempoMap.constant(120),
        "loop_range": Span(ORIGIN + rate, ORIGIN + 2 * rate), "take": "t1", **more,
    }  # fmt: skip
    return Scene(**values)


@pytest.fixture
def devices():
    return CrankedDevices("first", "second")


@pytest.fixture
def player(devices):
    found = Player(devices)
    yield found
    found.close()


def pull(player, frames, block=480):
    """The device plays on; the filler, a real thread, is given the time it would have."""
    outlet = player.playback.outlet
    for _ in range(frames // block):
        wait_until(lambda: player.playback.ring_buffer.filled - player.playback.ring_buffer.taken >= block)
        outlet.pull(block)
    return outlet.played


def wait_until(held, seconds=10):
    end = time.monotonic() + seconds
    while not held():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_what_is_played_is_the_song_bit_for_bit(player):
    here = scene(loop_range=Span(ORIGIN, ORIGIN + 16 * RATE), bounded=False)
    player.play(here, PlaybackOptions("take"), ORIGIN + 5000)
    played = pull(player, 48000)
    assert np.array_equal(played, here.audio["take"].song[5000:53000])
    assert player.playback.underruns == 0


def test_a_switch_is_audible_soon_although_much_is_filled(player):
    here = scene()
    player.play(here, PlaybackOptions("take"), here.loop_range.start)
    pull(player, 4800)
    player.change(here, PlaybackOptions("original"))
    switch = player.playback.switches[-1]
    assert not switch.late
    assert switch.frame - switch.taken < 0.05 * RATE < AHEAD_SECONDS * RATE
    played = pull(player, 24000)
    after = switch.frame + 480
    original = here.audio["original"].song[RATE:]
    assert np.array_equal(played[: switch.frame], here.audio["take"].song[RATE : RATE + switch.frame])
    assert np.array_equal(played[after:], original[after : len(played)])  # at the same position


def test_a_hundred_switches_make_no_step(player):
    """On a slow sine against its double no frame differs from the one before by more than the faster one's slope."""
    rate = RATE
    time_axis = np.arange(rate * 4) / rate
    waves = {
        "take": np.sin(2 * np.pi * 60 * time_axis) * 0.5, "original": np.sin(2 * np.pi * 90 * time_axis + 1) * 0.8,
    }  # fmt: skip
    here = scene(
        audio={
            side: LayeredAudio(np.repeat(wave[:, None], 2, 1).astype(np.float32), rate)
            for side, wave in waves.items()
        },
        loop_range=Span(ORIGIN, ORIGIN + 4 * rate),
    )
    player.play(here, PlaybackOptions("take"), ORIGIN)
    for number in range(100):
        pull(player, 960 + 480 * (number % 3))
        player.change(here, PlaybackOptions(("original", "take")[number % 2]))
    played = pull(player, 4800)[:, 0]
    slope = (
        0.8 * 2 * np.pi * 90 / rate + 1.3 / 480
    )  # the steepest wave, and the crossfade between the furthest levels
    assert np.abs(np.diff(played)).max() < slope + 1e-4
    assert not any(switch.late for switch in player.playback.switches)


def test_gain_and_match(player):
    here = scene(gains_db={"take": -6.0, "original": 0.0})
    player.play(here, PlaybackOptions("take"), here.loop_range.start)
    pull(player, 2400)
    for options, db in (
        (PlaybackOptions("take", match=False), 0),
        (PlaybackOptions("take", gain_db=-20), -26),
        (PlaybackOptions("take"), -6),
    ):
        player.change(here, options)
        played = pull(player, 9600)[-2400:]
        taken = player.playback.ring_buffer.taken
        song = here.audio["take"].song[RATE + taken - 2400 : RATE + taken]
        assert np.allclose(played, song * 10 ** (db / 20), rtol=1e-5, atol=1e-7)


def test_a_seek_and_a_loop_that_is_switched_off(player):
    here = scene()
    player.play(here, PlaybackOptions("take"), here.loop_range.start)
    pull(player, 2400)
    player.change(here, PlaybackOptions("take", loops=False), ORIGIN + RATE + 30000)
    switch = player.playback.switches[-1]
    played = pull(player, 9600)
    song = here.audio["take"].song
    assert np.array_equal(
        played[switch.frame + 480 :], song[RATE + 30480 : RATE + 30000 + len(played) - switch.frame]
    )
    assert not player.ended
    pull(player, 24000)
    wait_until(lambda: player.ended)
    player.stop()
    assert player.playback is None


def test_a_song_at_another_rate_than_the_device(devices, player):
    devices.rate = 44100
    here = scene()
    player.play(here, PlaybackOptions("take"), here.loop_range.start)
    played = pull(player, 44100 * 3, 441)
    assert player.playback.outlet.rate == 44100
    assert np.array_equal(
        played[:43000], played[44100:87100]
    )  # a second of song, a second of device, round and round
    assert abs(player.position - here.loop_range.start) < RATE


def test_a_device_that_goes(devices, player):
    here = scene()
    player.play(here, PlaybackOptions("take"), here.loop_range.start)
    pull(player, 9600)
    devices.unplug()
    assert player.broken
    before = player.position
    assert player.move(PlaybackOptions("take")) == "second, Crank"
    assert not player.broken
    first = devices.opened[1].pull(480)
    song = here.audio["take"].song
    at = int(np.flatnonzero((song == first[0]).all(axis=1))[0])
    assert np.array_equal(first, song[at : at + 480])
    assert 0 <= at - (before - ORIGIN) <= 480  # a block at most was in the device that has gone


def test_a_chosen_device_that_goes_gives_way_to_the_systems_own(devices, player):
    here = scene()
    player.device = "second"
    player.play(here, PlaybackOptions("take"), here.loop_range.start)
    assert player.playback.outlet.name == "second, Crank"
    pull(player, 4800)
    devices.unplug()
    assert player.move(PlaybackOptions("take")) == "first, Crank"
    assert player.device == "second"  # it is used again when it is back


def test_another_device_is_chosen(devices, player):
    here = scene()
    assert player.choose("second", PlaybackOptions("take")) == "second, Crank"
    player.play(here, PlaybackOptions("take"), here.loop_range.start)
    pull(player, 4800)
    assert player.choose("first", PlaybackOptions("take")) == "first, Crank"
    pull(player, 4800)
    devices.names.append("held by a DAW")
    with pytest.raises(ProtocolError, match="busy"):
        player.choose("held", PlaybackOptions("take"))
    assert player.playback.outlet.name == "first, Crank"  # it plays on where it did
    with pytest.raises(ProtocolError, match="Fireface"):
        player.choose("Fireface", PlaybackOptions("take"))
    assert player.playback.outlet.name == "first, Crank"
    assert player.position >= here.loop_range.start + 4800


def test_another_default_device_is_used_the_next_time(devices, player):
    here = scene()
    player.play(here, PlaybackOptions("take"), here.loop_range.start)
    pull(player, 960)
    devices.names.reverse()  # headphones were plugged in: the system has another own device
    player.change(here, PlaybackOptions("original"))
    assert player.playback.outlet.name == "first, Crank"  # nothing jumps while it plays
    player.close()
    player.play(here, PlaybackOptions("take"), here.loop_range.start)
    assert player.playback.outlet.name == "second, Crank"


def test_a_playhead_put_behind_the_loop_runs_to_the_end_of_the_song(player):
    here = scene(seconds=4)
    player.play(here, PlaybackOptions("take"), ORIGIN + 4 * RATE - 9600)
    pull(player, 4800)
    assert not player.ended
    pull(player, 9600)
    wait_until(lambda: player.ended)


def test_the_last_device_goes(devices, player):
    here = scene()
    player.play(here, PlaybackOptions("take"), here.loop_range.start)
    devices.names = []
    devices.opened[-1].lost = True
    with pytest.raises(ProtocolError, match="no sound device") as raised:
        player.move(PlaybackOptions("take"))
    assert raised.value.remedy
    assert player.playback is None
    assert devices.opened[0].closed


def test_a_device_somebody_else_holds(player, devices):
    devices.names = ["held by a DAW"]
    with pytest.raises(ProtocolError, match="cannot be opened"):
        player.play(scene(), PlaybackOptions("take"), ORIGIN)
    assert player.playback is None


def test_a_device_that_asks_for_nothing_counts_as_gone(player, monkeypatch):
    here = scene()
    player.play(here, PlaybackOptions("take"), here.loop_range.start)
    pull(player, 480)
    assert not player.broken
    monkeypatch.setattr("bridge_server.audition.player.STALLED_SECONDS", 0.0)
    assert player.broken


def test_an_underrun_is_counted():
    outlet = CrankedOutlet()
    playback = Playback(outlet)
    playback.begin(lambda _: None)
    outlet.pull(playback.ring_buffer.capacity + 50)  # more than can ever be filled
    assert playback.underruns == 1
    assert playback.ring_buffer.counts[Count.MISSED] >= 50
    playback.close(at_once=True)
    assert outlet.closed


def test_waiting_for_a_render_loops_the_bars_before_it_and_then_runs_on(player):
    region = Span(ORIGIN + 2 * RATE, ORIGIN + 4 * RATE)
    loop_range = Span(ORIGIN + RATE, ORIGIN + 5 * RATE)
    waiting = scene(region=region, loop_range=loop_range, ready=region.start)
    player.play(
        waiting, PlaybackOptions("take", loops=False), loop_range.start
    )  # it waits in a loop whatever is wanted later
    played = pull(player, 3 * RATE)
    song = waiting.audio["take"].song
    assert waiting.waits
    assert np.array_equal(played[: RATE - 240], played[RATE : 2 * RATE - 240])
    there = scene(region=region, loop_range=loop_range, audio=waiting.audio)
    pull(player, 4800)
    player.change(there, PlaybackOptions("take"))
    played = pull(player, 2 * RATE)
    first = 3 * RATE  # the fourth round began here, and runs on into the region
    assert np.array_equal(played[first:], song[RATE : RATE + len(played) - first])


def test_a_render_without_a_bar_before_it_is_waited_for_in_silence(player):
    region = Span(ORIGIN, ORIGIN + 4 * RATE)
    nothing_yet = scene(region=region, loop_range=region, ready=region.start)
    player.play(nothing_yet, PlaybackOptions("take"), region.start)
    assert not pull(player, 4800).any()
    assert player.position == region.start
    here = scene(region=region, loop_range=region, audio=nothing_yet.audio, ready=region.start + 2 * RATE)
    player.change(here, PlaybackOptions("take"), region.start)
    switch = player.playback.switches[-1].frame
    played = pull(player, 9600)
    assert np.array_equal(played[switch + 480 :], here.audio["take"].song[480 : len(played) - switch])
