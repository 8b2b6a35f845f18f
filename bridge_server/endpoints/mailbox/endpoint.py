"""JSON-RPC by files, for hosts whose scripts have no sockets: a request in `in/NAME.json`, its answers line by line in
`out/NAME.jsonl`. docs/mailbox.md has the details for script writers.

A program that can write into the store's folder can already do everything the server can: no token is needed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePath
from typing import Any

from bridge_server.endpoints.mailbox.folder import Letter, MailboxFolder
from bridge_server.endpoints.rpc import answer_call
from bridge_server.handlers.dispatcher import SLOW, Dispatcher
from bridge_server.handlers.response import Response, TakeFile
from bridge_server.jobs.job import Job
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.languages.installed import ENGLISH
from bridge_server.languages.wording import error_in, reply_in, values_in
from bridge_server.log_words import Private
from bridge_server.sessions.client import Client
from bridge_server.supervisor import Supervisor
from clip_store.atomic_file import write_whole
from clip_store.errors import ClipStoreError
from daw_protocol import jsonrpc
from daw_protocol.addresses import COMMANDS
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.jsonrpc import BadCall, Call
from daw_protocol.replies import Cancelled, Done, Failed, Reply, TakeReady
from daw_protocol.requests import BeginUpload, Render, Request, Vary
from daw_protocol.results import FileSent

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05
CLEAR_SECONDS = 3600.0
PIECE_BYTES = 1 << 20
Outcome = Callable[[Job], Awaitable[tuple[Reply, ...]]]
"""All replies of an ended job after its acknowledgement."""
ENDINGS = frozenset(reply.name for reply in (Done, Failed, Cancelled))
SCHEME = "mailbox:"
"""How a reply_to begins that names an answer file, and not a host and port."""


class MailboxClient:
    """The script that waits for one answer file. Two are equal when they read the same one."""

    door = "mailbox"

    def __init__(self, endpoint: MailboxEndpoint, name: str, client: str = "") -> None:
        self._endpoint = endpoint
        self._name = name
        # Without a name they share their context, as OSC messages of one machine do.
        self.key = self.sender = f"{SCHEME}{client}"
        self.reply_to = f"{SCHEME}{name}"

    def send(self, reply: Reply) -> None:
        if isinstance(reply, TakeReady) and not self._endpoint.is_new(self._name, reply.take):
            return  # a job that is begun again announces what it has to clients that may have missed it
        self._endpoint.write(self._name, self._endpoint.line_of(reply))
        if reply.name in ENDINGS:
            self._endpoint.forget(self._name)

    def begin_upload(self, request: BeginUpload) -> None:
        raise ProtocolError(
            ErrorCode.BAD_UPLOAD,
            "Audio cannot be uploaded through the mailbox.",
            f"Write {request.name} to {self._endpoint.audio} and name it as the source.",
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MailboxClient) and other._name == self._name

    def __hash__(self) -> int:
        return hash(self._name)


class MailboxEndpoint:
    """Answers the requests in a folder."""

    def __init__(
        self,
        folder: MailboxFolder,
        dispatcher: Dispatcher,
        supervisor: Supervisor,
        queue: JobQueue,
        outcome: Outcome,
        language: str = ENGLISH,
    ) -> None:
        self._language = language
        self._folder = folder
        self._dispatcher = dispatcher
        self._supervisor = supervisor
        self._queue = queue
        self._outcome = outcome
        # Answers in progress: replies of the job are held back until the response has been written.
        self._held: dict[str, list[str]] = {}
        self._announced: dict[str, set[str]] = {}  # by answer: ids of takes; only of jobs that have not ended

    def is_new(self, name: str, take: str) -> bool:
        """Whether an answer does not announce this take yet; after this it counts as announced."""
        if name not in self._announced:
            self._announced[name] = _takes_in(self._folder.lines(name))
        known = take in self._announced[name]
        self._announced[name].add(take)
        return not known

    def forget(self, name: str) -> None:
        """A job of this answer has ended."""
        self._announced.pop(name, None)

    @property
    def audio(self) -> Path:
        """The folder whose files requests may name."""
        return self._folder.audio

    def client(self, reply_to: str) -> Client:
        """The client a job was accepted from, by the address it was kept under."""
        return MailboxClient(self, reply_to.removeprefix(SCHEME))

    def line_of(self, reply: Reply) -> str:
        """A reply as a line of an answer file."""
        return jsonrpc.notification(reply_in(reply, self._language))

    def write(self, name: str, line: str) -> None:
        """Adds a line to an answer file, now or after the response that is being written."""
        if name in self._held:
            self._held[name].append(line)
        else:
            self._folder.append(name, line)

    async def run(self) -> None:
        """Answers requests until cancelled."""
        cleared = -CLEAR_SECONDS
        letters = list(self._folder.leftover())
        await self._finish_answers({letter.name for letter in letters})
        while True:
            if time.monotonic() - cleared >= CLEAR_SECONDS:
                self._folder.clear_old(time.time(), self._in_use())
                cleared = time.monotonic()
            for letter in (*letters, *self._folder.take()):
                await self._answer_letter(letter)
            letters = []
            self._folder.write_waiting()
            await asyncio.sleep(POLL_SECONDS)

    def _in_use(self) -> set[str]:
        """Names of the answers that are not complete, and paths of audio, of jobs that have not ended."""
        unfinished = {address.removeprefix(SCHEME) for address in self._queue.reply_addresses()}
        return unfinished | self._queue.songs_in_use().keys()

    async def _finish_answers(self, asked_again: set[str]) -> None:
        """Writes what a killed server did not: its jobs may have ended just before their answers were complete.

        asked_again: answers whose requests are processed again, which writes everything.
        """
        names = [name for name in self._folder.answers() if name not in asked_again]
        for job in self._queue.ended_for([f"{SCHEME}{name}" for name in names]):
            name = job.reply_to.removeprefix(SCHEME)
            lines = self._folder.lines(name)
            written = [_notified(line) for line in lines]
            if any(method in ENDINGS and params.get("job") == job.id for method, params in written):
                continue
            takes = _takes_in(lines)
            for reply in await self._outcome(job):
                if not (isinstance(reply, TakeReady) and reply.take in takes):
                    self.write(name, self.line_of(reply))

    async def _answer_letter(self, letter: Letter) -> None:
        """Answers one file, in a separate task when that reads audio from the disk."""
        if letter.problem is not None:
            sentence, remedy = letter.problem
            log.warning("mailbox: %s: %s", Private(letter.name), sentence)
            error = error_in(ProtocolError(ErrorCode.BAD_MESSAGE, sentence, remedy), self._language)
            rpc_code = jsonrpc.INVALID_REQUEST
            self._folder.append(
                letter.name, jsonrpc.answer_text([jsonrpc.error(None, error, rpc_code)], False) or ""
            )
            return
        calls, batch = jsonrpc.read_frame(letter.text)
        answering = self._answer_calls(letter, calls, batch)
        if any(_is_slow(call) for call in calls):
            self._supervisor.spawn("mailbox request", answering)
        else:
            await answering

    async def _answer_calls(self, letter: Letter, calls: list[Call | BadCall], batch: bool) -> None:
        self._held.setdefault(letter.name, [])
        try:
            answers = [
                answer
                for number, call in enumerate(calls)
                if (answer := await self._answer(letter, number, call)) is not None
            ]
        finally:
            held = self._held.pop(letter.name, [])
        if (text := jsonrpc.answer_text(answers, batch)) is not None:
            # Before the request goes: after a power cut one of the two is there.
            self._folder.append(letter.name, text, durable=True)
        for line in held:
            self._folder.append(letter.name, line)
        self._folder.finish(letter)

    async def _answer(self, letter: Letter, number: int, call: Call | BadCall) -> dict[str, Any] | None:
        answer, response = await answer_call(
            call, lambda request: self._respond(letter, number, request, call)
        )
        answer = None if answer is None else values_in(answer, self._language)
        if answer is not None and response.file is not None:
            try:
                path = await self._written(f"{letter.name}.{number}", response.file)
            except ProtocolError as error:
                return jsonrpc.error(answer["id"], error_in(error, self._language))
            answer["result"] = FileSent(bytes=response.file.size, path=str(path)).to_fields()
        if response.error is None:
            for reply in response.replies[1:]:  # the first one is the answer itself
                self.write(letter.name, self.line_of(reply))
        return answer

    async def _respond(self, letter: Letter, number: int, request: Request, call: Call | BadCall) -> Response:
        request = request.evolve(token="")  # which no record must keep
        if isinstance(request, (Render, Vary)) and not request.id:
            # Named for its file: one that a killed server had taken but not finished is not rendered twice.
            request = request.evolve(id=f"{letter.name[:40]}-{letter.stamp}.{number}"[:64])
        client = MailboxClient(self, letter.name, getattr(call, "client", "") or request.client)
        return await self._dispatcher.respond(request, client)

    async def _written(self, stem: str, file: TakeFile) -> Path:
        """A take's file, written next to the answer. Raises ProtocolError."""
        suffix = PurePath(file.name).suffix or SUFFIXES.get(file.media_type, "")
        path = self._folder.outbox / f"{stem}{suffix}"
        try:
            await asyncio.to_thread(
                write_whole, path, (file.read(*piece) for piece in file.pieces(PIECE_BYTES))
            )
        except ClipStoreError as error:
            raise ProtocolError(ErrorCode.STORE_FAILED, error.sentence, error.remedy) from error
        return path


def _takes_in(lines: list[str]) -> set[str]:
    """Ids of the takes that an answer announces."""
    written = [_notified(line) for line in lines]
    return {str(params.get("take")) for method, params in written if method == TakeReady.name}


def _notified(line: str) -> tuple[str, dict[str, Any]]:
    """Name and values of the reply in a line of an answer; ("", {}) for anything else."""
    try:
        value = json.loads(line)
        return str(value["method"]), dict(value["params"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return "", {}


SUFFIXES = {"image/png": ".png", "application/json": ".json"}


def _is_slow(call: Call | BadCall) -> bool:
    """Whether answering it reads audio."""
    return isinstance(call, Call) and call.method in SLOW_METHODS


SLOW_METHODS = {command.name for command in COMMANDS if command.request in SLOW}
