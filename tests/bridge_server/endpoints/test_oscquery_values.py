"""Values for OSCQuery clients: what each address holds, and what listeners are sent when."""

from __future__ import annotations

import asyncio

import pytest
from pythonosc.osc_message import OscMessage

from bridge_server.endpoints.osc_over_websocket import Listener
from bridge_server.endpoints.oscquery_values import STATUS, LiveValues, focus_values
from bridge_server.handlers.response import understood
from bridge_server.sessions.audience import Audience
from bridge_server.sessions.events import Events, JobReply, RequestDone
from bridge_server.sessions.shared_context import SharedContext
from daw_protocol import requests
from daw_protocol.context import CONTEXT_REQUESTS
from daw_protocol.oscquery import READABLE, Listen, ListenCommand
from daw_protocol.replies import Done
from daw_protocol.results import Watching
from daw_protocol.timeline import AtSample
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.query_client import get, query_client, send_context
from tests.bridge_server.servers import server_fixture, settings_in

# Of its own: the shared context is one for all its clients.
server = server_fixture((noise_song, "song.wav"))


class Connection:
    """Keeps the packets it is given."""

    language = "en"

    def __init__(self, key):
        self.key = key
        self.frames = []

    def put(self, frame):
        self.frames.append(frame)

    def received(self):
        """The packets since the last time."""
        packets = [(message.address, message.params) for message in map(OscMessage, self.frames)]
        self.frames.clear()
        return packets


class Dispatcher:
    """Knows the status."""

    async def respond(self, request, client):
        assert (type(request), client.key) == (requests.Status, "server")
        return understood(request, "noise, nothing queued", Watching(revision=0))


class Parts:
    """Live values over a shared context; `listen` subscribes a connection of that key to addresses."""

    def __init__(self):
        self.events = Events()
        self.shared = SharedContext(self.events)
        self.values = LiveValues(Dispatcher(), self.shared, self.events, Audience(self.events))

    def listen(self, key, *addresses):
        connection = Connection(key)
        self.listener = Listener(connection)
        for address in addresses:
            self.values.listen(self.listener, Listen(ListenCommand.LISTEN, address))
        return connection

    def send(self, message, key="daw"):
        if isinstance(message, CONTEXT_REQUESTS):
            self.shared.apply(message, key)
        client = Listener(Connection(key))
        self.events.publish(RequestDone(message, client))


@pytest.fixture
def parts():
    return Parts()


def test_what_was_never_sent_has_no_value(parts):
    assert focus_values(parts.shared) == {}
    assert asyncio.run(parts.values.now()) == {STATUS: ["noise, nothing queued"]}


def test_a_selection_needs_both_ends_and_positions_are_samples(parts):
    parts.send(requests.SetTempo(bpm=60.0))
    parts.send(requests.SetSource(source="song.wav", rate=44100))
    assert focus_values(parts.shared)["/bridge/source"] == ["song.wav", 0]
    assert "/bridge/select" not in focus_values(parts.shared)
    parts.send(requests.Repaint(source="song.wav", start="2|1|0"))
    assert "/bridge/select" not in focus_values(parts.shared)
    parts.send(requests.Select(start="2|1|0", end="3|1|0"))
    assert focus_values(parts.shared)["/bridge/select"] == [4 * 44100, 8 * 44100]


def test_a_change_is_sent_once_and_only_what_changed(parts):
    tempo, everything = parts.listen("a", "/bridge/tempo"), parts.listen("b", "/bridge/tempo", "/bridge/key")
    parts.send(requests.SetTempo(bpm=97.0))
    assert tempo.received() == everything.received() == [("/bridge/tempo", [97.0])]
    parts.send(requests.SetTempo(bpm=97.0))
    parts.send(requests.SetKey(key="C major"))
    assert tempo.received() == []
    assert everything.received() == [("/bridge/key", ["C major"])]


def test_a_late_listener_is_sent_later_changes_only(parts):
    parts.send(requests.SetTempo(bpm=97.0))
    connection = parts.listen("a", "/bridge/tempo")
    parts.send(requests.SetKey(key="C major"))
    assert connection.received() == []
    parts.send(requests.SetTempo(bpm=98.0))
    assert connection.received() == [("/bridge/tempo", [98.0])]


def test_a_question_about_the_status_is_passed_on_like_any_message(parts):
    """Its value changes without a message, so there is no change to send."""
    connection = parts.listen("a", STATUS)
    parts.send(requests.Status(id="s"))
    assert connection.received() == [(STATUS, ["s"])]


def test_what_is_ignored_again_is_not_sent(parts):
    connection = parts.listen("a", "/bridge/tempo", "/bridge/key")
    parts.values.listen(parts.listener, Listen(ListenCommand.IGNORE, "/bridge/tempo"))
    parts.send(requests.SetTempo(bpm=97.0))
    parts.send(requests.SetKey(key="C major"))
    assert connection.received() == [("/bridge/key", ["C major"])]


def test_a_reply_about_any_job_reaches_who_listens(parts):
    connection = parts.listen("a", "/bridge/done")
    parts.events.publish(JobReply("j1", Done(id="r", job="j1", takes=1)))
    ((address, arguments),) = connection.received()
    assert (address, arguments[0]) == ("/bridge/done", "r")


