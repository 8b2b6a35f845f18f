"""What carries out which request. An endpoint decodes a request, calls `respond`, and encodes the response.

Everything here is quick. Rendering happens in rendering/worker.py, which is only woken.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bridge_server.errors import as_protocol_error
from bridge_server.handlers.response import Response, our_fault, refused
from bridge_server.handlers.running_requests import new_id
from bridge_server.jobs.database import DatabaseError, database_failed
from bridge_server.sessions.client import Client
from bridge_server.sessions.events import Events, RequestDone, Responded
from clip_store.errors import ClipStoreError, TakeError
from daw_protocol import requests
from daw_protocol.addresses import COMMANDS, Group
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Request

log = logging.getLogger(__name__)

Handler = Callable[[Any, Client], Awaitable[Response]]

AUDITION_REQUESTS = tuple(command.request for command in COMMANDS if command.group is Group.AUDITION)

# Requests that take long and are no jobs: each has an id.
NAMED = (requests.Export, requests.RankTakes, requests.HearWords, requests.VerifyStore, requests.SweepStore)

# Requests that read audio from the disk or ask an engine's process: an endpoint serves others meanwhile.
SLOW: frozenset[type[Request]] = frozenset(
    (
        requests.VerifyStore, requests.SweepStore, requests.ShowJob, requests.ShowTake, requests.FetchTake,
        requests.DeleteTake, requests.Export, requests.ShowFocus, requests.ListSongs, requests.ListEngines,
        requests.SetSongTempo, requests.ListModels, requests.ReadPrompt, requests.RecentPrompts, requests.RankTakes,
        requests.HearWords, requests.ListTrainings, requests.ShowTraining, requests.ReadTrainingSongs,
        requests.StartTraining, requests.ResumeTraining, requests.DiscardTraining,
        *AUDITION_REQUESTS,
    )
)  # fmt: skip


class Dispatcher:
    """Carries out requests. Lives on the event loop."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._handlers: dict[type[Request], Handler] = {}

    def register(self, handlers: Mapping[type[Request], Handler]) -> None:
        """Adds handlers. Raises ValueError when a request has one already."""
        for request, handler in handlers.items():
            if request in self._handlers:
                raise ValueError(f"{request.__name__} has two handlers")
            self._handlers[request] = handler

    @property
    def handled(self) -> frozenset[type[Request]]:
        """The requests that have a handler."""
        return frozenset(self._handlers)

    async def respond(self, request: Request, client: Client) -> Response:
        """Carries out a request. Never raises, except when it is cancelled: what goes wrong is in the response."""
        began = time.perf_counter()
        if isinstance(request, NAMED) and not request.id:
            request = request.evolve(id=new_id())  # so that it can be cancelled
        response = await self._carry_out(request, client)
        if response.error is None:
            self._events.publish(RequestDone(request, client))
        self._events.publish(Responded(request, client, response.replies, time.perf_counter() - began))
        return response

    async def _carry_out(self, request: Request, client: Client) -> Response:
        try:
            return await self._handlers[type(request)](request, client)
        except ProtocolError as error:
            return refused(error, request.id)
        except TakeError as error:
            unknown = ProtocolError(ErrorCode.UNKNOWN_TAKE, error.sentence, error.remedy, "take")
            return refused(unknown, request.id)
        except ClipStoreError as error:
            return refused(as_protocol_error(error), request.id)
        except DatabaseError as error:
            log.exception("%s: the store's database failed", type(request).__name__)
            return refused(database_failed(error), request.id)
        except Exception:  # a bug must not end the endpoint that asked, let alone the server
            log.exception("%s met a bug", type(request).__name__)
            return refused(our_fault(), request.id)
