"""Requests of the audition: what they find to play, what they refuse, and the state as words."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from bridge_server.audition.commands import OSC, Compare, Configure, Follow, Seek, SetAuto, Stop
from bridge_server.audition.passages import Passages
from bridge_server.audition.scene_builder import SceneBuilder
from bridge_server.audition.state import Bars
from bridge_server.handlers.audition import AuditionHandlers, in_words
from bridge_server.jobs.database import open_database, transaction
from bridge_server.jobs.job import Job, JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.rendering.partial_render import PartialRenders
from bridge_server.sessions.events import Events
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.songs.song_reader import SongReader
from clip_store.errors import TakeError
from clip_store.store import ClipStore
from daw_protocol import requests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import AuditionState
from daw_protocol.requests import audition as asked
from daw_protocol.timeline import AtSample
from tests.bridge_server.audition.cranked import CrankedDevices
from tests.bridge_server.peers import RpcError, noise_song
from tests.clip_store.sounds import song
from tests.clip_store.takes import stored_take

CLIP = song(1000)
STATE = AuditionState(
    state="stopped", take="", job="", song="", side="take", position=0, start=0, end=0, loop=True, auto=False,
    before=2, after=2, gain_db=0.0, match=True, match_db=0.0, message="", output="", device="", rate=0,
    channels=0, latency_ms=0.0, underruns=0, follow="none", port="",
)  # fmt: skip


class Client:
    """A client named daw."""

    key = sender = "daw"
    reply_to = ""

    def send(self, reply):
        raise AssertionError("the answer is the handler's result")


class Controller:
    """Writes down what it is asked to do; `pause`: an event to wait for while it carries out a command."""

    def __init__(self):
        self.done, self.readings = [], []
        self.transport_sync = self
        self.pause = None
        self.now = STATE

    def state(self):
        return self.now

    def reading(self, *values):
        source, _, position, rolling = values
        self.readings.append((source, position, rolling))

    def bars_or(self, before, after):
        return Bars(2 if before is None else before, 2 if after is None else after)

    async def apply(self, command):
        if self.pause is not None:
            await self.pause.wait()
        self.done.append(command)

    async def step(self, by):
        self.done.append(("step", by))

    async def set_bars(self, before, after):
        self.done.append(("bars", before, after))

    async def choose_device(self, name):
        return f"{name}, ALSA"

    async def devices(self):
        return []

    async def play_take(self, take, side, before, after, span, stems=()):
        self.done.append(("take", take.id, side, before, after, span, *stems))

    async def play_job(self, job, before, after):
        self.done.append(("job", job, before, after))

    async def play_song(self, song, tempo_map, origin, span):
        self.done.append(("song", song.name, tempo_map.points[0].bpm, origin, span))


class Parts:
    """The handlers on a queue, a store with songs, and a controller that only writes down."""

    def __init__(self, folder, connection):
        self.connection = connection
        self.store, self.queue = ClipStore(folder / "store", connection), JobQueue(connection, 10)
        self.reader = SongReader(self.store, connection, (folder,), 60)
        events = Events()
        self.shared, self.controller = SharedContext(events), Controller()
        self.handlers = AuditionHandlers(
            self.controller,
            Passages(self.store.index, SceneBuilder(self.store.blobs), PartialRenders(events)),
            self.store.index,
            self.queue,
            self.reader,
            self.shared,
            events,
        )

    def ask(self, request):
        return asyncio.run(self.handlers.respond(request, Client()))

    def context(self, *messages):
        for message in messages:
            self.shared.apply(message, "daw")

    def job(self, *states):
        job = Job("j1", "daw", "mine", "repaint", {}, created=1.0)
        self.queue.add(job)
        for state in states:
            job = self.queue.move(job, state, 2.0, {"code": "internal"})

    def takes(self, *ids):
        for number, name in enumerate(ids, 1):
            take = stored_take(id=name, number=number, audio=CLIP.digest, length=1000, created=float(number))
            with transaction(self.connection):
                self.store.keep(take, CLIP)


@pytest.fixture
def parts(tmp_path):
    noise_song(tmp_path / "song.wav", frames=9600)
    noise_song(tmp_path / "other.wav", frames=4800, seed=2)
    with contextlib.closing(open_database(tmp_path / "bridge.db")) as connection:
        yield Parts(tmp_path, connection)


@pytest.mark.parametrize(
    ("request_", "done"),
    [
        (asked.StopAudition(), Stop()), (asked.CompareAudition(), Compare()),
        (asked.CompareAudition(side="original"), Compare("original")),
        (asked.NextTake(), ("step", 1)), (asked.PreviousTake(), ("step", -1)),
        (asked.LoopAudition(on=False), Configure(loops=False)),
        (asked.SetAuditionBars(before=1, after=3), ("bars", 1, 3)),
        (asked.SetAuditionGain(db=-6), Configure(gain_db=-6)), (asked.MatchAudition(on=False), Configure(match=False)),
        (asked.SeekAudition(position=AtSample(5)), Seek(AtSample(5))),
        (asked.FollowTransport(what="midi", port="clock"), Follow("midi", "clock")),
        (asked.AuditionRenders(on=True), SetAuto(True)),
    ],
)  # fmt: skip
def test_each_request_is_one_command_and_returns_the_state(parts, request_, done):
    response = parts.ask(request_)
    assert parts.controller.done == [done]
    assert response.result == STATE
    assert response.replies[0].text == "Stopped."


def test_showing_does_not_wait_for_a_command_under_way(parts):
    async def run():
        parts.controller.pause = asyncio.Event()
        slow = asyncio.create_task(parts.handlers.respond(asked.StopAudition(), Client()))
        await asyncio.sleep(0)
        assert (await parts.handlers.respond(asked.ShowAudition(), Client())).result == STATE
        assert not slow.done()
        parts.controller.pause.set()
        await slow

    asyncio.run(run())


def test_commands_are_carried_out_in_the_order_they_came(parts):
    async def run():
        parts.controller.pause = asyncio.Event()
        slow = asyncio.create_task(parts.handlers.respond(asked.StopAudition(), Client()))
        quick = asyncio.create_task(parts.handlers.respond(asked.NextTake(), Client()))
        for _ in range(5):
            await asyncio.sleep(0)
        assert parts.controller.done == []
        parts.controller.pause.set()
        await asyncio.gather(slow, quick)
        assert parts.controller.done == [Stop(), ("step", 1)]

    asyncio.run(run())


def test_devices_are_listed_in_words_and_with_the_state(parts):
    assert parts.ask(asked.ListDevices()).replies[0].text == "There is no sound device."

    async def devices():
        return [device.record() for device in CrankedDevices("one").list()]

    parts.controller.devices = devices
    response = parts.ask(asked.ListDevices())
    assert response.replies[0].text == "0 one, Crank"
    assert response.result.devices[0].name == "one, Crank"
    assert response.result.state == "stopped"
    assert parts.ask(asked.ChooseDevice(name="two")).replies[0].text == "Playing through two, ALSA."


def test_a_take_is_played_as_asked(parts):
    parts.takes("t1")
    parts.ask(asked.PlayAudition(take="t1", side="original", before=1, after=3, end=AtSample(9)))
    assert parts.controller.done == [("take", "t1", "original", 1, 3, (None, AtSample(9)))]


def test_the_stems_heard_with_a_take_go_along(parts):
    parts.takes("t1")
    parts.ask(asked.PlayAudition(take="t1", stems=("t1", "t2")))
    assert parts.controller.done == [("take", "t1", "take", None, None, (None, None), "t1", "t2")]


@pytest.mark.parametrize("request_", [{"job": "j1"}, {"job": "mine"}, {"take": "j1"}])
def test_a_job_that_has_not_ended_is_played_as_it_comes(parts, request_):
    """By its id, by the client's own name for it, or by its id where a take's is expected."""
    parts.job(JobState.RUNNING)
    parts.ask(asked.PlayAudition(**request_, before=1))
    assert parts.controller.done == [("job", "j1", 1, None)]


def test_a_job_that_is_done_plays_its_newest_take(parts):
    parts.job(JobState.RUNNING, JobState.DONE)
    parts.takes("t1", "t2")
    parts.ask(asked.PlayAudition(job="j1"))
    assert parts.controller.done[0][:2] == ("take", "t2")


@pytest.mark.parametrize(
    ("states", "takes", "words"),
    [
        ((JobState.RUNNING, JobState.DONE), (), "its takes were deleted"),
        ((JobState.FAILED,), ("t1",), "it failed"),
        ((JobState.CANCELLED,), (), "it was cancelled"),
    ],
)
def test_a_job_without_a_take_says_why(parts, states, takes, words):
    parts.job(*states)
    parts.takes(*takes)
    with pytest.raises(ProtocolError, match=words) as raised:
        parts.ask(asked.PlayAudition(job="j1"))
    assert (raised.value.code, raised.value.field) == (ErrorCode.UNKNOWN_TAKE, "job")
    assert parts.controller.done == []


def test_what_is_neither_a_take_nor_a_job_is_no_take(parts):
    with pytest.raises(TakeError):
        parts.ask(asked.PlayAudition(take="t9"))


def test_without_a_song_anywhere_there_is_nothing_to_play(parts):
    with pytest.raises(ProtocolError, match="Nothing to play") as raised:
        parts.ask(asked.PlayAudition())
    assert raised.value.code is ErrorCode.MISSING_FIELD


def test_the_shared_song_is_played_where_it_is_on_the_timeline(parts):
    parts.context(
        requests.SetSource(source=parts.reader.check("song.wav"), position=AtSample(480)),
        requests.SetTempo(bpm=90.0),
        requests.Transport(position=AtSample(5000)),
    )
    parts.ask(asked.PlayAudition())
    assert parts.controller.done == [("song", "song", 90, 480, (AtSample(5000), None))]


@pytest.mark.parametrize(
    ("playhead", "rolling", "request_"),
    [
        (5000, True, {}), (479, False, {}), (480 + 9600, False, {}),
        (5000, False, {"end": AtSample(9000)}), (5000, False, {"source": "other.wav"}),
    ],
    ids=["rolling", "before the song", "behind the song", "a range is given", "another song"],
)  # fmt: skip
def test_the_playhead_counts_only_where_the_daw_stands_inside_the_song(parts, playhead, rolling, request_):
    parts.context(
        requests.SetSource(source=parts.reader.check("song.wav"), position=AtSample(480)),
        requests.Transport(position=AtSample(playhead), rolling=rolling),
    )
    parts.ask(asked.PlayAudition(**request_))
    (_, _, _, origin, (start, _)) = parts.controller.done[0]
    assert start is None
    assert origin == (0 if "source" in request_ else 480)


def test_the_daws_transport_is_passed_on(parts):
    parts.context(requests.SetTempo(bpm=90.0))
    assert parts.controller.readings == []  # its position is not known yet
    parts.context(requests.Transport(position=AtSample(7), rolling=True))
    assert parts.controller.readings == [(OSC, AtSample(7), True)]
    parts.ask(asked.FollowTransport(what="osc"))  # a transport that stands sends nothing more by itself
    assert parts.controller.readings == 2 * [(OSC, AtSample(7), True)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Stopped."),
        ({"message": "The device is gone."}, "Stopped. The device is gone."),
        ({"state": "playing", "take": "t1", "device": "one"}, "Playing t1, take through one."),
        ({"state": "playing", "side": "original"}, "Playing the song, original."),
        ({"state": "waiting", "job": "j1", "message": "Queued."}, "Waiting to play j1. Queued."),
    ],
)
def test_the_state_in_words(changes, words):
    assert in_words(replace(STATE, **changes)) == words


def test_a_passage_is_shown_without_playing_it_and_waits_for_nothing_that_plays(parts):
    parts.takes("t1")

    async def run():
        parts.controller.pause = asyncio.Event()
        slow = asyncio.create_task(parts.handlers.respond(asked.StopAudition(), Client()))
        await asyncio.sleep(0)
        shown = await parts.handlers.respond(asked.ShowPassage(take="t1", before=0, after=0), Client())
        assert shown.result.take == "t1"
        parts.controller.pause.set()
        assert parts.controller.done == []
        await slow

    asyncio.run(run())


def test_a_passage_of_a_job_is_its_finished_take_when_nothing_of_it_is_under_way(parts):
    parts.job(JobState.RUNNING)
    with pytest.raises(ProtocolError, match="nothing is rendered yet") as raised:
        parts.ask(asked.ShowPassage(job="j1"))
    assert raised.value.code is ErrorCode.UNKNOWN_TAKE
    parts.takes("t1", "t2")
    shown = {
        number: parts.ask(asked.ShowPassage(job="mine", number=number)).result for number in (None, 1, 2)
    }
    assert {number: found.take for number, found in shown.items()} == {None: "t2", 1: "t1", 2: "t2"}
    assert (shown[1].job, shown[1].ready) == ("", None)
    with pytest.raises(ProtocolError, match="no take"):
        parts.ask(asked.ShowPassage(job="j1", number=3))
    for wrong in ({"job": "j1", "take": "t1"}, {"number": 1}):
        with pytest.raises(ProtocolError):
            asked.ShowPassage(**wrong).check()


def test_a_passage_of_a_song_begins_at_the_playhead(parts):
    source = asked.ShowPassage(source="song.wav")
    assert (parts.ask(source).result.start, parts.ask(source).result.end) == (0, 9600)
    parts.context(
        requests.SetSource(source="song.wav"), requests.Transport(position=AtSample(700), rolling=False)
    )
    assert parts.ask(asked.ShowPassage()).result.start == 700
    assert parts.ask(asked.ShowPassage(start=AtSample(20), end=AtSample(90))).result.loops
    assert parts.controller.done == []


# Through a real server


@pytest.mark.parametrize("method", ["ab", "next", "prev", "seek"])
def test_what_needs_something_that_plays(ws, method):
    params = {"position": "2|1"} if method == "seek" else {}
    with pytest.raises(RpcError) as raised:
        ws.call(f"audition.{method}", **params)
    assert raised.value.code == "not_playing"
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"take": "t0"}, "unknown_take"), ({"job": "j0"}, "unknown_job"), ({"source": "gone.wav"}, "file_missing"),
        ({"take": "t0", "job": "j0"}, "out_of_range"), ({"take": "t0", "before": 65}, "out_of_range"),
    ],
)  # fmt: skip
def test_what_cannot_be_played(ws, params, code):
    with pytest.raises(RpcError) as raised:
        ws.call("audition.play", **params)
    assert raised.value.code == code
    assert ws.call("audition.show")["state"] == "stopped"


def test_settings_are_kept_while_nothing_plays(ws):
    changed = {"gain_db": -6, "loop": False, "match": False, "auto": True}
    ordinary = {"gain_db": 0, "loop": True, "match": True, "auto": False}
    for settings in (changed, ordinary):
        for name, value in settings.items():
            word = {"gain_db": "db"}.get(name, "on")
            state = ws.call(f"audition.{name.removesuffix('_db')}", **{word: value})
            assert state[name] == value
        for state in (ws.call("audition.show"), ws.call("audition.stop")):
            assert settings.items() <= state.items()


def test_over_osc_the_state_comes_in_words(osc):
    assert osc.ask("/bridge/audition/show", "id1")["text"] == "Stopped."
    assert osc.ask("/bridge/audition/gain", 0.0).name == "ok"
    assert osc.ask("/bridge/audition/ab")["code"] == "not_playing"


def test_a_bug_is_answered_as_one_and_ends_nothing(server, osc, monkeypatch, caplog):
    def broken(*_):
        raise KeyError("nobody expected this")

    monkeypatch.setattr(server.server.controller, "state", broken)
    reply = osc.ask("/bridge/audition/show", "id1")
    assert (reply["id"], reply["code"]) == ("id1", "internal")
    assert "nobody expected this" in caplog.text
    monkeypatch.undo()
    assert osc.ask("/bridge/audition/show", "id2").name == "ok"
