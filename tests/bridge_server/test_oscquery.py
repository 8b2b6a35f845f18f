"""OSCQuery at the server's port, as its clients use it: the tree, single attributes, LISTEN, and OSC in frames.

The client here is written from the proposal's text; python-oscquery, which others wrote, reads what it understands.
"""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from pythonosc.osc_message import OscMessage

from bridge_server.endpoints.oscquery_values import STATUS
from daw_protocol.addresses import COMMANDS, Group
from daw_protocol.oscquery import READABLE
from tests.bridge_server.peers import PATIENCE, ServerThread, WebSocketPeer, datagram, noise_song
from tests.bridge_server.servers import server_fixture, settings_in

# Of its own: what everybody is looking at is one thing for all its clients.
server = server_fixture((noise_song, "song.wav"))


class QueryClient:
    """A WebSocket of an OSCQuery client: COMMANDs as text out, OSC packets as binary both ways."""

    def __init__(self, peer: WebSocketPeer) -> None:
        self.peer = peer

    def command(self, command: str, data: object) -> None:
        self.peer.connection.send(json.dumps({"COMMAND": command, "DATA": data}))

    def send(self, address: str, *arguments: object) -> None:
        self.peer.connection.send(datagram(address, *arguments))

    def packet(self):
        """The next packet: address and arguments."""
        frame = self.peer.binary.pop(0) if self.peer.binary else self.peer.connection.recv(timeout=PATIENCE)
        assert isinstance(frame, bytes), frame
        message = OscMessage(frame)
        return message.address, list(message.params)

    def settled(self):
        """Everything that has come until a question sent now is answered."""
        self.peer.call("status")
        packets = [OscMessage(frame) for frame in self.peer.binary]
        self.peer.binary.clear()
        return [(message.address, list(message.params)) for message in packets]


@contextmanager
def query_client(server):
    with server.websocket() as peer:
        yield QueryClient(peer)


def get(server, path):
    status, headers, body = server.get(path)
    if status == 200:
        assert headers["Content-Type"] == "application/json"
        return status, json.loads(body)
    return status, body


def tell(server, address, *arguments):
    """A context message by UDP, carried out when this returns."""
    with server.osc() as osc:
        assert osc.ask(address, *arguments).name == "ok"


def test_host_info(server):
    status, info = get(server, "/any/path?HOST_INFO")
    assert status == 200
    assert info["OSC_PORT"] == server.settings.osc_port
    assert info["WS_PORT"] == server.settings.websocket_port
    assert (info["OSC_IP"], info["WS_IP"], info["OSC_TRANSPORT"]) == ("127.0.0.1", "127.0.0.1", "UDP")


def test_what_was_said_can_be_read_whoever_said_it(server):
    tell(server, "/bridge/source", "song.wav", 480)
    tell(server, "/bridge/tempo", 126.5)
    tell(server, "/bridge/meter", "7/8")
    tell(server, "/bridge/key", "F# minor")
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


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/bridge/tempo?RANGE", 200), ("/bridge/tempo?TYPE&ACCESS", 200), ("/?DESCRIPTION", 200),
        ("/bridge/repaint?VALUE", 204), ("/bridge?RANGE", 204), ("/bridge/tempo?UNIT", 400),
        ("/bridge/tempo?NONSENSE", 400), ("/bridge/nothing?VALUE", 404), ("/bridge/tempo?client=x", 200),
    ],
)  # fmt: skip
def test_the_proposal_s_status_codes(server, path, status):
    found, body = get(server, path)
    assert found == status
    assert body if status != 204 else body == b""


def test_a_browser_may_ask_for_an_attribute(server):
    assert server.get("/?DESCRIPTION", Accept="text/html")[1]["Content-Type"] == "application/json"


def test_a_value_that_was_never_told_is_an_empty_answer(tmp_path):
    with ServerThread(settings_in(tmp_path)) as fresh:
        assert get(fresh, "/bridge/key?VALUE") == (200, {})
        assert get(fresh, "/bridge/select?VALUE") == (200, {})


def test_changes_are_pushed_to_those_who_listen(server):
    with query_client(server) as client, query_client(server) as other:
        client.command("LISTEN", "/bridge/tempo")
        client.command("LISTEN", "/bridge/transport")
        assert client.settled() == []
        tell(server, "/bridge/tempo", 97)
        assert client.packet() == ("/bridge/tempo", [97])
        tell(server, "/bridge/tempo", 97)
        tell(server, "/bridge/key", "C major")
        tell(server, "/bridge/transport", 48000, 1)
        assert client.packet() == ("/bridge/transport", [48000, 1])
        client.command("IGNORE", "/bridge/tempo")
        client.settled()
        tell(server, "/bridge/tempo", 98)
        assert client.settled() == []
        assert other.settled() == []


def test_the_replies_of_others_jobs_can_be_listened_to(server):
    tell(server, "/bridge/source", "song.wav")
    with query_client(server) as client, server.osc() as osc:
        for name in ("ack", "progress", "take", "done"):
            client.command("LISTEN", f"/bridge/{name}")
        client.settled()
        osc.render("/bridge/repaint", "heard", "source", "song.wav", "start", 1000, "end", 9000)
        heard = []
        while not heard or heard[-1][0] != "/bridge/done":
            heard.append(client.packet())
    assert heard[0][0] == "/bridge/ack"
    assert {address for address, _ in heard} >= {"/bridge/ack", "/bridge/progress", "/bridge/take"}
    assert all(arguments[0] == "heard" for _, arguments in heard)


