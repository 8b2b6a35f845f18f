"""OSC over real sockets: who is sent what, in which order, how fast, and what garbage does (nothing)."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge_server.endpoints.refusal_log import PER_SENDER
from bridge_server.handlers.response import Response
from daw_protocol.addresses import COMMANDS
from daw_protocol.requests import RankTakes
from tests.bridge_server.peers import PATIENCE, TERMINAL, OscPeer, band_song, in_order, noise_song
from tests.bridge_server.servers import server_fixture

PORT = 65_001  # stands for the port a test listens at
REGION = ("source", "song.wav", "start", 12000, "end", 24000)


def fresh(name: str = "r") -> str:
    """A request id nobody used before: ids of one machine are one space."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


def test_a_request_is_acknowledged_then_rendered_then_ended_once(osc):
    name = fresh()
    replies = osc.render("/bridge/repaint", name, *REGION, "takes", 2)
    assert in_order(replies)
    assert replies[0]["state"] == "queued"
    takes = [reply for reply in replies if reply.name == "take"]
    assert [take["number"] for take in takes] == [1, 2]
    assert {(take["position"], take["length"], take["rate"]) for take in takes} == {(12000, 12000, 48000)}
    assert replies[-1].name == "done"
    assert replies[-1]["takes"] == 2
    assert osc.silent(), "something came after the terminal message"


def test_no_other_client_is_sent_its_replies(server, osc):
    with server.osc() as other:
        name = fresh()
        assert osc.render("/bridge/repaint", name, *REGION)[-1].name == "done"
        assert other.silent()


def test_progress_comes_ten_times_a_second_at_most(osc):
    name = fresh()
    options = '{"seconds": 1.2}'
    replies = osc.render("/bridge/repaint", name, *REGION, "engine", "slow", "options", options)
    progress = [reply for reply in replies if reply.name == "progress"]
    assert len(progress) >= 5
    seconds = progress[-1].at - progress[0].at
    assert len(progress) <= 10 * seconds + 2
    fractions = [reply["fraction"] for reply in progress]
    assert fractions == sorted(fractions)
    assert replies[-1].name == "done"


@pytest.mark.alone  # it keeps time
def test_the_acknowledgement_does_not_wait_for_a_render(server, osc):
    name, other = fresh(), fresh()
    osc.send("/bridge/repaint", name, *REGION, "engine", "slow")
    assert osc.receive().name == "ack"
    while osc.receive().name != "progress":
        pass
    with server.osc() as second:
        began = time.monotonic()
        assert second.ask("/bridge/repaint", other, *REGION).name == "ack"
        assert time.monotonic() - began < 0.5
        osc.send("/bridge/cancel", name)
        assert osc.until_end(name)[-1].name == "cancelled"
        assert second.until_end(other)[-1].name == "done"


def test_a_repeated_id_is_answered_while_the_job_waits_or_runs(server, osc):
    name = fresh()
    slow = (*REGION, "engine", "slow", "options", '{"seconds": 0.6}')
    osc.send("/bridge/repaint", name, *slow)
    first = osc.receive()
    osc.send("/bridge/repaint", name, *slow)
    replies = [first, *osc.until_end(name)]
    acks = [reply for reply in replies if reply.name == "ack"]
    assert len(acks) == 2
    assert acks[0]["job"] == acks[1]["job"]
    assert "used before" in acks[1]["note"]
    assert sum(reply.name in TERMINAL for reply in replies) == 1
    assert len(server.takes(job=first["job"])) == 1
    assert osc.silent()


def test_a_repeated_id_is_answered_after_the_end_with_its_takes(server, osc):
    name = fresh()
    first = osc.render("/bridge/repaint", name, *REGION, "takes", 2)
    again = osc.render("/bridge/repaint", name, *REGION, "takes", 2)
    assert [reply.name for reply in again] == ["ack", "take", "take", "done"]
    took = [[reply["take"] for reply in replies if reply.name == "take"] for replies in (first, again)]
    assert took[0] == took[1]
    assert len(server.takes(job=first[0]["job"])) == 2


