"""HTTP responses from pages: status line, headers, and the part of a file that was asked for.

RFC 9110: methods (section 9), ranges (14). Several ranges in one request get the whole file, which the RFC allows.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Response

from bridge_server.endpoints.http.pages import PLAIN, Page

METHODS = ("GET", "HEAD", "OPTIONS")

SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


def only_asks(method: str) -> Response | None:
    """The response to every method that fetches nothing; None for GET and HEAD."""
    if method in ("GET", "HEAD"):
        return None
    allowed = {"Allow": ", ".join(METHODS)}
    if method == "OPTIONS":
        return _response(HTTPStatus.NO_CONTENT, allowed, b"")
    body = f"{method[:20]} is not possible here. Use GET, or JSON-RPC over the WebSocket.\n".encode()
    return _response(HTTPStatus.METHOD_NOT_ALLOWED, {**allowed, **_describe(PLAIN, len(body))}, body)


async def respond(page: Page, method: str = "GET", wanted: str = "") -> Response:
    """The response to GET or HEAD; `wanted`: the Range header. A file is read in a thread, and only what is sent."""
    headers = _describe(page.media_type, page.size)
    if page.status == HTTPStatus.NO_CONTENT:  # RFC 9110: where there is no content it has no length
        del headers["Content-Length"]
    if page.immutable:
        headers["Cache-Control"] = "private, max-age=31536000, immutable"
    if page.file is None:
        return _response(page.status, headers, page.body if method == "GET" else b"")
    headers["Accept-Ranges"] = "bytes"
    if page.file.name:
        headers["Content-Disposition"] = f'attachment; filename="{page.file.name}"'
    first, end = 0, page.size
    status = HTTPStatus.OK
    if method == "GET" and (match := _RANGE.fullmatch(wanted.strip())) and any(match.groups()):
        first, end = _span(match[1], match[2], page.size)
        if first >= end:
            gone = {**_describe(PLAIN, 0), "Content-Range": f"bytes */{page.size}"}
            return _response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, gone, b"")
        status = HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{page.size}"
        headers["Content-Length"] = str(end - first)
    body = await asyncio.to_thread(page.file.read, first, end) if method == "GET" else b""
    return _response(status, headers, body)


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    """[first, end) of `bytes=first-last`; without a first, the last so many bytes. Empty when nothing is there."""
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _describe(media_type: str, size: int) -> dict[str, str]:
    return {"Content-Type": media_type, "Content-Length": str(size)}


def _response(status: int, headers: dict[str, str], body: bytes) -> Response:
    found = HTTPStatus(status)
    return Response(found, found.phrase, Headers({**SAFE_HEADERS, **headers, "Connection": "close"}), body)
