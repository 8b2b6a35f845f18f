"""MIDI as a client of the bridge: pads and pedals send requests, a DAW's clock sets tempo and playhead.

daw_protocol/pad_map.py and midi_clock.py interpret MIDI; this module carries it out, in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any

from bridge_server.endpoints.midi.ports import open_input
from bridge_server.handlers.dispatcher import Dispatcher
from bridge_server.log_words import Private
from bridge_server.sessions.events import Events, JobReply, Notice
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.settings import MidiSettings
from bridge_server.supervisor import Supervisor
from daw_protocol import requests
from daw_protocol.errors import ProtocolError
from daw_protocol.midi_clock import ClockFollower, SongMoved, TempoMeant
from daw_protocol.pad_map import Control, Pads, Touch
from daw_protocol.replies import Acknowledged, AuditionState, Failed, Reply, TakeReady
from daw_protocol.requests import Render, Request, Vary
from daw_protocol.results import MidiStatus
from daw_protocol.timeline.position import AtQuarters

log = logging.getLogger(__name__)

# A flood of controllers is dropped here rather than served a minute later.
INBOX = 1024


class MidiControl:
    """One MIDI input as a client. A bare request from a pad is about the shared context."""

    key = sender = door = "midi"
    reply_to = ""

    def __init__(
        self,
        settings: MidiSettings,
        dispatcher: Dispatcher,
        shared_context: SharedContext,
        events: Events,
    ) -> None:
        self._settings = settings
        self._dispatcher = dispatcher
        self._shared_context = shared_context
        self._pads = Pads(settings.bindings)
        self._clock = ClockFollower()
        self._known: dict[str, str] = {}
        self._inbox: asyncio.Queue[tuple[Any, float]] = asyncio.Queue(INBOX)
        self._gone = False
        self.name = ""
        events.subscribe(JobReply, lambda event: self.send(event.reply))
        events.subscribe(Notice, lambda event: self.send(event.reply))

    def send(self, reply: Reply) -> None:
        """Remembers from any reply what `$take` and `$job` stand for."""
        if isinstance(reply, Acknowledged):
            self._known["job"] = reply.job
        elif isinstance(reply, (TakeReady, AuditionState)) and reply.take:
            self._known["take"] = reply.take
        elif isinstance(reply, Failed) and reply.id.startswith(PAD_ID):
            log.warning("MIDI: %s", Private(f"{reply.sentence} {reply.remedy}", reply.code))

    def receive(self, message: Any, moment: float) -> None:
        """Queues a mido message; on the event loop."""
        with contextlib.suppress(asyncio.QueueFull):
            self._inbox.put_nowait((message, moment))

    def plugged(self, there: bool) -> None:
        """The device was unplugged or is back; on the event loop."""
        if there == (not self._gone):
            return  # nothing new
        self._gone = not there
        if there:
            log.warning("MIDI: %s is back.", self.name)
        else:
            log.warning("MIDI: %s", self._problem())
            self.receive(UNPLUGGED, 0.0)  # after what it has sent

    def status(self) -> MidiStatus:
        """The input's name and its problem, "" for none."""
        return MidiStatus(input=self.name, problem=self._problem() if self._gone else "")

    def _problem(self) -> str:
        clock = " and its clock is not followed" if self._settings.clock else ""
        return f"{self.name} is disconnected; its pads send nothing{clock} until it is back."

    async def run(self) -> None:
        """Carries out what comes until cancelled."""
        while True:
            message, moment = await self._inbox.get()
            try:
                await self._carry_out(message, moment)
            except Exception:  # a bug must not leave the pads dead
                log.exception("MIDI message %s met a bug", Private(message))

    async def _carry_out(self, message: Any, moment: float) -> None:
        if message is UNPLUGGED:
            await self._forget_device()
            return
        touch = touch_in(message)
        if touch is not None:
            for binding in self._pads.sent_by(touch):
                try:
                    await self._ask(with_own_id(binding.request(touch.value, self._known)))
                except ProtocolError as error:
                    log.warning("MIDI, line %d: %s", binding.line, error)
        elif self._settings.clock:
            for change in clock_changes(self._clock, message, moment):
                await self._follow(change)

    async def _forget_device(self) -> None:
        """Pedals count as released, and a song that only this clock moved stops."""
        clock, self._clock = self._clock, ClockFollower()
        self._pads = Pads(self._settings.bindings)
        if clock.rolling:
            for change in clock.stop():
                await self._follow(change)

    async def _follow(self, change: TempoMeant | SongMoved) -> None:
        if isinstance(change, SongMoved):
            await self._ask(requests.Transport(position=AtQuarters(change.quarters), rolling=change.rolling))
        elif self._shared_context.context.tempo_map is None:  # a whole tempo map knows more than a clock
            log.info("MIDI clock: %.2f BPM, jitter %.2f ms", change.bpm, change.reading.jitter_ms)
            await self._ask(requests.SetTempo(bpm=change.bpm))

    async def _ask(self, request: Request) -> None:
        for reply in (await self._dispatcher.respond(request, self)).replies:
            self.send(reply)


PAD_ID = "midi-"
UNPLUGGED = object()
"""Marks in the message queue where the device was unplugged."""


def with_own_id(request: Request) -> Request:
    """A render request with a fresh id: a pad hit twice renders twice."""
    if isinstance(request, (Render, Vary)) and not request.id:
        return request.evolve(id=f"{PAD_ID}{secrets.token_hex(6)}")
    return request


def touch_in(message: Any) -> Touch | None:
    """The mido message as something touched; None for clocks and whatever else there is."""
    if message.type == "note_on":
        return Touch(Control.NOTE, message.note, message.channel + 1, message.velocity)
    if message.type == "control_change":
        return Touch(Control.CC, message.control, message.channel + 1, message.value)
    if message.type == "program_change":
        return Touch(Control.PROGRAM, message.program, message.channel + 1)
    return None


def clock_changes(clock: ClockFollower, message: Any, moment: float) -> Sequence[TempoMeant | SongMoved]:
    """What a mido message means to the clock; nothing for other messages."""
    if message.type == "clock":
        return clock.clock(moment)
    if message.type == "songpos":
        return clock.song_position(message.pos)
    simple = {"start": clock.start, "continue": clock.go_on, "stop": clock.stop}
    return simple[message.type]() if message.type in simple else ()


@contextlib.asynccontextmanager
async def midi_control(
    settings: MidiSettings | None,
    dispatcher: Dispatcher,
    shared_context: SharedContext,
    events: Events,
    supervisor: Supervisor,
) -> AsyncIterator[str]:
    """MIDI as a client for as long as the block lasts; yields the input's name, "" without one. Raises
    ProtocolError when the input cannot be opened."""
    if settings is None:
        yield ""
        return
    control = MidiControl(settings, dispatcher, shared_context, events)
    async with open_input(settings.port, control.receive, control.plugged) as name:
        control.name = name
        supervisor.report(MidiStatus, control.status)
        supervisor.start("MIDI input", control.run, essential=False)
        yield name