def test_a_failed_request_fails_again_when_it_is_repeated(osc):
    name = fresh()
    arguments = (*REGION, "engine", "faulty", "options", '{"fault": "silence"}')
    first = osc.render("/bridge/repaint", name, *arguments)
    again = osc.render("/bridge/repaint", name, *arguments)
    assert (first[-1].name, again[-1].name) == ("failed", "failed")
    assert first[-1].values == again[-1].values


def test_context_messages_make_a_bare_repaint_enough(server, osc):
    for address, *arguments in (
        ("/bridge/tempo", 120.0),
        ("/bridge/meter", "4/4"),
        ("/bridge/key", "F# minor"),
        ("/bridge/source", "long.wav", 0),
        ("/bridge/select", "2|1|0", "3|1|0"),
        ("/bridge/transport", 96000, 1),
    ):
        assert osc.ask(address, *arguments).name == "ok"
    name = fresh()
    replies = osc.render("/bridge/repaint", name)
    (take,) = [reply for reply in replies if reply.name == "take"]
    assert (take["position"], take["length"]) == (96000, 96000)
    (record,) = server.takes(job=replies[0]["job"])
    assert record.request["key"] == "F# minor"
    assert record.request["bpm"] == 120


def test_a_song_that_does_not_start_at_zero(osc):
    assert osc.ask("/bridge/source", "song.wav", 96000).name == "ok"
    name = fresh()
    replies = osc.render("/bridge/repaint", name, "start", 100000, "end", 101000)
    (take,) = [reply for reply in replies if reply.name == "take"]
    assert (take["position"], take["length"]) == (100000, 1000)
    outside = osc.render("/bridge/repaint", fresh(), "start", 12000, "end", 24000)
    assert outside[-1]["code"] == "bad_region"


def test_clients_on_one_machine_keep_apart_by_name(osc):
    assert osc.ask("/bridge/select", 1000, 2000, "client", "left").name == "ok"
    assert osc.ask("/bridge/select", 5000, 7000, "client", "right").name == "ok"
    name = fresh("same")
    left = osc.render("/bridge/repaint", name, "source", "song.wav", "client", "left")
    right = osc.render("/bridge/repaint", name, "source", "song.wav", "client", "right")
    assert left[0]["job"] != right[0]["job"], "the same id of two clients is two requests"
    places = [[r["position"] for r in replies if r.name == "take"] for replies in (left, right)]
    assert places == [[1000], [5000]]
    nobody = osc.ask("/bridge/repaint", fresh(), "source", "song.wav", "client", "third")
    assert (nobody.name, nobody["code"], nobody["field"]) == ("failed", "missing_field", "start")


def test_one_machine_shares_a_context_over_several_ports(server, osc):
    """Messages typed one after the other come from a new port each time."""
    assert osc.ask("/bridge/select", 3000, 4000).name == "ok"
    with server.osc() as other:
        replies = other.render("/bridge/repaint", fresh(), "source", "song.wav")
    assert [r["position"] for r in replies if r.name == "take"] == [3000]


def test_replies_go_to_the_port_that_was_asked_for(server, osc):
    with server.osc() as listener:
        name = fresh()
        osc.send("/bridge/repaint", name, *REGION, "reply_port", listener.port)
        assert listener.until_end(name)[-1].name == "done"
    assert osc.silent()


def test_errors_go_to_the_port_that_was_asked_for(server, osc):
    with server.osc() as listener:
        osc.send("/bridge/repaint", fresh(), "source", "missing.wav", "reply_port", listener.port)
        assert listener.receive()["code"] == "file_missing"


@pytest.mark.parametrize("address", ["/bridge/failed", "/bridge/ack", "/bridge/ok"])
def test_a_reply_is_not_replied_to(osc, address):
    """Else two servers, or one that is asked to reply to itself, would talk to each other for ever."""
    osc.send(address, "x", "code", "internal")
    assert osc.silent()


