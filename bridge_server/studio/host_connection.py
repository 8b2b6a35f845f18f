"""A bridge's connection to one render host: made again whenever it is cut, shared by all that renders there.

One task reads and hands each message to whoever waits for its order. Lives on the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from bridge_server.studio.join_string import JoinString, pinned_context
from bridge_server.studio.link_messages import LINK_PROTOCOL, Hello, HostNotes, OrderFailed, Welcome
from bridge_server.studio.living_connection import LivingClient
from bridge_server.studio.pulse import PULSE, Pulse
from bridge_server.studio.wire import FRAME_BYTES, LinkLostError, UnreadableMessageError, Wire
from bridge_server.version import VERSION
from daw_protocol.errors import sendable

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0  # seconds before the next try; twice as long each time
OPEN_SECONDS = 5.0
CUT_SECONDS = 5.0
"""So long a cut connection may take to come back before its orders go to another place that can take them."""
REFUSED_SECONDS = 60.0
"""So long a host that could not start an engine gets no orders for it, if another host has it."""
FRAMES_AHEAD = 16
MESSAGES_AHEAD = 16  # of an order, that wait for this machine's disk
NOBODY = LinkLostError("nobody waits any more")
MAX_NAME, MAX_PLACES, MAX_NOTES, MAX_NOTE = 100, 64, 16, 400  # believed of a host
CLIENT = secrets.token_hex(16)
"""What this bridge calls itself, as long as it runs."""

SAME_VERSION = "Install the same version on both machines."
CLOSED = "the connection was closed"
REFUSED = {
    401: "it does not know this token; start the server with the line that `takebridge host` prints there",
    403: "it refused this connection",
    429: "too many wrong tokens came from here; it listens again in a minute",
    503: "too many bridges are connected to it",
}


class Inbox:
    """What comes about one order, in order. Where much waits to be taken, whoever puts more waits as well."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[Any] = asyncio.Queue()
        self._room = asyncio.Semaphore(MESSAGES_AHEAD)

    async def put(self, message: Any) -> None:
        """Adds a message, when there is room."""
        await self._room.acquire()
        self._messages.put_nowait(message)

    def end(self, lost: LinkLostError) -> None:
        """Adds the last message, whatever waits; who waits to put another need not any more."""
        self._messages.put_nowait(lost)
        self._room.release()

    async def get(self) -> Any:
        """The next message."""
        message = await self._messages.get()
        self._room.release()
        return message