def test_what_others_send_can_be_listened_to_and_is_not_sent_back(server):
    with query_client(server) as client, query_client(server) as other:
        for one in (client, other):
            one.command("LISTEN", "/bridge/jobs/list")
            one.settled()
        other.send("/bridge/jobs/list", "mine", "limit", 3, "token", "secret")
        assert client.packet() == ("/bridge/jobs/list", ["mine", "limit", 3])
        assert [address for address, _ in other.settled()] == ["/bridge/ok"]


def test_a_surface_can_do_everything_in_osc_frames(server):
    """Context, request, progress and takes through one WebSocket, without a UDP port of its own."""
    with query_client(server) as client:
        client.command("LISTEN", "/bridge/take")
        client.send("/bridge/source", "song.wav")
        assert client.packet() == ("/bridge/ok", ["", "command", "source", "text", "source song.wav"])
        client.send("/bridge/select", 2000, 12000)
        assert client.packet()[0] == "/bridge/ok"
        client.send("/bridge/repaint", "framed", "takes", 2)
        heard = []
        while not heard or heard[-1][0] != "/bridge/done":
            heard.append(client.packet())
        assert [address for address, _ in heard].count(
            "/bridge/take"
        ) == 2  # each told once, though it also listens
        assert client.settled() == []


@pytest.mark.parametrize(
    "packet",
    [
        b"/bridge/nothing\x00,\x00\x00\x00", b"/bridge/repaint\x00,ss\x00x\x00\x00\x00start\x00\x00\x00", b"/",
        b"#bundle\x00zz",
        b"#bundle\x00" + b"\xff" * 12,
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_frame_is_said_in_osc(server, packet):
    with query_client(server) as client:
        client.peer.call("forget")
        client.peer.connection.send(packet)
        address, arguments = client.packet()
        assert (address, arguments[1]) == ("/bridge/failed", "code")
        assert client.peer.call("status")["queued"] == 0  # and the connection lives


def test_a_packet_of_replies_is_not_answered(server):
    with query_client(server) as client:
        client.send("/bridge/done", "x")
        assert client.settled() == []


@pytest.mark.parametrize("data", ["/bridge/nothing", 5, None, ["/bridge/tempo"]])
def test_what_is_wrong_in_a_command_is_said_in_osc(server, data):
    with query_client(server) as client:
        client.command("LISTEN", data)
        address, arguments = client.packet()
        assert (address, arguments[:3]) == ("/bridge/failed", ["", "code", "unknown_command"])


def test_who_has_gone_is_not_sent_to(server):
    with query_client(server) as client:
        client.command("LISTEN", "/bridge/tempo")
        client.settled()
    tell(server, "/bridge/tempo", 111)
    with server.websocket() as ws:  # the closing has been dealt with by now
        ws.call("status")
    tell(server, "/bridge/tempo", 112)


def test_audio_still_comes_down_beside_packets(server):
    with query_client(server) as client:
        take = next(
            reply for reply in client.peer.render("repaint", source="song.wav", start=1000, end=30000)
            if reply.name == "take"
        )  # fmt: skip
        client.command("LISTEN", "/bridge/tempo")
        client.settled()
        assert client.peer.fetch(take["take"])[:4] == b"RIFF"


def test_a_client_that_others_wrote_reads_it(server):
    """python-oscquery knows no addresses that can only be written to; it reads those that hold a value."""
    service = pytest.importorskip("pythonoscquery.osc_query_client")
    zeroconf = pytest.importorskip("zeroconf")
    info = zeroconf.ServiceInfo(
        "_oscjson._tcp.local.", "bridge._oscjson._tcp.local.", server.settings.websocket_port,
        addresses=[b"\x7f\x00\x00\x01"],
    )  # fmt: skip
    client = service.OSCQueryClient(info)
    assert client.get_host_info().osc_port == server.settings.osc_port
    tell(server, "/bridge/tempo", 133)
    assert client.query_node("/bridge/tempo").value == [133]
    assert client.query_node("/bridge/nothing") is None


def test_every_context_command_can_be_read_but_forget():
    context = {command.address for command in COMMANDS if command.group is Group.CONTEXT}
    assert context - set(READABLE) == {"/bridge/forget"}


def test_a_surface_that_said_nothing_means_what_everybody_looks_at(tmp_path):
    """A DAW selects; a tablet, another client, sends the bare address. Who has named a song means that one."""
    settings = settings_in(tmp_path)
    noise_song(settings.roots[0] / "song.wav")
    with ServerThread(settings) as fresh, fresh.osc() as daw, query_client(fresh) as tablet:
        tablet.send("/bridge/repaint", "early")
        address, arguments = tablet.packet()
        assert (address, arguments[:3]) == ("/bridge/failed", ["early", "code", "missing_field"])
        daw.ask("/bridge/source", "song.wav")
        daw.ask("/bridge/select", 4000, 9000)
        tablet.send("/bridge/repaint", "bare")
        heard = []
        while not heard or heard[-1][0] != "/bridge/done":
            heard.append(tablet.packet())
        take = next(arguments for address, arguments in heard if address == "/bridge/take")
        named = dict(zip(take[1::2], take[2::2], strict=True))
        assert (named["position"], named["length"]) == (4000, 5000)
        tablet.send("/bridge/source", "other.wav")
        assert tablet.packet()[1][2] == "file_missing"
        noise_song(settings.roots[0] / "other.wav", seed=3)
        tablet.send("/bridge/source", "other.wav")
        tablet.packet()
        daw.ask("/bridge/source", "song.wav")
        daw.ask("/bridge/select", 4000, 9000)
        tablet.send("/bridge/repaint", "own")
        assert tablet.packet()[0] == "/bridge/failed"  # the selection is the DAW's, of another song
