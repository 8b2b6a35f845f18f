"""`POST /rpc`: JSON-RPC for whoever has HTTP only: curl, automation tools, any script.

The same calls as over WebSocket, with the same answers: one call, a batch, or notifications (204, no content). What
happens later (progress, takes, the end) has no way to come by: `jobs.show` tells.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bridge_server.endpoints.http.bodies import whole_body
from bridge_server.endpoints.rpc import answer_call
from bridge_server.endpoints.turns import Turns, TurnTaker
from bridge_server.endpoints.websocket import KEY
from bridge_server.handlers.dispatcher import Dispatcher
from bridge_server.handlers.response import Response as Answer
from bridge_server.handlers.response import refused
from bridge_server.languages.installed import language_named
from bridge_server.languages.wording import values_in
from bridge_server.sessions.audience import Audience
from bridge_server.settings import Settings
from daw_protocol import jsonrpc, requests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.jsonrpc import BadCall, Call
from daw_protocol.replies import Reply

JSON = "application/json"
MEDIA_TYPES = (JSON, "application/json-rpc", "application/jsonrequest")


class PostClient:
    """A program that posts requests. All that name themselves alike are one client, with one context."""

    door = "http"
    reply_to = ""  # it cannot be reached

    def __init__(self, name: str, peer: str) -> None:
        # Without a name: all programs of one machine are one client, as with OSC.
        self.key = f"{KEY}{name}" if name else f"http:{peer}"
        self.sender = self.key

    def send(self, reply: Reply) -> None:
        """Discards it: the connection carries the answers to its own requests only."""


class PostRpc:
    """Answers POST /rpc."""

    def __init__(self, settings: Settings, dispatcher: Dispatcher, audience: Audience, turns: Turns) -> None:
        self._settings = settings
        self._max_bytes = settings.limits.frame_bytes
        self._dispatcher = dispatcher
        self._audience = audience
        self._turns = turns
        self._turn = TurnTaker()  # one for all: programs that post are no more than one that is connected

    async def respond(self, request: Request) -> Response:
        """200 for everything that is JSON-RPC, errors in it included; 204 where no call wants an answer; 400, 413 and
        415 with a JSON-RPC error for what is not.
        """
        media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type not in MEDIA_TYPES:
            return _failed(415, _wrong_type(media_type), jsonrpc.INVALID_REQUEST)
        try:
            text = (await whole_body(request, self._max_bytes)).decode()
        except ProtocolError as error:
            return _failed(413, error, jsonrpc.INVALID_REQUEST)
        except UnicodeDecodeError:
            sentence = "The message is not UTF-8."
            not_text = ProtocolError(ErrorCode.BAD_MESSAGE, sentence, "Send JSON in UTF-8.")
            return _failed(400, not_text, jsonrpc.PARSE_ERROR)
        calls, batch = jsonrpc.read_frame(text)
        name = request.query_params.get("client", "")[: jsonrpc.MAX_CLIENT]
        peer = request.client.host if request.client else ""
        answers = [answer for call in calls if (answer := await self._answer(call, name, peer)) is not None]
        language = language_named(request.query_params.get("language", "")) or self._settings.spoken
        found = jsonrpc.answer_text(values_in(answers, language), batch)
        if found is None:
            return Response(status_code=204)
        first = calls[0]
        unreadable = isinstance(first, BadCall) and first.rpc_code == jsonrpc.PARSE_ERROR
        return Response(found, 400 if unreadable else 200, media_type=JSON)

    async def _answer(self, call: Call | BadCall, name: str, peer: str) -> dict[str, Any] | None:
        own = call.client if isinstance(call, Call) else ""
        client = PostClient(own or name, peer)

        async def respond(asked: requests.Request) -> Answer:
            if isinstance(asked, requests.Watch) and asked.on:
                return refused(_cannot_watch(), asked.id)
            return await self._dispatcher.respond(asked, client)

        await self._turns.next(self._turn)
        try:
            return (await answer_call(call, respond))[0]
        finally:
            self._audience.forget(client)


def _failed(status: int, error: ProtocolError, rpc_code: int) -> Response:
    return Response(json.dumps(jsonrpc.error(None, error, rpc_code)), status, media_type=JSON)


def _wrong_type(given: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.BAD_MESSAGE,
        f"The request's Content-Type is {given[:80]!r}." if given else "The request has no Content-Type.",
        f"Send the header Content-Type: {JSON}.",
    )


def _cannot_watch() -> ProtocolError:
    return ProtocolError(
        ErrorCode.NOT_ALLOWED,
        "watch needs a connection that stays open.",
        "Use the WebSocket or OSC, or ask for jobs.show and takes.list from time to time.",
    )