def test_replying_to_the_server_itself_ends_at_once(server, osc):
    osc.send("/bridge/status", "mirror", "reply_port", server.settings.osc_port)
    assert osc.silent()
    assert osc.silent()


def test_messages_in_a_bundle_are_carried_out_in_order(osc):
    name = fresh()
    bundle = OscBundleBuilder(IMMEDIATELY)
    for address, *arguments in (
        ("/bridge/source", "song.wav"),
        ("/bridge/select", 2000, 2600),
        ("/bridge/repaint", name),
    ):
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)
        bundle.add_content(builder.build())
    osc.send_bytes(bundle.build().dgram)
    assert [osc.receive().name for _ in range(2)] == ["ok", "ok"]
    replies = osc.until_end(name)
    assert [r["position"] for r in replies if r.name == "take"] == [2000]


def test_a_flood_of_messages_in_a_row_keeps_its_order(osc):
    """Each selection is followed by a request at once, before anything is answered."""
    names = [fresh() for _ in range(10)]
    for number, name in enumerate(names):
        osc.send("/bridge/select", 1000 * number, 1000 * number + 500)
        osc.send("/bridge/repaint", name, "source", "song.wav")
    places, ended = {}, set()
    while len(ended) < len(names):
        reply = osc.receive()
        if reply.name == "take":
            places[reply["id"]] = reply["position"]
        if reply.name in TERMINAL:
            ended.add(reply["id"])
    assert [places[name] for name in names] == [1000 * number for number in range(10)]


def test_long_names_and_prompts_stay_within_a_datagram(osc, songs):
    folder = songs / ("a long folder name " * 10) / ("ünïcödé " * 10) / ("z" * 200)
    folder.mkdir(parents=True, exist_ok=True)
    noise_song(folder / f"{'title ' * 30}.wav")
    source = str((folder / f"{'title ' * 30}.wav").relative_to(songs))
    name = fresh("n" * 50)
    replies = osc.render(
        "/bridge/repaint", name, "source", source, "start", 100, "end", 5000, "prompt", "ü" * 2000
    )
    assert replies[-1].name == "done"
    assert max(reply.size for reply in replies) <= 1400
    listed = osc.ask("/bridge/jobs/list", fresh(), "limit", 1000)
    assert listed.size <= 1400
    shown = osc.ask("/bridge/takes/show", next(r for r in replies if r.name == "take")["take"])
    assert shown.size <= 1400
    missing = osc.ask("/bridge/repaint", fresh(), "source", "ü" * 1000, "start", 0, "end", 1)
    assert (missing.name, missing["field"]) == ("failed", "source")
    assert missing.size <= 1400


@pytest.mark.parametrize(
    "address", ["/bridge/repiant", "/bridge", "/", "/bridge/repaint/", "/bridge/takes/fetch"]
)
def test_an_unknown_address_is_named(osc, address):
    reply = osc.ask(address, "x1")
    assert (reply.name, reply["id"], reply["code"], reply["field"]) == (
        "failed", "x1", "unknown_command", "address",
    )  # fmt: skip
    assert address in reply["sentence"]
    assert reply["remedy"]


WRONG = [
    ("wrong_type", "takes", "many"),
    ("wrong_type", "takes", 1.5),
    ("out_of_range", "takes", 0),
    ("out_of_range", "takes", 10**9),
    ("out_of_range", "takes", -1),
    ("out_of_range", "crossfade", -1.0),
    ("out_of_range", "crossfade", float("nan")),
    ("wrong_type", "crossfade", b"\x00\x01"),
    ("out_of_range", "strength", float("inf")),
    ("out_of_range", "bpm", float("nan")),
    ("out_of_range", "bpm", 1e30),
    ("wrong_type", "seed", "many"),
    ("wrong_type", "seed", 0.5),
    ("out_of_range", "rate", 47999),
    ("wrong_type", "match_loudness", 7),
    ("wrong_type", "layers", 2.5),
    ("wrong_type", "start", True),
    ("wrong_type", "options", 3),
    ("out_of_range", "options", "{not json"),
    ("out_of_range", "tempo_map", "[1"),
    ("wrong_type", "tempo_map", "[]"),
    ("out_of_range", "prompt", "\x01"),
    ("unknown_field", "taks", 2),
    ("missing_field", "start", None),
]


