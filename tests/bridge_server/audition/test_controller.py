"""The audition as a client meets it: states, refusals, watching, following a transport, renders by themselves."""

import asyncio
import time

import numpy as np
import pytest

from bridge_server.audition.commands import SetAuto
from bridge_server.audition.controller import AuditionController
from bridge_server.jobs.database import open_database
from bridge_server.rendering.partial_render import PartialRenders
from bridge_server.sessions.events import Events, JobReply, Notice
from bridge_server.supervisor import Supervisor
from clip_store.audio.audio import Encoding, quantise
from clip_store.store import ClipStore
from daw_protocol.errors import ProtocolError
from daw_protocol.replies import Done, Failed
from tests.bridge_server.audition import sound_card
from tests.bridge_server.audition.cranked import CrankedDevices
from tests.bridge_server.audition.rig_server import RigServer, until
from tests.bridge_server.audition.test_scene_builder import noise, take_in
from tests.bridge_server.peers import RpcError, noise_song

RATE = 48000
BAR = 2 * RATE


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    if sound_card.missing():
        pytest.skip(f"SKIPPED: {sound_card.missing()}")
    server = RigServer(tmp_path_factory.mktemp("rig"), RATE)
    noise_song(server.songs / "song.wav", 16 * BAR, RATE, subtype="FLOAT")
    yield server
    server.close()


@pytest.fixture
def card(rig):
    with rig.websocket() as peer:
        peer.call("audition.device", name="card")
        yield peer
        peer.call("audition.stop")
        peer.call("audition.follow", what="none")
        peer.call("audition.auto", on=False)
        peer.call("audition.bars", before=2, after=2)


def rendered(peer, **more):
    received = peer.render("repaint", source="song.wav", bpm=120, bars="3-4", **more)
    return [reply["take"] for reply in received if reply.name == "take"]


def test_watchers_are_notified_and_the_position_moves(rig, card):
    first, second = rendered(card, takes=2)
    with rig.websocket() as panel:
        panel.call("watch", on=True)
        card.call("audition.play", take=first)
        reported = [panel.next_received() for _ in range(20)]
        states = [reply.values for reply in reported if reply.name == "audition"]
        assert len(states) == 20
        assert states[-1]["position"] > states[5]["position"] > states[0]["position"] - RATE
        assert {state["take"] for state in states} == {first}
        assert (states[0]["start"], states[0]["end"]) == (0, 6 * BAR)
        card.call("audition.next")
        card.call("audition.ab")
        while (reply := panel.next_received()).values.get("side") != "original":
            assert reply.name == "audition"
        assert reply["take"] == second
        card.call("audition.stop")
        while (reply := panel.next_received()).values["state"] != "stopped":
            pass
        assert reply["device"] == ""


def test_a_take_that_plays_is_not_deleted(card):
    first, second = rendered(card, takes=2)
    card.call("audition.play", take=first)
    with pytest.raises(RpcError) as raised:
        card.call("takes.delete", take=first)
    assert (raised.value.code, raised.value.field) == ("not_allowed", "take")
    assert "playing" in raised.value.sentence
    assert card.call("takes.delete", take=second)["take"] == second
    card.call("audition.stop")
    assert card.call("takes.delete", take=first)["take"] == first


