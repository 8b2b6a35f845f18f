"""A file as an HTTP response: whole, in part, or only its headers; read in a thread and sent in pieces.

The next piece is read when the one before has gone to the network, so a listener costs a few pieces of memory however
long the file is. It may take all the time it wants: connections.py ends those that stand still.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bridge_server.endpoints.http.ranges import ByteRange, NothingThereError, is_same, wanted_range
from bridge_server.handlers.response import TakeFile

PIECE = 1 << 17  # bytes: a fifth slower with half as much, no faster with more
IMMUTABLE = "private, max-age=31536000, immutable"
KEPT_AND_ASKED_FOR = "private, no-cache"  # a browser may keep it, and has to ask whether it is still the same


async def file_response(request: Request, file: TakeFile, *, immutable: bool = False) -> Response:
    """The response to GET or HEAD, with Range, If-Range and If-None-Match. immutable: it never changes.

    Raises OSError when the file has gone.
    """
    size = await asyncio.to_thread(lambda: file.size)
    headers = {"Accept-Ranges": "bytes", "Content-Type": file.media_type}
    if immutable:
        headers["Cache-Control"] = IMMUTABLE
    elif file.tag:
        headers["Cache-Control"] = KEPT_AND_ASKED_FOR
    if file.tag:
        headers["ETag"] = f'"{file.tag}"'
    if file.name:
        headers["Content-Disposition"] = f'attachment; filename="{ascii_name(file.name)}"'
    if is_same(request.headers.get("If-None-Match", ""), file.tag):
        return Response(status_code=304, headers=headers)
    part, status = ByteRange(0, size, size), 200
    try:
        if found := _asked(request, size, file.tag):
            part, status = found, 206
            headers["Content-Range"] = part.header
    except NothingThereError:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Length"] = str(part.end - part.first)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_pieces(file, part), status, headers)


def _asked(request: Request, size: int, tag: str) -> ByteRange | None:
    """The range, where GET asks for one; with If-Range only while the file is still the one the client knows."""
    known = request.headers.get("If-Range")
    if request.method != "GET" or (known is not None and not is_same(known, tag)):
        return None
    return wanted_range(request.headers.get("Range", ""), size)


async def _pieces(file: TakeFile, part: ByteRange) -> AsyncIterator[bytes]:
    for first in range(part.first, part.end, PIECE):
        yield await asyncio.to_thread(file.read, first, min(first + PIECE, part.end))


def ascii_name(name: str) -> str:
    """A file name that a header can hold."""
    return "".join(letter if " " <= letter <= "~" and letter not in '"\\%' else "_" for letter in name)