@pytest.mark.parametrize(("code", "field", "value"), WRONG)
def test_a_wrong_value_is_named(server, osc, code, field, value):
    before = server.holdings()
    name = fresh()
    region = () if field == "start" else ("start", 1000, "end", 2000)
    pair = () if value is None else (field, value)
    reply = osc.ask("/bridge/repaint", name, "source", "song.wav", *region, *pair)
    assert reply.name == "failed"
    assert (reply["id"], reply["code"], reply["field"]) == (name, code, field)
    assert field in reply["sentence"] or value is None
    assert osc.silent()
    assert server.holdings() == before


def test_an_array_as_first_argument_is_of_the_wrong_type(osc):
    builder = OscMessageBuilder("/bridge/select")
    builder.add_arg([1, [2, 3]])
    builder.add_arg(1)
    osc.send_bytes(builder.build().dgram)
    reply = osc.receive()
    assert (reply.name, reply["code"], reply["field"]) == ("failed", "wrong_type", "start")


def test_values_must_come_in_pairs_and_once(osc):
    odd = osc.ask("/bridge/repaint", "odd", "source", "song.wav", "start")
    assert (odd["code"], odd["field"]) == ("bad_message", "start")
    twice = osc.ask("/bridge/repaint", "twice", "start", 1, "start", 2)
    assert (twice["code"], twice["field"]) == ("bad_message", "start")


def test_every_address_answers_without_values(osc):
    for command in COMMANDS:
        if command.osc:
            reply = osc.ask(command.address)
            assert reply.values.get("code") != "internal", command.address
            if reply.name == "ack":  # generate needs nothing: 16 bars at 120 BPM
                assert osc.until_end(reply["id"])[-1].name == "done", command.address


EMPTY_BUNDLES = [b"#bundle\x00" + b"\xff" * 8, b"#bundle\x00" + bytes(8) + bytes(4 * 1000)]
GARBAGE = [b"", b"\x00", b"/", b"/bridge/status", b"#bundle",
           b"/bridge/status\x00\x00,s", b"/bridge/status\x00\x00,sss\x00\x00\x00\x00", b"\xff" * 2000,
           b"/bridge/status\x00\x00,[[[[[[[[", b"/bridge/status\x00\x00,b\x00\x00\x7f\xff\xff\xff",
           b"GET / HTTP/1.1\r\n\r\n", b"#bundle\x00" + bytes(8) + b"\x7f\xff\xff\xff"]  # fmt: skip


@pytest.mark.parametrize("data", GARBAGE)
def test_what_is_not_osc_is_answered_and_forgotten(osc, data):
    osc.send_bytes(data)
    reply = osc.receive()
    assert reply.name in ("failed", "ok")
    assert reply.values.get("code", "bad_message") == "bad_message"
    assert osc.silent()


@pytest.mark.parametrize("data", EMPTY_BUNDLES)
def test_a_bundle_without_messages_is_nothing(osc, data):
    osc.send_bytes(data)
    assert osc.silent()


addresses = st.sampled_from([command.address for command in COMMANDS] + ["/", "/bridge/", "/x"])
arguments = st.lists(
    st.one_of(
        st.integers(-(2**31), 2**31 - 1), st.floats(width=32), st.text(max_size=20), st.binary(max_size=9),
        st.booleans(),
        st.sampled_from(["id", "start", "end", "takes", "bars", "length", "bpm", "tempo_map", "reply_port"]),
        st.none(),
    ),
    max_size=9,
)  # fmt: skip


def answered(osc: OscPeer, data: bytes) -> None:
    """The server answers something that is no mistake of its own, and then still answers a question."""
    mark = uuid.uuid4().hex
    osc.send_bytes(data)
    osc.send("/bridge/status", mark)
    while (reply := osc.receive())["id"] != mark:
        assert reply.values.get("code") != "internal", (data, reply)


