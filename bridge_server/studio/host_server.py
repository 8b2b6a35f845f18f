"""The port of a render host: who is let in. Everything after that is `host_session.py`.

A browser is never let in, a wrong token may be tried five times a minute by an address, and nothing is read from
whoever has not shown the right one.
"""

from __future__ import annotations

import contextlib
import hmac
import http
import logging
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from bridge_server.guesses import Guesses
from bridge_server.studio.host_identity import HostCertificate
from bridge_server.studio.host_session import HostSession
from bridge_server.studio.living_connection import LivingServer
from bridge_server.studio.pulse import PULSE, Pulse
from bridge_server.studio.render_host import RenderHost
from bridge_server.studio.wire import FRAME_BYTES, Wire
from daw_protocol.errors import ErrorCode, ProtocolError

log = logging.getLogger(__name__)

TRIES, SECONDS_EACH = 5, 12.0
MAX_BRIDGES = 32
OPEN_SECONDS = 5.0
FRAMES_AHEAD = 4  # read before they are asked for
BEARER = "Bearer "


@dataclass(frozen=True)
class HostPort:
    """Where a host listens. certificate: None on a loopback address only."""

    address: str
    port: int
    token: str
    certificate: HostCertificate | None = None
    pulse: Pulse = PULSE
    guesses: Guesses = field(default_factory=lambda: Guesses(burst=TRIES, seconds_each=SECONDS_EACH))


@contextlib.asynccontextmanager
async def listening(host: RenderHost, at: HostPort) -> AsyncIterator[int]:
    """The port that was bound, for as long as the block lasts. Raises ProtocolError when it cannot be."""
    bridges = 0

    def checked(connection: ServerConnection, request: Request) -> Response | None:
        peer = str(connection.remote_address[0])
        refused = refusal(at, peer, request)
        if refused is None and bridges >= MAX_BRIDGES:
            refused = http.HTTPStatus.SERVICE_UNAVAILABLE
        return None if refused is None else connection.respond(refused, f"{refused.phrase}\n")

    async def served(connection: ServerConnection) -> None:
        nonlocal bridges
        bridges += 1
        try:
            await HostSession(host, Wire(connection), secrets.token_hex(8)).run()
        finally:
            bridges -= 1

    try:
        server = await serve(
            served,
            at.address,
            at.port,
            create_connection=LivingServer,
            ssl=None if at.certificate is None else at.certificate.context,
            process_request=checked,
            compression=None,  # sound hardly shrinks, and the network is quicker
            max_size=FRAME_BYTES,
            max_queue=FRAMES_AHEAD,
            open_timeout=OPEN_SECONDS,
            close_timeout=at.pulse.lost_after,
            ping_interval=at.pulse.every,
            ping_timeout=at.pulse.lost_after,
            server_header=None,
        )
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"Port {at.port} of {at.address} cannot be used: {reason}.",
            "Another program may be using it. Choose another with --port.",
        ) from error
    async with server:
        yield next(iter(server.sockets)).getsockname()[1]


def refusal(at: HostPort, peer: str, request: Request) -> http.HTTPStatus | None:
    """Why a connection is not let in; None for a bridge with the token."""
    if "Origin" in request.headers:  # only browsers send it, and no page has anything to do here
        return http.HTTPStatus.FORBIDDEN
    if at.guesses.wait(peer) > 0:
        return http.HTTPStatus.TOO_MANY_REQUESTS
    given = request.headers.get_all("Authorization")
    shown = given[0].removeprefix(BEARER) if len(given) == 1 else ""
    if not hmac.compare_digest(shown.encode(errors="replace"), at.token.encode()):
        at.guesses.wrong(peer)
        log.warning("%s showed a wrong token", peer)
        return http.HTTPStatus.UNAUTHORIZED
    return None
