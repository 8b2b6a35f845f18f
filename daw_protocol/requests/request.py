"""What all requests share: the client's name for it, and where its answers go."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Text, Whole
from daw_protocol.message import Message, value


@dataclass(frozen=True, kw_only=True)
class Request(Message):
    """What all requests share."""

    id: str = value(
        Text(64), "the client's name for the request; a repeated id is answered, not done twice", ""
    )
    reply_port: int | None = value(
        Whole(1, 65_535), "OSC only: the port on the sender's machine that replies go to", None
    )
    client: str = value(
        Text(64), "OSC and mailbox: keeps context and ids apart from other scripts on the same machine", ""
    )
    token: str = value(Text(256), "OSC only: the server's token, where it was started with one", "")