# A few: tests/fuzz draws many more through this door, and damages real messages.
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(address=addresses, values=arguments)
def test_any_message_gets_an_answer_that_is_no_bug(osc, address, values):
    builder = OscMessageBuilder(address)
    try:
        for value in values:
            builder.add_arg(value)
        data = builder.build().dgram
    except Exception:  # python-osc cannot send it, so nobody will
        return
    if b"reply_port" not in data:
        answered(osc, data)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), keep=st.integers(0, 200), flip=st.integers(0, 255))
def test_any_bytes_leave_the_server_answering(osc, data, keep, flip):
    good = bytearray(b"/bridge/repaint\x00,ssi\x00\x00\x00\x00id1\x00takes\x00\x00\x00\x00\x00\x00\x02")
    good[keep % len(good)] = flip
    answered(osc, data)
    answered(osc, bytes(good) + data)


def cancel_during(osc: OscPeer, name: str, *arguments: object) -> float:
    """Starts a render, cancels it once it is under way; seconds until `cancelled` came."""
    osc.send("/bridge/repaint", name, *arguments)
    while (reply := osc.receive()).name != "progress" or reply["fraction"] == 0.0:
        assert reply.name not in TERMINAL, reply
    began = time.monotonic()
    osc.send("/bridge/cancel", name)
    ended = osc.until_end(name)[-1]
    assert ended.name == "cancelled"
    assert ended["reason"]
    return ended.at - began


# 200 ms is what is promised; the rest is for machines where everybody wants the processor.
CANCEL_SECONDS = 0.2 + 0.4


def test_a_ranking_holds_no_other_message_up(server, osc, monkeypatch):
    release = threading.Event()

    async def held(request, client):
        await asyncio.to_thread(release.wait, PATIENCE)
        return Response(())

    monkeypatch.setitem(server.server.dispatcher._handlers, RankTakes, held)
    osc.send("/bridge/takes/rank", "ranked")
    try:
        assert osc.ask("/bridge/status", "s")["command"] == "status"
    finally:
        release.set()


@pytest.mark.alone  # it keeps time
def test_cancel_while_running(server, osc):
    osc.render("/bridge/repaint", fresh(), *REGION)  # now the store has the song
    before = server.holdings()
    assert cancel_during(osc, fresh(), *REGION, "engine", "slow") < CANCEL_SECONDS
    assert server.holdings() == before
    at_once = ("engine", "slow", "options", '{"seconds": 0}')
    assert osc.render("/bridge/repaint", fresh(), *REGION, *at_once)[-1].name == "done"


@pytest.mark.alone  # it keeps time
def test_cancel_while_waiting(osc):
    running, waiting = fresh("running"), fresh("waiting")
    osc.send("/bridge/repaint", running, *REGION, "engine", "slow")
    osc.send("/bridge/repaint", waiting, *REGION)
    assert {osc.receive()["id"], osc.receive()["id"]} >= {running}
    began = time.monotonic()
    osc.send("/bridge/cancel", waiting)
    ended = osc.until_end(waiting)[-1]
    assert ended.name == "cancelled"
    assert ended.at - began < CANCEL_SECONDS
    osc.send("/bridge/cancel", running)
    assert osc.until_end(running)[-1].name == "cancelled"


def test_cancel_what_has_ended_or_never_was(osc):
    name = fresh()
    assert osc.render("/bridge/repaint", name, *REGION)[-1].name == "done"
    late = osc.ask("/bridge/cancel", name)
    assert (late.name, "done already" in late["text"]) == ("ok", True)
    never = osc.ask("/bridge/cancel", "never-asked-for")
    assert (never["code"], never["field"]) == ("unknown_job", "job")