class Session:
    """What lasts as long as a connection: its wire, and an inbox for each order."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._numbers = count(1)
        self._inboxes: dict[int, Inbox] = {}
        self._lost: LinkLostError | None = None

    def open(self) -> tuple[int, Inbox]:
        """A number for an order, and where everything about it comes; a LinkLostError last, if the connection ends."""
        number = next(self._numbers)
        inbox = self._inboxes[number] = Inbox()
        if self._lost is not None:
            inbox.end(self._lost)
        return number, inbox

    def close(self, number: int) -> None:
        """Whatever still comes about this order is for nobody."""
        if (inbox := self._inboxes.pop(number, None)) is not None:
            inbox.end(NOBODY)

    async def deliver(self, message: Any) -> None:
        """A message to the order it is about, which may have too much to do: the host has to wait then."""
        number = message.piece.number if hasattr(message, "piece") else message.number
        if number in self._inboxes:
            await self._inboxes[number].put(message)

    def end(self, lost: LinkLostError) -> None:
        """Tells every order."""
        self._lost = lost
        for inbox in self._inboxes.values():
            inbox.end(lost)


class HostConnection:
    """join: where the host is. on_change: called when it comes or goes, and each time it is not found."""

    def __init__(self, join: JoinString, pulse: Pulse = PULSE) -> None:
        self.join = join
        self.on_change: Callable[[], None] = lambda: None
        self.welcome: Welcome | None = None
        self.problem = ""
        self.answered = False  # it is there, and `problem` says why it cannot be used
        self.notes: tuple[str, ...] = ()  # what is wrong there, and what to do; it renders all the same
        self._refused: dict[str, float] = {}  # when an engine could not be started there
        self.session: Session | None = None
        self.tried = asyncio.Event()  # once it is known whether the host answers
        self._connected = asyncio.Event()
        self._cut_at = float("-inf")
        self._pulse = pulse
        self.sending_files = asyncio.Lock()

    @property
    def name(self) -> str:
        """The host's own name, for producers; where it is, before it has said so."""
        return self.welcome.name if self.welcome is not None else self.join.host

    @property
    def rendered_on(self) -> str:
        """The host and its device, where that is known, as recipes have it."""
        device = self.welcome.device if self.welcome is not None else ""
        return f"{self.name} ({device})" if device else self.name

    def offers(self, engine: str) -> bool:
        """Whether the host is there and renders with this engine, as far as is known."""
        if self.session is None or self.welcome is None or engine not in self.welcome.engines:
            return False
        return time.monotonic() - self._refused.get(engine, float("-inf")) >= REFUSED_SECONDS

    def refused(self, engine: str) -> None:
        """The host could not start this engine in any of its places."""
        self._refused[engine] = time.monotonic()
        self.on_change()

    def lacks(self, engine: str) -> bool:
        """Whether the host, there or not, said that it does not have this engine."""
        return self.welcome is not None and engine not in self.welcome.engines

    @property
    def away(self) -> bool:
        """Whether the host is not there, and has not just been cut off."""
        return self.session is None and self.tried.is_set() and time.monotonic() - self._cut_at >= CUT_SECONDS

    async def connected(self) -> Session:
        """The session, as soon as there is one."""
        while self.session is None:
            await self._connected.wait()
        return self.session

    async def run(self) -> None:
        """Connects, again and again, until it is cancelled."""
        pause = FIRST_PAUSE
        while True:
            if await self._once():
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _once(self) -> bool:
        """One connection from its beginning to its end; whether there was any."""
        greeted = False
        try:
            async with connect(
                self.join.address,
                create_connection=LivingClient,
                ssl=pinned_context(self.join.fingerprint) if self.join.fingerprint else None,
                additional_headers={"Authorization": f"Bearer {self.join.token}"},
                proxy=None,
                compression=None,
                max_size=FRAME_BYTES,
                max_queue=FRAMES_AHEAD,
                open_timeout=OPEN_SECONDS,
                close_timeout=self._pulse.lost_after,
                ping_interval=self._pulse.every,
                ping_timeout=self._pulse.lost_after,
                user_agent_header=None,
            ) as connection:
                wire = Wire(connection)
                async with asyncio.timeout(OPEN_SECONDS):
                    await wire.send(Hello(LINK_PROTOCOL, VERSION, CLIENT))
                    answer = await wire.receive()
                self._greet(answer, Session(wire))
                greeted = True
                await self._read()
        except InvalidStatus as refused:
            status = refused.response.status_code
            self._gone(REFUSED.get(status, f"it answered with status {status}"), answered=True)
        except ssl.SSLCertVerificationError:
            self._gone(
                "its certificate is not the one this line was made for; copy the line anew from that machine",
                answered=True,
            )
        except LinkLostError as lost:
            self._gone(str(lost), answered=not greeted)
        except (OSError, TimeoutError, InvalidHandshake) as error:
            self._gone(getattr(error, "strerror", None) or "it does not answer")
        except UnreadableMessageError as wrong:
            log.warning("the render host %s sent what cannot be read: %s", self.name, wrong)
            self._gone(
                "what it says cannot be read; install the same version of Takebridge there", answered=True
            )
        except UnicodeError:
            self._gone("its name is none that a network knows")
        except asyncio.CancelledError:
            self.problem = CLOSED  # by whoever has it: nothing to warn of
            raise
        finally:
            if self.session is not None or not self.tried.is_set():  # a bug, or the end of the server
                self._gone(CLOSED)
        return greeted

    def _greet(self, answer: object, session: Session) -> None:
        """Raises LinkLostError where the host does not want this bridge, UnreadableMessageError for no answer."""
        if isinstance(answer, OrderFailed):
            raise LinkLostError(f"{answer.sentence} {answer.remedy}".strip())
        if not isinstance(answer, Welcome):
            raise UnreadableMessageError(f"{type(answer).__name__} before Welcome")
        if answer.protocol != LINK_PROTOCOL:
            raise LinkLostError(
                "It speaks another version of the engine link. Install the same version of Takebridge."
            )
        answer = replace(
            answer,
            name=sendable(answer.name, MAX_NAME),
            device=sendable(answer.device, MAX_NAME),
            places=min(max(answer.places, 1), MAX_PLACES),
        )
        self.welcome, self.session, self.problem = answer, session, ""
        self._refused.clear()
        log.info("the render host %s is there, with %d places", answer.name, answer.places)
        self._note(())
        self._connected.set()
        self.tried.set()
        self.on_change()

    async def _read(self) -> None:
        assert self.session is not None, "greeted before"
        while True:
            message = await self.session.wire.receive()
            if isinstance(message, OrderFailed) and message.number == 0:
                raise LinkLostError(message.sentence)
            if isinstance(message, HostNotes):
                self._note(tuple(sendable(note, MAX_NOTE) for note in message.notes[:MAX_NOTES]))
            else:
                await self.session.deliver(message)

    def _note(self, told: tuple[str, ...]) -> None:
        """Keeps what the host says is wrong there, and what is seen from here."""
        assert self.welcome is not None, "greeted before"
        version = sendable(self.welcome.version, MAX_NAME)
        other = f"The render host {self.name} has version {version} of Takebridge, this server {VERSION}."
        notes = (*((f"{other} {SAME_VERSION}",) if version != VERSION else ()), *told)
        for note in (note for note in notes if note not in self.notes):
            log.warning("the render host %s: %s", self.name, note)
        self.notes = notes
        self.on_change()

    def _gone(self, reason: str, answered: bool = False) -> None:
        self.answered = answered
        if reason != self.problem:
            log.warning("the render host %s: %s", self.name, reason)
        self.problem = reason
        self.notes = ()
        session, self.session = self.session, None
        self._connected.clear()
        self.tried.set()
        if session is not None:
            self._cut_at = time.monotonic()
            session.end(LinkLostError(reason))
        self.on_change()