def test_a_message_is_passed_on_without_its_senders_secrets_to_everyone_else(parts):
    mine, other = parts.listen("a", "/bridge/jobs/list"), parts.listen("b", "/bridge/jobs/list")
    message = requests.ListJobs(id="q", limit=3, token="secret", client="me", reply_port=9000)
    parts.send(message, key="a")
    assert mine.received() == []
    assert other.received() == [("/bridge/jobs/list", ["q", "limit", 3])]


def test_a_client_that_has_gone_is_forgotten(parts):
    connection = parts.listen("a", "/bridge/tempo", "/bridge/done")
    parts.values.forget(parts.listener)
    parts.values.forget(parts.listener)
    parts.send(requests.Transport(position=AtSample(5)))
    parts.send(requests.SetTempo(bpm=97.0))
    parts.events.publish(JobReply("j1", Done(id="r", job="j1", takes=1)))
    assert connection.received() == []


# Through a real server


def test_a_value_can_be_read_whichever_client_sent_it(server):
    send_context(server, "/bridge/source", "song.wav", 480)
    send_context(server, "/bridge/tempo", 126.5)
    send_context(server, "/bridge/meter", "7/8")
    send_context(server, "/bridge/key", "F# minor")
    with server.websocket() as ws:
        ws.call("select", start="2|1|0", end="3|1|0")
        ws.call("transport", position=96000, rolling=True)
    bar = 3.5 * 60 / 126.5 * 48000
    values = {address: get(server, f"{address}?VALUE")[1]["VALUE"] for address in READABLE}
    assert values["/bridge/source"] == [str(server.settings.roots[0] / "song.wav"), 480]
    assert values["/bridge/tempo"] == [126.5]
    assert values["/bridge/meter"] == ["7/8"]
    assert values["/bridge/key"] == ["F# minor"]
    assert values["/bridge/select"] == [round(bar), round(2 * bar)]
    assert values["/bridge/transport"] == [96000, 1]
    assert "noise" in values[STATUS][0]
    tree = get(server, "/")[1]["CONTENTS"]["bridge"]["CONTENTS"]
    assert tree["tempo"]["VALUE"] == [126.5]
    assert "VALUE" not in tree["repaint"]


def test_the_tempo_of_a_map_is_the_one_at_the_playhead(server):
    points = [{"quarter": 0, "bpm": 60}, {"quarter": 4, "bpm": 90}]
    with server.websocket() as ws:
        ws.call("tempo", tempo_map={"points": points})
        ws.call("transport", position="3b")
        assert get(server, "/bridge/tempo?VALUE")[1] == {"VALUE": [60]}
        ws.call("transport", position="5b")
        assert get(server, "/bridge/tempo?VALUE")[1] == {"VALUE": [90]}
        assert get(server, "/bridge/meter?VALUE")[1] == {"VALUE": ["4/4"]}
        ws.call("forget")


def test_a_value_that_was_never_sent_is_an_empty_answer(tmp_path):
    with ServerThread(settings_in(tmp_path)) as fresh:
        assert get(fresh, "/bridge/key?VALUE") == (200, {})
        assert get(fresh, "/bridge/select?VALUE") == (200, {})


def test_changes_are_pushed_to_listeners(server):
    with query_client(server) as client, query_client(server) as other:
        client.command("LISTEN", "/bridge/tempo")
        client.command("LISTEN", "/bridge/transport")
        assert client.settled() == []
        send_context(server, "/bridge/tempo", 97)
        assert client.packet() == ("/bridge/tempo", [97])
        send_context(server, "/bridge/tempo", 97)
        send_context(server, "/bridge/key", "C major")
        send_context(server, "/bridge/transport", 48000, 1)
        assert client.packet() == ("/bridge/transport", [48000, 1])
        client.command("IGNORE", "/bridge/tempo")
        client.settled()
        send_context(server, "/bridge/tempo", 98)
        assert client.settled() == []
        assert other.settled() == []


def test_the_replies_of_others_jobs_can_be_listened_to(server):
    send_context(server, "/bridge/source", "song.wav")
    with query_client(server) as client, server.osc() as osc:
        for name in ("ack", "progress", "take", "done"):
            client.command("LISTEN", f"/bridge/{name}")
        client.settled()
        osc.render("/bridge/repaint", "followed", "source", "song.wav", "start", 1000, "end", 9000)
        replies = []
        while not replies or replies[-1][0] != "/bridge/done":
            replies.append(client.packet())
    assert replies[0][0] == "/bridge/ack"
    assert {address for address, _ in replies} >= {"/bridge/ack", "/bridge/progress", "/bridge/take"}
    assert all(arguments[0] == "followed" for _, arguments in replies)


def test_what_others_send_can_be_listened_to_and_is_not_sent_back(server):
    with query_client(server) as client, query_client(server) as other:
        for one in (client, other):
            one.command("LISTEN", "/bridge/jobs/list")
            one.settled()
        other.send("/bridge/jobs/list", "mine", "limit", 3, "token", "secret")
        assert client.packet() == ("/bridge/jobs/list", ["mine", "limit", 3])
        assert [address for address, _ in other.settled()] == ["/bridge/ok"]


def test_a_client_that_has_gone_is_not_sent_to(server):
    with query_client(server) as client:
        client.command("LISTEN", "/bridge/tempo")
        client.settled()
    send_context(server, "/bridge/tempo", 111)
    with server.websocket() as ws:  # the closing has been dealt with by now
        ws.call("status")
    send_context(server, "/bridge/tempo", 112)
