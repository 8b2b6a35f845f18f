"""JSON-RPC by files, for hosts whose scripts have no sockets: a request in `in/NAME.json`, its answers line by line in
`out/NAME.jsonl`. docs/mailbox.md tells script writers the rest.

Whoever can write into the store's folder can do to it what the server can, so nobody is asked for the token here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from bridge_server.endpoints.http.pages import Page, Pages
from bridge_server.endpoints.mailbox.folder import Letter, MailboxFolder
from bridge_server.handlers.dispatcher import SLOW, Dispatcher
from bridge_server.handlers.response import our_fault
from bridge_server.sessions.client import Client
from clip_store.atomic_file import write_whole
from clip_store.errors import ClipStoreError
from daw_protocol import jsonrpc
from daw_protocol.addresses import COMMANDS
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.jsonrpc import BadCall, Call
from daw_protocol.replies import Reply
from daw_protocol.requests import BeginUpload, FetchTake, Render, Request, Vary

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05
CLEAR_SECONDS = 3600.0
SCHEME = "mailbox:"
"""How a reply_to begins that names an answer file, and not a host and port."""


class MailboxClient:
    """The script that waits for one answer file. Two are equal when they read the same one."""

    def __init__(self, endpoint: MailboxEndpoint, name: str, client: str = "") -> None:
        self._endpoint = endpoint
        self._name = name
        # Without a name they share their context, as OSC messages of one machine do.
        self.key = f"{SCHEME}{client}"
        self.reply_to = f"{SCHEME}{name}"

    def send(self, reply: Reply) -> None:
        self._endpoint.write(self._name, jsonrpc.notification(reply))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MailboxClient) and other._name == self._name

    def __hash__(self) -> int:
        return hash(self._name)


class MailboxEndpoint:
    """Answers the requests in a folder."""

    def __init__(self, folder: MailboxFolder, dispatcher: Dispatcher, pages: Pages) -> None:
        self._folder = folder
        self._dispatcher = dispatcher
        self._pages = pages
        # Answers in the making: what a job says meanwhile comes behind the response to its request.
        self._held: dict[str, list[str]] = {}
        self._slow: set[asyncio.Task[None]] = set()

    def client(self, reply_to: str) -> Client:
        """The client a job was accepted from, by the address it was kept under."""
        return MailboxClient(self, reply_to.removeprefix(SCHEME))

    def write(self, name: str, line: str) -> None:
        """Adds a line to an answer file, now or behind the response that is being made."""
        if name in self._held:
            self._held[name].append(line)
        else:
            self._folder.append(name, line)

    async def run(self) -> None:
        """Answers requests until cancelled."""
        cleared = -CLEAR_SECONDS
        letters = list(self._folder.leftover())
        try:
            while True:
                if time.monotonic() - cleared >= CLEAR_SECONDS:
                    self._folder.clear_old(time.time())
                    cleared = time.monotonic()
                for letter in (*letters, *self._folder.take()):
                    await self._answer_letter(letter)
                letters = []
                await asyncio.sleep(POLL_SECONDS)
        finally:
            for task in self._slow:
                task.cancel()

    async def _answer_letter(self, letter: Letter) -> None:
        """Answers one file; in a task of its own when that reads audio from the disk."""
        if letter.problem is not None:
            sentence, remedy = letter.problem
            log.warning("mailbox: %r: %s", letter.name, sentence)
            error = ProtocolError(ErrorCode.BAD_MESSAGE, sentence, remedy)
            rpc_code = jsonrpc.INVALID_REQUEST
            self._folder.append(
                letter.name, jsonrpc.answer_text([jsonrpc.error(None, error, rpc_code)], False) or ""
            )
            return
        calls, batch = jsonrpc.read_frame(letter.text)
        answering = self._answer_calls(letter, calls, batch)
        if any(_is_slow(call) for call in calls):
            task = asyncio.create_task(answering)
            self._slow.add(task)
            task.add_done_callback(self._slow.discard)
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
            self._folder.append(letter.name, text)
        for line in held:
            self._folder.append(letter.name, line)
        self._folder.finish(letter)

    async def _answer(self, letter: Letter, number: int, call: Call | BadCall) -> dict[str, Any] | None:
        if isinstance(call, BadCall):
            return jsonrpc.error(call.id, call.error, call.rpc_code)
        try:
            _, request = jsonrpc.request_in(call)
            request = replace(request, token="")  # which no record must keep
            if isinstance(request, (Render, Vary)) and not request.id:
                # Named for its file: one that a killed server had taken but not finished is not rendered twice.
                request = replace(request, id=f"{letter.name[:40]}-{letter.stamp}.{number}"[:64])
            data = await self._answer_request(letter, number, request, call)
            return jsonrpc.result(call.id, data) if call.wants_answer else None
        except ProtocolError as error:
            return jsonrpc.error(call.id, error) if call.wants_answer else None
        except Exception:  # a bug must not end the mailbox, let alone the server
            log.exception("method %s met a bug", call.method)
            return jsonrpc.error(call.id, our_fault()) if call.wants_answer else None

    async def _answer_request(
        self, letter: Letter, number: int, request: Request, call: Call
    ) -> Mapping[str, Any]:
        if isinstance(request, BeginUpload):
            raise ProtocolError(
                ErrorCode.BAD_UPLOAD,
                "Audio cannot be uploaded through the mailbox.",
                f"Write the file to {self._folder.audio} and name it as the source.",
            )
        if isinstance(request, FetchTake):
            page = await self._pages.take_file(request.take, request.what, request.name)
            return await self._fetched(f"{letter.name}.{number}", page)
        client = MailboxClient(self, letter.name, call.client or request.client)
        answer = await self._dispatcher.answer(request, client)
        for reply in answer.replies[1:]:  # the first one is the result itself
            client.send(reply)
        return answer.data

    async def _fetched(self, stem: str, page: Page) -> Mapping[str, Any]:
        """A take's file, put beside the answer."""
        suffix = PurePath(page.file_name).suffix or SUFFIXES.get(page.media_type, "")
        path = self._folder.outbox / f"{stem}{suffix}"
        try:
            await asyncio.to_thread(write_whole, path, [page.body])
        except ClipStoreError as error:
            raise ProtocolError(ErrorCode.STORE_FAILED, error.sentence, error.remedy) from error
        return {"bytes": len(page.body), "path": str(path)}


SUFFIXES = {"image/png": ".png", "application/json": ".json"}


def _is_slow(call: Call | BadCall) -> bool:
    """Whether answering it reads audio."""
    return isinstance(call, Call) and call.method in SLOW_METHODS


SLOW_METHODS = {
    command.name for command in COMMANDS if command.request is FetchTake or command.request in SLOW
}
