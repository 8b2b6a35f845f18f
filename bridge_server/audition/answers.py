"""What the server does with each command of the audition."""

from __future__ import annotations

from bridge_server.answer import Answer
from bridge_server.client import Client
from daw_protocol.addresses import COMMANDS, Group
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Request

AUDITION_REQUESTS = tuple(command.request for command in COMMANDS if command.group is Group.AUDITION)


class AuditionAnswers:
    """Hands the commands on to whoever plays."""

    async def answer(self, request: Request, client: Client) -> Answer:
        raise ProtocolError(
            ErrorCode.NO_DEVICE,
            "This server cannot play yet.",
            "Listen to the take's files, or place it in the DAW.",
        )
