"""What all requests share: an id chosen by the client, and where replies go."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Text, Whole
from daw_protocol.message import Message, value


@dataclass(frozen=True, kw_only=True)
class Request(Message):
    """What all requests share."""

    id: str = value(
        Text(64),
        "the client's id for the request; repeating a request with its id repeats the reply, not the work",
        "",
    )
    reply_port: int | None = value(
        Whole(1, 65_535), "OSC only: the port on the sender's machine for replies", None
    )
    client: str = value(
        Text(64), "OSC and mailbox: keeps context and ids separate from other scripts on the same machine", ""
    )
    token: str = value(Text(256), "OSC only: the server's token, if it has one", "")
