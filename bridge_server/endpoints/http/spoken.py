"""Refusals in plain text, in the language of whoever asked: of every page, where they leave."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send

from bridge_server.languages.installed import ENGLISH, language_named
from bridge_server.languages.wording import text_in

REFUSED = 400
"""Statuses from here on."""


def language_asked(scope: Scope, usual: str) -> str:
    """The language the address asks for (`?language=ko`), or the server's."""
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return language_named(query.get("language", [""])[-1]) or usual


def spoken(send: Send, language: str) -> Send:
    """Passes answers on; the text of a refusal in the language. Such a text is one piece."""
    if language == ENGLISH:
        return send
    held: list[Message] = []

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start" and _is_worded_refusal(message):
            held.append(message)
            return
        if held and message["type"] == "http.response.body":
            start = held.pop()
            body = text_in(message.get("body", b"").decode("utf-8", "replace"), language).encode()
            MutableHeaders(scope=start)["Content-Length"] = str(len(body))
            await send(start)
            message = {**message, "body": body}
        await send(message)

    return answer


def _is_worded_refusal(start: Message) -> bool:
    headers = MutableHeaders(scope=start)
    return start["status"] >= REFUSED and headers.get("Content-Type", "").startswith("text/plain")
