"""OSC arguments, through real datagrams of python-osc: tables, then every command and every reply."""

import json

import pytest
from hypothesis import given
from pythonosc.osc_message import OscMessage

from bridge_server.endpoints.osc_packets import encode
from daw_protocol import requests
from daw_protocol.addresses import BY_NAME, COMMANDS
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.osc_form import (
    MAX_DATAGRAM_BYTES,
    datagram_bytes,
    fitting,
    reply_to_osc,
    request_from_osc,
    request_to_osc,
)
from daw_protocol.replies import REPLIES, Failed, TakeReady, Understood
from daw_protocol.timeline import TempoMap
from tests.daw_protocol.generated import FEW, messages

TYPED = [command for command in COMMANDS if command.osc]
REPAINT = BY_NAME["repaint"]


def through_a_datagram(address, arguments):
    """Address and arguments as they come out of the datagram they were sent in."""
    message = OscMessage(encode(address, arguments))
    return message.address, message.params


@pytest.mark.parametrize("command", TYPED, ids=lambda command: command.name)
def test_every_request_survives_a_datagram(command):
    @FEW
    @given(messages(command.request))
    def check(request):
        sent = request_to_osc(command, request)
        assert request_from_osc(*through_a_datagram(*sent)) == (command, request)

    check()


@pytest.mark.parametrize("reply_type", REPLIES, ids=lambda one: one.name)
def test_every_reply_fits_a_datagram_and_keeps_its_id(reply_type):
    @FEW
    @given(messages(reply_type))
    def check(reply):
        address, arguments = fitting(reply)
        size = len(encode(address, arguments))
        assert size <= datagram_bytes(address, arguments)
        assert size <= MAX_DATAGRAM_BYTES
        heard_address, received = through_a_datagram(address, arguments)
        assert heard_address == f"/bridge/{reply.name}"
        assert received[1::2] == [name for name in reply.to_fields() if name != "id"]
        if datagram_bytes(*reply_to_osc(reply)) <= MAX_DATAGRAM_BYTES:
            assert received[0] == reply.id

    check()


# OSC message in bytes, by hand: address and type tag padded with NUL to four bytes, then the values.
BYTES = [
    (
        b"/bridge/tempo\0\0\0,f\0\0\x42\xf0\0\0",
        requests.SetTempo(bpm=120),
    ),
    (
        b"/bridge/select\0\0,ss\x0017|1\0\0\0\x0021|1\0\0\0\0",
        requests.Select(start="17|1", end="21|1"),
    ),
    (
        b"/bridge/transport\0\0\0,hT\0\0\0\0\0\0\x01\x77\0",
        requests.Transport(position=96000, rolling=True),
    ),
    (
        b"/bridge/cancel\0\0,s\0\0id1\0",
        requests.Cancel(job="id1"),
    ),
    (
        b"/bridge/repaint\0,ssssisi\0\0\0\0id1\0source\0\0a.wav\0\0\0start\0\0\0\0\0\0\x07end\0\0\0\0\x09",
        requests.Repaint(id="id1", source="a.wav", start=7, end=9),
    ),
]


@pytest.mark.parametrize(("data", "request_"), BYTES, ids=lambda one: type(one).__name__)
def test_bytes_and_request(data, request_):
    message = OscMessage(data)
    _, found = request_from_osc(message.address, message.params)
    assert found == request_


def test_replies_as_bytes():
    assert encode(*fitting(Understood(id="id1", command="status"))) == (
        b"/bridge/ok\0\0,sss\0\0\0\0id1\0command\0status\0\0"
    )


READ = [
    ("/bridge/tempo", [120], requests.SetTempo(bpm=120)),
    ("/bridge/tempo", ["120"], requests.SetTempo(bpm=120)),
    ("/bridge/tempo", ["bpm", 120], requests.SetTempo(bpm=120)),
    ("/bridge/tempo", [120.0, "client", "left"], requests.SetTempo(bpm=120, client="left")),
    ("/bridge/source", ["song.wav"], requests.SetSource(source="song.wav")),
    ("/bridge/source", ["song.wav", 5], requests.SetSource(source="song.wav", position=5)),
    ("/bridge/source", ["song.wav", "rate", 48000], requests.SetSource(source="song.wav", rate=48000)),
    ("/bridge/source", ["source", "rate"], requests.SetSource(source="rate")),
    ("/bridge/transport", [5], requests.Transport(position=5)),
    ("/bridge/transport", [5.0, 1], requests.Transport(position=5, rolling=True)),
    ("/bridge/repaint", [], requests.Repaint()),
    ("/bridge/repaint", ["id1"], requests.Repaint(id="id1")),
    ("/bridge/repaint", [7], requests.Repaint(id="7")),
    ("/bridge/repaint", [5.0], requests.Repaint(id="5")),
    ("/bridge/repaint", ["id1", "takes", None], requests.Repaint(id="id1")),  # nil, as null in JSON
    ("/bridge/repaint", [None, "takes", 3.0], requests.Repaint(takes=3)),
    ("/bridge/repaint", ["takes", 3], requests.Repaint(takes=3)),
    ("/bridge/repaint", ["source"], requests.Repaint(id="source")),
    ("/bridge/forget", [], requests.ForgetContext()),
]


@pytest.mark.parametrize(("address", "arguments", "request_"), READ)
def test_read(address, arguments, request_):
    assert request_from_osc(address, arguments)[1] == request_


