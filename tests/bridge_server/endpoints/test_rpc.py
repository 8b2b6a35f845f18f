"""One JSON-RPC call becomes one answer, whatever happens on the way."""

import asyncio
import logging

import pytest

from bridge_server.endpoints import rpc
from bridge_server.endpoints.rpc import answer_call
from bridge_server.handlers.response import Response, refused
from daw_protocol import requests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.jsonrpc import BadCall, Call
from daw_protocol.replies import Understood
from daw_protocol.results import Watching

STATUS = Call("status", {}, 7)
FAULT = ProtocolError(ErrorCode.FILE_MISSING, "There is no song.", "Name another.", "source")


def answered(call, response=None):
    """The answer, and the requests that were carried out for it."""
    asked = []

    async def respond(request):
        asked.append(request)
        return response

    answer, found = asyncio.run(answer_call(call, respond))
    return answer, found, asked


def test_what_a_request_gives_is_the_result():
    given = Response((Understood(id="", command="watch", text="Watching."),), Watching(revision=7))
    answer, found, asked = answered(STATUS, given)
    assert answer == {"jsonrpc": "2.0", "id": 7, "result": {"revision": 7}}
    assert found is given
    assert asked == [requests.Status()]


def test_a_refusal_is_an_error_answer():
    answer, found, _ = answered(STATUS, refused(FAULT))
    assert answer["id"] == 7
    assert answer["error"]["message"] == "There is no song."
    assert answer["error"]["data"] | {"remedy": "Name another."} == answer["error"]["data"]
    assert found.error is FAULT


@pytest.mark.parametrize("response", [Response((), Watching(revision=7)), refused(FAULT)])
def test_a_notification_is_carried_out_and_not_answered(response):
    answer, found, asked = answered(Call("status", {}, wants_answer=False), response)
    assert answer is None
    assert found is response
    assert len(asked) == 1


@pytest.mark.parametrize(
    "call", [Call("nonesuch", {}, 7), Call("repaint", {"strenght": 1}, 7), Call("takes.show", {}, 7)]
)
def test_what_is_no_request_is_refused_and_not_carried_out(call):
    answer, found, asked = answered(call)
    assert answer["id"] == 7
    assert answer["error"]["message"] == found.error.sentence
    assert asked == []


def test_what_is_no_call_is_answered_with_its_own_code():
    answer, found, asked = answered(BadCall(FAULT, None, -32700))
    assert (answer["id"], answer["error"]["code"]) == (None, -32700)
    assert found.error is FAULT
    assert asked == []


def test_a_bug_in_the_reading_is_ours_and_is_logged(monkeypatch, caplog):
    def broken(call):
        raise KeyError("bug")

    monkeypatch.setattr(rpc.jsonrpc, "request_in", broken)
    with caplog.at_level(logging.ERROR):
        answer, found, asked = answered(STATUS)
    assert answer["error"]["data"]["code"] == "internal"
    assert found.error.code is ErrorCode.INTERNAL
    assert asked == []
    assert "method status met a bug" in caplog.text