def test_a_newer_request_replaces_an_older_one_that_waits(osc):
    running, older, newer, other = (fresh(name) for name in ("running", "older", "newer", "other"))
    osc.send("/bridge/repaint", running, *REGION, "engine", "slow")
    osc.send("/bridge/repaint", other, *REGION, "track", "Bass")
    osc.send("/bridge/repaint", older, *REGION, "track", "Lead")
    osc.send("/bridge/repaint", newer, *REGION, "track", "Lead", "replace", True)
    ends = {}
    while len(ends) < 1:
        reply = osc.receive()
        if reply.name in TERMINAL:
            ends[reply["id"]] = reply
    assert ends.keys() == {older}
    assert (ends[older].name, "newer" in ends[older]["reason"]) == ("cancelled", True)
    osc.send("/bridge/cancel", running)
    while len(ends) < 4:
        reply = osc.receive()
        if reply.name in TERMINAL:
            ends[reply["id"]] = reply
    assert {name: ends[name].name for name in (running, newer, other)} == {
        running: "cancelled", newer: "done", other: "done",
    }  # fmt: skip


def test_interactive_requests_come_before_batch_ones(osc):
    running, batch, quick = fresh("running"), fresh("batch"), fresh("quick")
    osc.send("/bridge/repaint", running, *REGION, "engine", "slow")
    short = ("engine", "slow", "options", '{"seconds": 0.05}')  # jobs of another engine would not wait
    osc.send("/bridge/repaint", batch, *REGION, *short, "priority", "batch")
    osc.send("/bridge/repaint", quick, *REGION, *short)
    osc.send("/bridge/cancel", running)
    order = []
    while len(order) < 3:
        reply = osc.receive()
        if reply.name in TERMINAL:
            order.append(reply["id"])
    assert order == [running, quick, batch]


@pytest.mark.alone  # it keeps time
def test_cancel_the_sketch_engine_while_it_listens(osc, songs):
    """The real engine, in the middle of its longest stretch of work: listening to a song it does not know."""
    band_song(songs / "band.wav", bars=12)
    region = ("source", "band.wav", "bars", "5-6", "bpm", 120, "engine", "sketch")
    warm = osc.render(
        "/bridge/repaint", fresh(), *REGION, "engine", "sketch"
    )  # its process runs from here on
    assert warm[-1].name in TERMINAL
    assert cancel_during(osc, fresh(), *region) < CANCEL_SECONDS
    assert osc.render("/bridge/repaint", fresh(), *region)[-1].name == "done"


quiet = server_fixture()
"""A server nobody else talks to: it prints a few lines a second only, and other tests send floods."""


@pytest.mark.parametrize(
    ("address", "arguments", "code"),
    [
        ("/bridge/repant", ("id1", "reply_port", PORT), "unknown_command"),
        ("/bridge/repaint", ("id1", "sorce", "song.wav", "reply_port", PORT), "unknown_field"),
        ("/bridge/repaint", ("id1", "takes", 99, "reply_port", PORT), "out_of_range"),
        ("/bridge/repaint", ("id1", "takes", "reply_port", PORT), "bad_message"),
        ("/bridge/repaint", ("id1", "takes", 99, "reply_port", str(PORT)), "out_of_range"),
    ],
)
def test_a_message_that_cannot_be_read_is_answered_at_its_reply_port_too(
    quiet, address, arguments, code, caplog
):
    with quiet.osc() as sender, quiet.osc() as listener:
        sender.send(
            address, *(type(word)(listener.port) if str(word) == str(PORT) else word for word in arguments)
        )
        for peer in (sender, listener):
            reply = peer.receive()
            assert (reply.name, reply["id"], reply["code"]) == ("failed", "id1", code)
        (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert line.startswith(f"OSC from 127.0.0.1:{sender.port}: {reply['sentence']}")


def test_a_flood_of_unreadable_messages_does_not_bury_the_window(server, caplog):
    with server.osc() as osc:
        for _ in range(200):
            osc.send("/bridge/nothing")
        for _ in range(200):
            osc.receive()
    seconds = 2 + caplog.records[-1].created - caplog.records[0].created
    assert 1 <= len(caplog.records) <= (PER_SENDER + 1) * seconds
