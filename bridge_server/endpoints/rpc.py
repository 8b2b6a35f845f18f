"""One JSON-RPC call to one answer: what the WebSocket and the mailbox share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from bridge_server.handlers.response import Response, our_fault, refused
from bridge_server.log_words import Private
from daw_protocol import jsonrpc
from daw_protocol.errors import ProtocolError
from daw_protocol.jsonrpc import BadCall, Call
from daw_protocol.requests import Request
from daw_protocol.timeline import TempoMap
from daw_protocol.timeline_fields import LARGE_MAP

log = logging.getLogger(__name__)


async def answer_call(
    call: Call | BadCall, respond: Callable[[Request], Awaitable[Response]]
) -> tuple[dict[str, Any] | None, Response]:
    """The JSON-RPC answer, None where none is wanted, and the response it was made from. Never raises.

    The response's first reply is the answer itself; the replies behind it and its file are the endpoint's to send.
    """
    if isinstance(call, BadCall):
        return jsonrpc.error(call.id, call.error, call.rpc_code), refused(call.error)
    try:
        request = await asyncio.to_thread(_request_in, call) if _is_large(call) else _request_in(call)
    except ProtocolError as error:
        response = refused(error)
    except Exception:  # a bug must not end the endpoint, let alone the server
        log.exception("method %s met a bug", Private(call.method))
        response = refused(our_fault())
    else:
        response = await respond(request)
    if not call.wants_answer:
        return None, response
    if response.error is not None:
        return jsonrpc.error(call.id, response.error), response
    assert response.result is not None, "what is not refused has a result"
    return jsonrpc.result(call.id, response.result.to_fields()), response


def _is_large(call: Call) -> bool:
    """Whether reading it takes so long that others have to be let in meanwhile: it has a long tempo map."""
    tempo_map = call.params.get("tempo_map")
    points = tempo_map.get("points") if isinstance(tempo_map, dict) else tempo_map
    return isinstance(points, (list, str)) and len(points) >= LARGE_MAP


def _request_in(call: Call) -> Request:
    """Raises ProtocolError."""
    _, request = jsonrpc.request_in(call)
    tempo_map = getattr(request, "tempo_map", None)
    if isinstance(tempo_map, TempoMap):
        tempo_map.quarters_at(0, 48_000)  # which sums it up, once
    return request
