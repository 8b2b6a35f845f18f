"""JSON-RPC by files, for hosts whose scripts have no sockets: a request in `in/NAME.json`, its answers line by line in
`out/NAME.jsonl`. docs/mailbox.md has the details for script writers.

A program that can write into the store's folder can already do everything the server can: no token is needed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

from bridge_server.endpoints.mailbox.answers import Answers, Line, notified, takes_in
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
        # A job that is begun again announces what it has to clients that may have missed it: to this one once.
        take = reply.take if isinstance(reply, TakeReady) else ""
        text = self._endpoint.line_of(reply)
        self._endpoint.write(self._name, Line(text, take, last=reply.name in ENDINGS))

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
        self._answers = Answers(folder)
        self._dispatcher = dispatcher
        self._supervisor = supervisor
        self._queue = queue
        self._outcome = outcome
        # Answers in progress: replies of the job are held back until the response has been written.
        self._held: dict[str, list[Line]] = {}

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

    def write(self, name: str, line: Line) -> None:
        """Adds a line to an answer file, next or after the response that is being written."""
        if name in self._held:
            self._held[name].append(line)
        else:
            self._answers.write(name, line)

    async def close(self) -> None:
        """Waits until what was answered is written; after the jobs have stopped."""
        await self._answers.close()

    async def run(self) -> None:
        """Answers requests until cancelled."""
        cleared = -CLEAR_SECONDS
        letters = await self._answers.do(lambda: list(self._folder.leftover()))
        await self._finish_answers({letter.name for letter in letters})
        while True:
            if time.monotonic() - cleared >= CLEAR_SECONDS:
                await self._answers.do(self._folder.clear_old, time.time(), self._in_use())
                cleared = time.monotonic()
            for letter in letters:
                await self._answer_letter(letter)
            letters = []
            arriving = self._folder.take()
            while (arrived := await self._answers.do(self._next, arriving)) is not None:
                await self._answer_letter(arrived)
            await asyncio.sleep(POLL_SECONDS)

    def _next(self, arriving: Iterator[Letter]) -> Letter | None:
        """The next request, once there is one; in the thread of the answers."""
        self._folder.write_waiting()
        return next(arriving, None)

    def _in_use(self) -> set[str]:
        """Names of the answers that are not complete, and paths of audio, of jobs that have not ended."""
        unfinished = {address.removeprefix(SCHEME) for address in self._queue.reply_addresses()}
        return unfinished | self._queue.songs_in_use().keys()

    async def _finish_answers(self, asked_again: set[str]) -> None:
        """Writes what a killed server did not: its jobs may have ended just before their answers were complete.

        asked_again: answers whose requests are processed again, which writes everything.
        """
        answers = await self._answers.do(self._folder.answers)
        names = [name for name in answers if name not in asked_again]
        for job in self._queue.ended_for([f"{SCHEME}{name}" for name in names]):
            name = job.reply_to.removeprefix(SCHEME)
            lines = await self._answers.do(self._folder.lines, name)
            written = [notified(line) for line in lines]
            if any(method in ENDINGS and params.get("job") == job.id for method, params in written):
                continue
            takes = takes_in(lines)
            for reply in await self._outcome(job):
                if not (isinstance(reply, TakeReady) and reply.take in takes):
                    self.write(name, Line(self.line_of(reply)))

    async def _answer_letter(self, letter: Letter) -> None:
        """Answers one file, in a separate task when that reads audio from the disk."""
        if letter.problem is not None:
            sentence, remedy = letter.problem
            log.warning("mailbox: %s: %s", Private(letter.name), sentence)
            error = error_in(ProtocolError(ErrorCode.BAD_MESSAGE, sentence, remedy), self._language)
            rpc_code = jsonrpc.INVALID_REQUEST
            text = jsonrpc.answer_text([jsonrpc.error(None, error, rpc_code)], False) or ""
            await self._answers.do(self._folder.append, letter.name, text)
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
        await self._answers.finish(letter, jsonrpc.answer_text(answers, batch), held)

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
                self.write(letter.name, Line(self.line_of(reply)))
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


SUFFIXES = {"image/png": ".png", "application/json": ".json"}


def _is_slow(call: Call | BadCall) -> bool:
    """Whether answering it reads audio."""
    return isinstance(call, Call) and call.method in SLOW_METHODS


SLOW_METHODS = {command.name for command in COMMANDS if command.request in SLOW}
