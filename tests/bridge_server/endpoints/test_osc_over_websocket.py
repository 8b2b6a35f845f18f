"""OSC packets as WebSocket frames: which frames are packets, who is answered, and what subscribers get."""

from __future__ import annotations

import asyncio

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge_server.endpoints.osc_over_websocket import Listener, OscFrames, is_packet, serve_packet
from bridge_server.handlers.response import Response
from daw_protocol import requests
from daw_protocol.replies import Done, Understood
from tests.bridge_server.peers import datagram, noise_song
from tests.bridge_server.query_client import query_client
from tests.bridge_server.servers import server_fixture

server = server_fixture((noise_song, "song.wav"))


class Connection:
    """Keeps the packets it is given."""

    key = "ws:1"
    language = "en"

    def __init__(self):
        self.frames = []

    def put(self, frame):
        self.frames.append(frame)

    @property
    def packets(self):
        return [(message.address, message.params) for message in map(OscMessage, self.frames)]


class Dispatcher:
    """Keeps the requests, and answers each with two replies."""

    def __init__(self):
        self.requests = []

    async def respond(self, request, client):
        self.requests.append(request)
        reply = Understood(id=request.id, command="status", text="fine")
        return Response((reply, reply))


@pytest.mark.parametrize(
    ("frame", "is_osc"),
    [
        (b"/bridge/status\0\0", True), (b"/", True), (b"#bundle\0", True),
        (b"#bundles", False), (b"RIFF", False), (b"", False),
    ],
)  # fmt: skip
def test_a_packet_is_recognised_by_its_first_bytes(frame, is_osc):
    assert is_packet(frame) is is_osc


def test_a_reply_goes_out_as_a_packet():
    connection = Connection()
    OscFrames(connection).send(Done(id="r", job="j1", takes=2))
    ((address, arguments),) = connection.packets
    assert address == "/bridge/done"
    assert arguments[:3] == ["r", "job", "j1"]


def test_two_clients_are_one_when_they_answer_to_one_connection():
    connection = Connection()
    assert OscFrames(connection) == OscFrames(connection)
    assert hash(OscFrames(connection)) == hash(OscFrames(connection))
    assert OscFrames(connection) == Listener(connection)  # who asked and listens is sent a reply once
    assert OscFrames(connection) != OscFrames(Connection())
    assert OscFrames(connection) != connection
    assert OscFrames(connection).key == "ws:1"


def test_a_listener_gets_its_addresses_only():
    connection = Connection()
    listener = Listener(connection)
    listener.addresses.add("/bridge/done")
    listener.send(Done(id="r", job="j1", takes=1))
    listener.send(Understood(id="r", command="status", text="fine"))
    listener.publish("/bridge/tempo", [97.0])
    assert [address for address, _ in connection.packets] == ["/bridge/done"]


def test_every_message_of_a_bundle_is_carried_out_in_order():
    bundle = OscBundleBuilder(IMMEDIATELY)
    for name in ("a", "b"):
        builder = OscMessageBuilder("/bridge/status")
        builder.add_arg(name)
        bundle.add_content(builder.build())
    dispatcher, connection = Dispatcher(), Connection()
    asyncio.run(serve_packet(dispatcher, bundle.build().dgram, OscFrames(connection)))
    assert [request.id for request in dispatcher.requests] == ["a", "b"]
    assert [arguments[0] for _, arguments in connection.packets] == ["a", "a", "b", "b"]


def test_the_connection_is_the_client_whatever_the_message_says():
    dispatcher = Dispatcher()
    packet = datagram("/bridge/status", "s", "token", "secret", "client", "me", "reply_port", 9000)
    asyncio.run(serve_packet(dispatcher, packet, OscFrames(Connection())))
    assert dispatcher.requests == [requests.Status(id="s")]


def test_a_message_that_cannot_be_read_does_not_stop_the_next_one():
    bundle = OscBundleBuilder(IMMEDIATELY)
    for address, name in (("/bridge/nothing", "bad"), ("/bridge/status", "good")):
        builder = OscMessageBuilder(address)
        builder.add_arg(name)
        bundle.add_content(builder.build())
    dispatcher, connection = Dispatcher(), Connection()
    asyncio.run(serve_packet(dispatcher, bundle.build().dgram, OscFrames(connection)))
    assert [request.id for request in dispatcher.requests] == ["good"]
    (address, arguments), *_ = connection.packets
    assert (address, arguments[:3]) == ("/bridge/failed", ["bad", "code", "unknown_command"])


# Through a real server


def test_a_surface_can_do_everything_in_osc_frames(server):
    """Context, request, progress and takes through one WebSocket, without a UDP port of its own."""
    with query_client(server) as client:
        client.command("LISTEN", "/bridge/take")
        client.send("/bridge/source", "song.wav")
        assert client.packet() == ("/bridge/ok", ["", "command", "source", "text", "source song.wav"])
        client.send("/bridge/select", 2000, 12000)
        assert client.packet()[0] == "/bridge/ok"
        client.send("/bridge/repaint", "framed", "takes", 2)
        replies = []
        while not replies or replies[-1][0] != "/bridge/done":
            replies.append(client.packet())
        assert [address for address, _ in replies].count(
            "/bridge/take"
        ) == 2  # each sent once, though it also listens
        assert client.settled() == []


@pytest.mark.parametrize(
    "packet",
    [
        b"/bridge/nothing\x00,\x00\x00\x00", b"/bridge/repaint\x00,ss\x00x\x00\x00\x00start\x00\x00\x00", b"/",
        b"#bundle\x00zz",
        b"#bundle\x00" + b"\xff" * 12,
    ],
)  # fmt: skip
def test_a_frame_that_is_wrong_is_refused_in_osc(server, packet):
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


def test_audio_still_comes_down_between_packets(server):
    with query_client(server) as client:
        take = next(
            reply for reply in client.peer.render("repaint", source="song.wav", start=1000, end=30000)
            if reply.name == "take"
        )  # fmt: skip
        client.command("LISTEN", "/bridge/tempo")
        client.settled()
        assert client.peer.fetch(take["take"])[:4] == b"RIFF"