BAD = ErrorCode.BAD_MESSAGE
REFUSED = [
    ("/bridge/repant", [], ErrorCode.UNKNOWN_COMMAND, "address", "Did you mean /bridge/repaint?"),
    ("/", [], ErrorCode.UNKNOWN_COMMAND, "address", "/bridge/tempo"),
    ("/bridge/takes/fetch", ["t1"], ErrorCode.UNKNOWN_COMMAND, "address", "Did you mean"),
    ("/x" * 5000, [], ErrorCode.UNKNOWN_COMMAND, "address", "Available"),
    ("/bridge/repaint", ["id1", "start"], BAD, "start", "For example: /bridge/repaint"),
    ("/bridge/repaint", ["id1", "start", 0, "end"], BAD, "end", "For example"),
    ("/bridge/repaint", ["id1", "takes", 1, "takes", 2], BAD, "takes", "Send it once"),
    ("/bridge/repaint", ["id1", "id", "id2"], BAD, "id", "Send it once"),
    ("/bridge/repaint", ["id1", "sorce", "a.wav"], ErrorCode.UNKNOWN_FIELD, "sorce", "Did you mean source?"),
    ("/bridge/repaint", ["id1", 5, "a.wav"], ErrorCode.UNKNOWN_FIELD, "5", "Available"),
    ("/bridge/repaint", ["id1", "\x01", "a.wav"], ErrorCode.UNKNOWN_FIELD, "?", "Available"),
    ("/bridge/repaint", ["id1", "task", "repaint"], ErrorCode.UNKNOWN_FIELD, "task", "Did you mean"),
    ("/bridge/repaint", ["id1", [1, 2], 3], ErrorCode.UNKNOWN_FIELD, "[1, 2]", "Available"),
    ("/bridge/repaint", [[1, 2]], ErrorCode.WRONG_TYPE, "id", "text"),
    ("/bridge/repaint", [[1, 2], 3], BAD, "3", "For example"),
    ("/bridge/repaint", [b"blob"], ErrorCode.WRONG_TYPE, "id", "text"),
    ("/bridge/repaint", ["id1", "start", float("nan")], ErrorCode.OUT_OF_RANGE, "start", "samples"),
    ("/bridge/repaint", ["id1", "bpm", float("inf")], ErrorCode.OUT_OF_RANGE, "bpm", "5 to 1000"),
    ("/bridge/repaint", ["id1", "options", "{"], ErrorCode.OUT_OF_RANGE, "options", "object"),
    ("/bridge/forget", ["now"], BAD, "now", "For example: /bridge/forget"),
    ("/bridge/select", [5], ErrorCode.MISSING_FIELD, "end", "Send end"),
    ("/bridge/cancel", [], ErrorCode.MISSING_FIELD, "job", "Send job"),
    ("/bridge/tempo", [], ErrorCode.MISSING_FIELD, "bpm", "Send either"),
]


@pytest.mark.parametrize(("address", "arguments", "code", "field", "remedy"), REFUSED)
def test_refused(address, arguments, code, field, remedy):
    with pytest.raises(ProtocolError) as raised:
        request_from_osc(address, arguments)
    error = raised.value
    assert (error.code, error.field) == (code, field)
    assert remedy in error.remedy
    assert len(error.sentence) < 500
    encode(*fitting(Failed.from_error(error)))


def test_lists_and_objects_travel_as_text():
    request = requests.Repaint(tempo_map=TempoMap.constant(90), options={"steps": 8})
    _, arguments = request_to_osc(REPAINT, request)
    assert json.loads(arguments[arguments.index("options") + 1]) == {"steps": 8}
    assert "points" in json.loads(arguments[arguments.index("tempo_map") + 1])
    _, arguments = request_to_osc(BY_NAME["extract"], requests.Extract(stems=("vocals", "drums")))
    assert arguments == ["stems", "vocals,drums"]


def test_long_texts_are_shortened_and_the_rest_is_kept():
    take = TakeReady(
        id="id1",
        job="j0123456789",
        take="t0123456789",
        number=1,
        stem="mix",
        position=2**52,
        length=2**40,
        rate=192000,
        seed=2**31 - 1,
        passed=False,
        warning="The seam clicks. " * 100,
        path="/music/" + "日" * 700 + ".wav",
    )
    address, arguments = fitting(take)
    assert len(encode(address, arguments)) <= MAX_DATAGRAM_BYTES
    assert arguments[:5] == ["id1", "job", "j0123456789", "take", "t0123456789"]
    received = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    assert (received["position"], received["passed"]) == (2**52, False)
    assert received["warning"].endswith("…")
    assert "path" not in received  # half a path is a wrong one


def test_what_fits_is_not_touched():
    text = "x" * 1300
    assert fitting(Understood(id="id1", command="status", text=text))[1][-1] == text


def test_yes_and_no_go_as_numbers():
    """Pure Data's oscparse drops T and F, and the names and values behind them would not belong together any more."""
    take = TakeReady(
        job="j",
        take="t",
        number=1,
        stem="mix",
        position=0,
        length=1,
        rate=48000,
        seed=1,
        passed=True,
        path="a.wav",
    )
    sent = encode(*reply_to_osc(take))
    assert OscMessage(sent).params[-3:] == [1, "path", "a.wav"]
    for packet in (sent, encode(*request_to_osc(BY_NAME["watch"], BY_NAME["watch"].request(on=False)))):
        tags = packet[packet.index(b",") :].split(b"\x00")[0]
        assert not set(tags) & set(b"TF")
