"""JSON-RPC 2.0: the specification's own examples where they apply, then every command and reply, then bad frames."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daw_protocol import jsonrpc
from daw_protocol.addresses import COMMANDS
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import shown
from daw_protocol.jsonrpc import (
    MAX_BATCH,
    BadCall,
    Call,
    answer_text,
    call_text,
    notification,
    read_frame,
    request_in,
)
from daw_protocol.replies import REPLIES, Done
from tests.daw_protocol.generated import FEW, messages

STATUS = {"jsonrpc": "2.0", "id": 1, "method": "status"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_request_survives_a_frame(command):
    @FEW
    @given(messages(command.request))
    def check(request):
        calls, batch = read_frame(call_text(command, request, "c1"))
        assert not batch
        assert (calls[0].id, calls[0].wants_answer) == ("c1", True)
        assert request_in(calls[0]) == (command, request)

    check()


@pytest.mark.parametrize("reply_type", REPLIES, ids=lambda one: one.name)
def test_every_reply_survives_a_notification(reply_type):
    @FEW
    @given(messages(reply_type))
    def check(reply):
        sent = json.loads(notification(reply).encode("utf-8"))
        assert (sent["jsonrpc"], sent["method"]) == ("2.0", reply.name)
        assert "id" not in sent
        assert reply_type.from_fields(sent["params"]) == reply

    check()


READ = [
    ({"jsonrpc": "2.0", "id": 1, "method": "m"}, Call("m", {}, 1, True)),
    ({"jsonrpc": "2.0", "id": "a", "method": "m", "params": {"b": 2}}, Call("m", {"b": 2}, "a", True)),
    ({"jsonrpc": "2.0", "id": 1.5, "method": "m"}, Call("m", {}, 1.5, True)),
    ({"jsonrpc": "2.0", "id": None, "method": "m"}, Call("m", {}, None, True)),
    ({"jsonrpc": "2.0", "method": "m"}, Call("m", {}, None, False)),
]


@pytest.mark.parametrize(("sent", "call"), READ)
def test_read(sent, call):
    assert read_frame(json.dumps(sent)) == ([call], False)


def test_a_value_that_is_null_was_not_given():
    call = Call("repaint", {"id": "a", "bpm": None, "takes": 2})
    assert request_in(call)[1].takes == 2


PARSE, INVALID, PARAMS = jsonrpc.PARSE_ERROR, jsonrpc.INVALID_REQUEST, jsonrpc.INVALID_PARAMS
BAD = [
    ("", PARSE, None),
    ("{", PARSE, None),
    ('{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', PARSE, None),
    ("\x00", PARSE, None),
    ("nul", PARSE, None),
    ("[" * 100_000, PARSE, None),
    ('{"a":' * 100_000, PARSE, None),
    ('{"jsonrpc":"2.0","id":1,"method":"tempo","params":{"bpm":NaN}}', PARSE, None),
    ('{"jsonrpc":"2.0","id":1,"method":"tempo","params":{"bpm":-Infinity}}', PARSE, None),
    ('{"jsonrpc":"2.0","id":' + "9" * 5000 + ',"method":"status"}', INVALID, None),
    ("1", INVALID, None),
    ("null", INVALID, None),
    ('"status"', INVALID, None),
    ("[]", INVALID, None),
    ("[" + ",".join(["1"] * (MAX_BATCH + 1)) + "]", INVALID, None),
    ("{}", INVALID, None),
    ('{"jsonrpc": "2.0", "method": 1, "params": "bar"}', INVALID, None),
    ('{"jsonrpc": "2.0", "id": 7}', INVALID, 7),
    ('{"jsonrpc": "1.0", "id": 7, "method": "status"}', INVALID, 7),
    ('{"jsonrpc": 2.0, "id": 7, "method": "status"}', INVALID, 7),
    ('{"jsonrpc": "2.0", "id": [7], "method": "status"}', INVALID, None),
    ('{"jsonrpc": "2.0", "id": true, "method": "status"}', INVALID, None),
    ('{"jsonrpc": "2.0", "id": 1e999, "method": "status"}', INVALID, None),
    ('{"jsonrpc": "2.0", "id": "\\ud800", "method": "status"}', INVALID, None),
    ('{"jsonrpc": "2.0", "id": "' + "x" * 1001 + '", "method": "status"}', INVALID, None),
    ('{"jsonrpc": "2.0", "id": 7, "method": "status", "params": [1, 2]}', PARAMS, 7),
    ('{"jsonrpc": "2.0", "id": 7, "method": "status", "params": null}', PARAMS, 7),
]


@pytest.mark.parametrize(("text", "rpc_code", "call_id"), BAD, ids=shown)
def test_a_bad_frame_is_answered_with_one_error(text, rpc_code, call_id):
    calls, batch = read_frame(text)
    assert not batch
    assert len(calls) == 1
    bad = calls[0]
    assert isinstance(bad, BadCall)
    assert (bad.rpc_code, bad.id) == (rpc_code, call_id)
    assert bad.error.remedy
    answer = jsonrpc.error(bad.id, bad.error, bad.rpc_code)
    sent = answer_text([answer], batch).encode("utf-8")
    assert len(sent) < 1000
    assert json.loads(sent)["error"]["code"] == rpc_code


def test_one_bad_member_spoils_no_batch():
    calls, batch = read_frame(json.dumps([STATUS, 1, {"jsonrpc": "2.0", "id": 2}, {**STATUS, "id": 3}]))
    assert batch
    assert [type(call) for call in calls] == [Call, BadCall, BadCall, Call]
    assert [call.id for call in calls] == [1, None, 2, 3]


def test_a_full_batch_is_read():
    calls, batch = read_frame(json.dumps([STATUS] * MAX_BATCH))
    assert (len(calls), batch) == (MAX_BATCH, True)


@pytest.mark.parametrize(
    ("method", "params", "code", "field"),
    [
        ("stauts", {}, ErrorCode.UNKNOWN_COMMAND, "method"),
        ("x" * 4_000_000, {}, ErrorCode.UNKNOWN_COMMAND, "method"),
        ("/bridge/status", {}, ErrorCode.UNKNOWN_COMMAND, "method"),
        ("\ud800", {}, ErrorCode.UNKNOWN_COMMAND, "method"),
        ("repaint", {"bmp": 1}, ErrorCode.UNKNOWN_FIELD, "bmp"),
        ("repaint", {"\ud800": 1}, ErrorCode.UNKNOWN_FIELD, "?"),
        ("repaint", {"x" * 4_000_000: 1}, ErrorCode.UNKNOWN_FIELD, "x" * 60),
        ("repaint", {"bpm": 1e400}, ErrorCode.OUT_OF_RANGE, "bpm"),
        ("repaint", {"takes": "many"}, ErrorCode.WRONG_TYPE, "takes"),
        ("cancel", {}, ErrorCode.MISSING_FIELD, "job"),
        ("cancel", {"job": None}, ErrorCode.MISSING_FIELD, "job"),
    ],
    ids=shown,
)
def test_a_call_that_means_nothing(method, params, code, field):
    with pytest.raises(ProtocolError) as raised:
        request_in(Call(method, params, 1))
    error = raised.value
    assert (error.code, error.field) == (code, field)
    assert error.remedy
    answer = json.loads(answer_text([jsonrpc.error(1, error)], False).encode("utf-8"))
    assert answer["error"]["data"] == {"code": code.value, "remedy": error.remedy, "field": field}
    assert len(answer["error"]["message"]) < 500


@FEW
@given(st.text())
def test_any_text_is_answered(text):
    calls, _ = read_frame(text)
    assert calls


def test_answers():
    assert answer_text([], False) is None
    assert json.loads(answer_text([jsonrpc.result(1, {"a": "é"})], False)) == {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {"a": "é"},
    }
    both = [jsonrpc.result(1, None), jsonrpc.result(2, None)]
    assert [answer["id"] for answer in json.loads(answer_text(both, True))] == [1, 2]
    assert json.loads(answer_text(both[:1], True)) == both[:1]


def test_no_answer_has_what_json_has_not():
    with pytest.raises(ValueError, match="JSON"):
        answer_text([jsonrpc.result(1, math.nan)], False)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_has_a_number_and_keeps_its_word(code):
    answer = jsonrpc.error("a", ProtocolError(code, "Sentence.", "Remedy.", "field"))
    assert answer["error"]["data"]["code"] == code.value
    number = answer["error"]["code"]
    assert number in (-32700, -32600, -32601, -32602, -32603) or -32099 <= number <= -32000


def test_a_terminal_reply_as_a_frame():
    assert notification(Done(id="id1", job="j1", takes=3)) == (
        '{"jsonrpc":"2.0","method":"done","params":{"id":"id1","job":"j1","takes":3}}'
    )
