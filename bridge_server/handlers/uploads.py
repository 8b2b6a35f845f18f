"""Announced uploads: only a client whose connection carries binary data can send one."""

from __future__ import annotations

from bridge_server.handlers.response import Response, understood
from bridge_server.sessions.client import Client, Uploader
from daw_protocol import requests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.results import FileSent


async def begin_upload(request: requests.BeginUpload, client: Client) -> Response:
    """Raises ProtocolError."""
    if not isinstance(client, Uploader):
        raise ProtocolError(
            ErrorCode.BAD_UPLOAD,
            "upload.begin needs a WebSocket.",
            "Send the file with PUT /uploads/NAME, or put it into one of the server's folders (`status` lists them) "
            "and name it as the source.",
        )
    client.begin_upload(request)
    return understood(request, f"Send {request.size} bytes.", FileSent(bytes=request.size))
