"""The one gate in front of everything on the TCP port: who may come in, and with which headers answers leave."""

from __future__ import annotations

import logging
import math

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge_server.endpoints.access import is_token
from bridge_server.endpoints.http.callers import check_caller, is_trusted, target_of, token_in
from bridge_server.endpoints.http.refusals import refusal
from bridge_server.endpoints.http.spoken import language_asked, spoken
from bridge_server.guesses import Guesses
from bridge_server.log_words import Private
from bridge_server.settings import Settings
from daw_protocol.errors import ErrorCode, ProtocolError

log = logging.getLogger(__name__)

SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",  # a page that opened ours in a window has no hold of it
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

# Headers that mean one thing: a request with two of them could mean another thing to whoever checks than to whoever
# answers.
SINGLE = (
    "Host", "Origin", "Authorization", "Content-Type", "Content-Length", "Range", "If-Range", "Sec-Fetch-Site",
    "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
)  # fmt: skip


class Guard:
    """ASGI middleware for HTTP and WebSocket. A bug behind it is logged and ends that connection only."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._guesses = Guesses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = spoken(_with_safe_headers(send), language_asked(scope, self._settings.spoken))
        if (refused := self._refusal(scope)) is not None:
            await refused(scope, receive, answer)
            return
        try:
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            pass
        except Exception:  # Starlette has answered it, where there was still something to answer
            log.exception("A request for %s met a bug", Private(scope["path"][:200]))

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        """The response to a caller who is not let in."""
        if not scope["path"].startswith("/"):  # "*", "http://host/" and whatever else no route begins with
            sentence = "The request's target is not a path of this server."
            return refusal(ProtocolError(ErrorCode.BAD_MESSAGE, sentence, "Begin it with /."))
        headers = Headers(scope=scope)
        repeated = next((name for name in SINGLE if len(headers.getlist(name)) > 1), None)
        if repeated is not None:
            sentence = f"The request has the header {repeated} more than once."
            return refusal(ProtocolError(ErrorCode.BAD_MESSAGE, sentence, "Send it once."))
        peer = scope["client"][0] if scope.get("client") else ""
        target = target_of(scope)
        try:
            if (late := self._too_many_guesses(target, headers, peer)) is not None:
                return late
            check_caller(self._settings, target, headers, peer)
        except ProtocolError as error:
            return refusal(error, 403)
        except ValueError:  # urlsplit on an invalid host, origin or path
            sentence = "Not an address of this server."
            remedy = f"Use 127.0.0.1:{self._settings.websocket_port}."
            return refusal(ProtocolError(ErrorCode.NOT_ALLOWED, sentence, remedy), 403)
        return None

    def _too_many_guesses(self, target: str, headers: Headers, peer: str) -> ASGIApp | None:
        """The response to a caller who has tried too many tokens to try another one now; counts a wrong one.

        Raises ValueError for what is no address of this server.
        """
        given = token_in(target, headers)
        if not given or is_trusted(self._settings, headers, peer):
            return None
        if wait := math.ceil(self._guesses.wait(peer)):
            error = ProtocolError(ErrorCode.NOT_ALLOWED, "Too many wrong tokens.", f"Try again in {wait} s.")
            return refusal(error, 429, {"Retry-After": str(wait)})
        if not is_token(self._settings, given):
            self._guesses.wrong(peer)
        return None


def _with_safe_headers(send: Send) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = MutableHeaders(scope=message)
            for name, given in SAFE_HEADERS.items():
                headers.setdefault(name, given)
        await send(message)

    return answer