def test_a_take_of_the_same_place_takes_over_where_the_other_one_was(card):
    first, second = rendered(card, takes=2)
    card.call("audition.play", take=first)
    before = until(card, lambda state: state["position"] > BAR // 2)
    after = card.call("audition.play", take=second)
    assert after["take"] == second
    jitter = BAR // 100  # a position is worked out from the card's clock
    assert before["position"] - jitter <= after["position"] < 5 * BAR
    again = card.call("audition.play", take=second)  # the same one again: from the beginning
    assert again["position"] < after["position"]


def test_the_bars_around_takes(card):
    """For what will be played, and for what is playing, which goes on where it is unless that is cut off."""
    (take,) = rendered(card)
    assert card.call("audition.bars", before=1, after=0).items() >= {"before": 1, "after": 0}.items()
    state = card.call("audition.play", take=take)
    assert (state["start"], state["end"]) == (BAR, 4 * BAR)
    playing = until(card, lambda state: state["position"] > BAR + RATE // 4)
    state = card.call("audition.bars", after=3)
    assert (state["start"], state["end"], state["before"]) == (BAR, 7 * BAR, 1)
    assert state["position"] >= playing["position"]
    card.call("audition.seek", position=6 * BAR)
    until(card, lambda state: state["position"] > 6 * BAR)
    card.call("audition.bars", after=0)
    until(card, lambda state: BAR <= state["position"] < 2 * BAR)
    state = card.call("audition.play", take=take, before=0, after=1)  # for once
    assert (state["start"], state["end"], state["before"], state["after"]) == (2 * BAR, 5 * BAR, 1, 0)
    with pytest.raises(RpcError) as raised:
        card.call("audition.bars", before=65)
    assert raised.value.code == "out_of_range"


def test_the_chosen_device_is_shown_while_nothing_plays(card):
    assert card.call("audition.show")["output"] == "card, ALSA"
    assert card.call("audition.show")["device"] == ""
    with pytest.raises(RpcError):
        card.call("audition.device", name="no such card")
    assert card.call("audition.show")["output"] == "card, ALSA"
    assert card.call("audition.device")["output"] == ""


def test_a_song_without_a_take(card):
    state = card.call("audition.play", source="song.wav", start=3 * BAR)
    assert (state["side"], state["take"], state["start"], state["end"]) == ("original", "", 3 * BAR, 16 * BAR)
    with pytest.raises(RpcError) as raised:
        card.call("audition.ab")
    assert raised.value.code == "not_playing"
    assert card.call("audition.seek", position=10 * BAR)["state"] == "playing"
    until(card, lambda state: state["position"] >= 10 * BAR)


def test_a_render_that_plays_by_itself(card):
    card.call("audition.auto", on=True)
    job = card.call("repaint", source="song.wav", bpm=120, bars="3-4", engine="noise")["job"]
    state = until(card, lambda state: state["take"])
    assert card.call("takes.show", take=state["take"])["job"] == job
    assert state["state"] == "playing"


@pytest.mark.parametrize("when", ["while it waits", "while it plays"])
def test_a_render_that_comes_to_nothing(card, when):
    gated = {"engine": "gated", "options": {"frames": BAR, "gate": "nowhere"}}
    jobs = [card.call("repaint", source="song.wav", bpm=120, bars="3-4", **gated)["job"] for _ in range(2)]
    job = jobs[0] if when == "while it plays" else jobs[1]
    card.call("audition.play", job=job)
    until(card, lambda state: state["state"] == "waiting" and bool(state["device"]) == (job == jobs[0]))
    for one in (job, *jobs):
        card.call("cancel", job=one)
    state = until(card, lambda state: state["state"] == "stopped")
    assert state["message"] == "The render was cancelled; playback stopped."


@pytest.mark.alone  # it keeps time
def test_in_time_with_a_daw_over_osc(rig, card):
    """The DAW stands, rolls, is located elsewhere and stops; playback does the same, in time."""
    (take,) = rendered(card)
    card.call("audition.follow", what="osc")
    state = card.call("audition.play", take=take)
    assert state["state"] == "waiting"

    def roll(first, seconds, rolling=True):
        """25 messages a second, as a DAW-side script sends them."""
        began = time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds:
            card.call("transport", position=round(first + passed * RATE * rolling), rolling=rolling)
            time.sleep(0.04)
        asked = time.perf_counter()
        state = card.call("audition.show")
        answered = time.perf_counter()
        # Where the DAW was when the state was read, give or take a block and what the device holds.
        slack = 0.1
        return state, tuple(first + (when - began) * RATE for when in (asked - slack, answered + slack))

    state, (least, most) = roll(2 * BAR, 4.0)
    assert state["state"] == "playing"
    assert abs(state["offset_ms"]) < 25, "messages and the card's blocks are some milliseconds unsteady"
    assert least < state["position"] < most
    with pytest.raises(RpcError, match="DAW"):
        card.call("audition.seek", position=0)
    state, (least, most) = roll(10 * BAR, 3.0)
    assert least < state["position"] < most
    state, _ = roll(10 * BAR, 0.5, rolling=False)
    assert state["state"] == "waiting"
    assert "offset_ms" not in state
    card.call("audition.stop")
    # What played in the last second is the song itself, bit for bit, wherever it was not being moved.
    song = np.fromfile(
        rig.songs / "song.wav", "<f4", offset=rig.songs.joinpath("song.wav").stat().st_size - 16 * BAR * 8
    )
    song = song.reshape(-1, 2)
    received = rig.played()
    pieces = [received[-begin : -begin + RATE // 4] for begin in range(RATE // 2, RATE + 1, RATE // 8)]
    assert any(stands_in(song, piece) for piece in pieces)


def stands_in(song, piece):
    """Whether the song has these very frames, in this order."""
    places = np.flatnonzero((song == piece[0]).all(axis=1))
    return any(np.array_equal(song[at : at + len(piece)], piece) for at in places)


def test_a_transport_that_is_not_there(card):
    with pytest.raises(RpcError) as raised:
        card.call("audition.follow", what="midi", port="no such port")
    assert raised.value.code == "no_device"
    assert card.call("audition.show")["follow"] == "none"


# The controller without a server, on devices that play when the test says so.


@pytest.fixture
def store(tmp_path):
    return ClipStore(tmp_path / "store", open_database(tmp_path / "takes.sqlite3"))


@pytest.fixture
def take(store):
    """A finished take of job j1."""
    song = quantise(noise(4 * RATE), RATE, Encoding.FLOAT).audio
    return take_in(store, song, noise(RATE, seed=1), RATE)


def run_controller(store, devices, use):
    """`use(controller, events)` with a controller on the devices."""

    async def run():
        events, supervisor = Events(), Supervisor()
        controller = AuditionController(store, PartialRenders(events), events, supervisor, devices)
        try:
            await use(controller, events)
        finally:
            await controller.close()
            await supervisor.close()

    asyncio.run(run())


async def state_for(controller, wanted):
    """The first state for which `wanted` holds."""
    async with asyncio.timeout(20):
        while not wanted(state := controller.state()):
            await asyncio.sleep(0.005)
    return state


def test_a_job_that_ends_right_after_it_was_asked_for_plays_its_take(store, take):
    """Its take is recorded already, so no more of its render will be reported."""

    async def use(controller, events):
        await controller.play_job("j1", None, None)
        assert controller.state().state == "waiting"
        events.publish(JobReply("j1", Done(id="r", job="j1", takes=1)))
        state = await state_for(controller, lambda state: state.state == "playing")
        assert (state.take, state.job, state.message) == (take.id, "", "")

    run_controller(store, CrankedDevices("first"), use)


def test_a_job_that_fails_stops_and_says_so(store):
    async def use(controller, events):
        await controller.play_job("j1", None, None)
        events.publish(JobReply("j2", Done(id="r", job="j2", takes=1)))
        failed = Failed(id="r", job="j1", code="internal", sentence="It broke.", remedy="Try again.")
        events.publish(JobReply("j1", failed))
        state = await state_for(controller, lambda state: state.state == "stopped")
        assert state.message == "The render failed; playback stopped."

    run_controller(store, CrankedDevices("first"), use)


def test_without_another_device_a_lost_one_ends_playback(store, take):
    devices = CrankedDevices("first")

    async def use(controller, _):
        await controller.play_take(take, "take", None, None, (None, None))
        devices.unplug()
        state = await state_for(controller, lambda state: state.state == "stopped")
        assert state.message.startswith("first, Crank was disconnected and no other device can play")
        assert (state.take, state.device) == ("", "")

    run_controller(store, devices, use)


def test_a_device_that_cannot_be_opened_leaves_it_stopped(store, take):
    async def use(controller, _):
        with pytest.raises(ProtocolError, match="cannot be opened"):
            await controller.play_take(take, "take", None, None, (None, None))
        assert (controller.state().state, controller.state().take) == ("stopped", "")

    run_controller(store, CrankedDevices("held by a DAW"), use)


def test_a_bug_while_playing_stops_the_device(store, take, caplog):
    devices = CrankedDevices("first")

    async def use(controller, _):
        await controller.play_take(take, "take", None, None, (None, None))
        controller.player.move = None
        devices.opened[-1].lost = True
        state = await state_for(controller, lambda state: state.state == "stopped")
        assert state.message.startswith("Internal error in the audition")
        assert devices.opened[-1].closed

    run_controller(store, devices, use)
    assert "The audition failed" in caplog.text


def test_watchers_get_every_change_once(store, take):
    async def use(controller, events):
        published = []
        events.subscribe(Notice, lambda event: published.append(event.reply.auto))
        await controller.apply(SetAuto(on=True))
        await controller.apply(SetAuto(on=True))  # nothing changes
        await controller.apply(SetAuto(on=False))
        assert published == [True, False]

    run_controller(store, CrankedDevices("first"), use)
