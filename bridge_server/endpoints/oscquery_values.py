"""Values for OSCQuery clients: the shared context, every reply, and the messages of other clients.

Values come from the shared context: one for all clients and encodings.
"""

from __future__ import annotations

from typing import Any

from bridge_server.endpoints.osc_over_websocket import Listener
from bridge_server.handlers.dispatcher import Dispatcher
from bridge_server.sessions.audience import Audience
from bridge_server.sessions.client import Client
from bridge_server.sessions.events import ContextMoved, Events, RequestDone
from bridge_server.sessions.shared_context import SharedContext
from daw_protocol import requests
from daw_protocol.addresses import BY_NAME, BY_REQUEST
from daw_protocol.osc_form import request_to_osc
from daw_protocol.oscquery import READABLE, Listen, ListenCommand
from daw_protocol.replies import Reply
from daw_protocol.requests import Request

STATUS = BY_NAME["status"].address


class LiveValues:
    """Knows the values of readable addresses and who listens to them. Lives on the event loop."""

    def __init__(
        self, dispatcher: Dispatcher, shared_context: SharedContext, events: Events, audience: Audience
    ) -> None:
        self._dispatcher = dispatcher
        self._shared_context = shared_context
        self._audience = audience
        self._listeners: list[Listener] = []
        self._sent: dict[str, list[Any]] = {}
        events.subscribe(ContextMoved, lambda _: self._moved())
        events.subscribe(RequestDone, lambda event: self._asked(event.request, event.client))

    async def now(self) -> dict[str, list[Any]]:
        """Every value there is, by address."""
        response = await self._dispatcher.respond(requests.Status(), OwnClient())
        text = next(getattr(reply, "text", "") for reply in response.replies)
        return {**focus_values(self._shared_context), STATUS: [text]}

    def listen(self, listener: Listener, wanted: Listen) -> None:
        """Starts or stops sending a client the updates of one address."""
        if wanted.command is ListenCommand.IGNORE:
            listener.addresses.discard(wanted.address)
            return
        listener.addresses.add(wanted.address)
        if not self._listeners:
            self._sent = focus_values(
                self._shared_context
            )  # nothing was compared while there were no listeners
        if listener not in self._listeners:
            self._listeners.append(listener)
            self._audience.watch(listener)

    def forget(self, listener: Listener) -> None:
        """The client has gone."""
        if listener in self._listeners:
            self._listeners.remove(listener)
        self._audience.unwatch(listener)

    def _moved(self) -> None:
        if not self._listeners:
            return
        values = focus_values(self._shared_context)
        for address, value in values.items():
            if value != self._sent.get(address):
                for listener in self._listeners:
                    listener.publish(address, value)
        self._sent = values

    def _asked(self, request: Request, client: Client) -> None:
        """Sends a client's message to everyone who listens at its address, except the sender."""
        if not self._listeners:
            return
        bare = request.evolve(token="", client="", reply_port=None)
        address, arguments = request_to_osc(BY_REQUEST[type(request)], bare)
        if address in READABLE and address != STATUS:
            return  # sent when the value changes
        for listener in self._listeners:
            if listener.key != client.key:
                listener.publish(address, arguments)


def focus_values(shared_context: SharedContext) -> dict[str, list[Any]]:
    """The shared context as OSCQuery VALUEs; positions are samples of the timeline.

    The tempo and meter are those at the playhead, where there is a whole tempo map.
    """
    shown = shared_context.shown
    context, tempo_map, rate = shown.context, shown.tempo_map, shown.rate
    here = shown.playhead or 0
    found: dict[str, list[Any]] = {}
    if context.bpm is not None or context.tempo_map is not None:
        found["tempo"] = [round(float(tempo_map.tempo_at(here, rate)), 6)]
    if context.meter is not None or context.tempo_map is not None:
        found["meter"] = [str(tempo_map.meter_at(tempo_map.quarters_at(here, rate)))]
    if context.key is not None:
        found["key"] = [str(context.key)]
    if context.source is not None:
        found["source"] = [context.source, shown.position]
    if shown.selection is not None:
        found["select"] = [shown.selection.start, shown.selection.end]
    if shown.playhead is not None:
        found["transport"] = [shown.playhead, int(context.rolling)]
    return {BY_NAME[name].address: value for name, value in found.items()}


class OwnClient:
    """The client of the server's own requests."""

    key = sender = door = "server"
    reply_to = ""

    def send(self, reply: Reply) -> None:
        """Discards it."""
