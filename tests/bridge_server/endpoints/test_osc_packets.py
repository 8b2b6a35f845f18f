"""OSC packets: every kind of argument there and back, bundles, and what is read from a message that is wrong."""

from __future__ import annotations

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge_server.endpoints import osc_packets
from bridge_server.endpoints.osc_packets import (
    commands_in,
    encode,
    id_in,
    reply_port_in,
    request_in,
    tokens_in,
)
from daw_protocol import requests
from daw_protocol.errors import ErrorCode
from daw_protocol.osc_packet import OscMessage
from tests.refusals import refusal


def message(address, *arguments):
    (found,) = commands_in(encode(address, list(arguments)))
    return found


def bundle(*addresses):
    builder = OscBundleBuilder(IMMEDIATELY)
    for address in addresses:
        builder.add_content(OscMessageBuilder(address).build())
    return builder.build().dgram


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["", "日本 🎵"],
        [0, -1],
        [2**31 - 1, -(2**31)],
        [2**31, -(2**31) - 1, 2**53],
        [True, False],
        [0.5, 127.25],
    ],
)
def test_arguments_come_back_as_they_were(arguments):
    found = message("/bridge/status", *arguments)
    assert found.address == "/bridge/status"
    assert list(found.values) == arguments
    assert [type(value) for value in found.values] == [type(value) for value in arguments]


def test_a_position_fits_whatever_its_size():
    """Int32 wherever it is enough, because few clients read int64."""
    assert b",i\0\0" in encode("/a", [2**31 - 1])
    assert b",h\0\0" in encode("/a", [2**31])


def test_a_bundle_is_its_messages_in_order():
    assert [found.address for found in commands_in(bundle("/a", "/b", "/c"))] == ["/a", "/b", "/c"]


@pytest.mark.parametrize("data", [b"", b"garbage", b"#bundle\0zz", b"#bundle\0" + b"\xff" * 12])
def test_what_is_not_osc_is_refused(data):
    assert refusal(commands_in, data).code is ErrorCode.BAD_MESSAGE


def test_every_text_behind_the_name_may_be_the_token():
    assert tokens_in(message("/bridge/status", "q", "token", "one", "x", 2, "token", "two")) == ["one", "two"]
    assert tokens_in(message("/bridge/status", "q", "token", 7)) == []
    assert tokens_in(message("/bridge/status", "q", "token")) == []


def test_replies_that_come_back_are_dropped():
    found = commands_in(bundle("/bridge/done", "/bridge/status", "/bridge/failed"))
    assert [command.address for command in found] == ["/bridge/status"]


def test_a_message_becomes_its_request():
    found = request_in(message("/bridge/jobs/list", "q", "limit", 3))
    assert found == requests.ListJobs(id="q", limit=3)


def test_a_message_that_is_wrong_is_refused():
    assert refusal(request_in, message("/bridge/nothing")).code is ErrorCode.UNKNOWN_COMMAND
    assert refusal(request_in, message("/bridge/jobs/list", "q", "limit", "many")).field == "limit"


def test_a_bug_in_the_reading_is_ours_and_is_logged(monkeypatch, caplog):
    def broken(*_):
        raise KeyError("nobody expected this")

    monkeypatch.setattr(osc_packets, "request_from_osc", broken)
    assert refusal(request_in, message("/bridge/status")).code is ErrorCode.INTERNAL
    assert "/bridge/status" in caplog.text
    assert "nobody expected this" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ([], ""),
        (["r1", "limit"], "r1"),
        ([7], "7"),
        (["x" * 100], "x" * 64),
        ([7.0], "7"),
        ([1.5], ""),
        (["a\nb"], ""),
    ],
)
def test_the_id_of_a_message_that_is_wrong(arguments, name):
    assert id_in(OscMessage("/bridge/nothing", tuple(arguments))) == name


@pytest.mark.parametrize(
    ("arguments", "port"),
    [
        (["r1", "reply_port", 1], 1), (["r1", "reply_port", 65_535], 65_535),
        (["r1", "reply_port", 9000], 9000), (["r1", "reply_port", "9000"], 9000), (["reply_port", 9000], 9000),
        (["r1", "reply_port"], None), (["r1", "reply_port", 0], None), (["r1", "reply_port", 65_536], None),
        (["r1", "reply_port", "soon"], None), (["r1", "port", 9000], None), ([], None),
    ],
)  # fmt: skip
def test_the_reply_port_of_a_message_that_is_wrong(arguments, port):
    assert reply_port_in(OscMessage("/bridge/status", tuple(arguments))) == port
