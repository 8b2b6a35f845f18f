"""`takebridge send`: one OSC message to a running server, and every answer to it until the last."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import TaskID
from rich.text import Text

from bridge_server.cli.arguments import store_of
from bridge_server.cli.client import TERMINAL, as_error
from bridge_server.cli.commands import DONE, INTERRUPTED, PROBLEM, Screen, progress_bar
from bridge_server.cli.osc_peer import THIS_MACHINE, OscPeer, OscReply
from bridge_server.cli.osc_words import TypedValue, forced, guessed
from bridge_server.cli.running import server_on
from bridge_server.cli.serve_settings import token_from
from bridge_server.endpoints.osc_packets import encode_typed
from bridge_server.languages.installed import ENGLISH
from bridge_server.languages.wording import text_in
from bridge_server.settings import OSC_PORT
from daw_protocol.errors import ErrorCode, ProtocolError

LAST_ANSWERS = (*TERMINAL, "ok")
SILENCE_SECONDS = 3.0
"""Of a server that has nothing to say. Then it is asked for a sign of life: an export may take minutes."""
PATIENCE_SECONDS = 10.0
"""For that sign: the machine may have much else to do."""
ALIVE = "takebridge-send-alive"


@dataclass(frozen=True)
class OscTarget:
    """Where the message goes. ours: it is the server of this user's store, which starts again where it stopped."""

    host: str
    port: int
    token: str = ""
    ours: bool = True


def target_of(arguments: Namespace) -> OscTarget:
    """The server that was named, or the one that runs on the store. Raises ProtocolError when none does."""
    token = token_from(arguments.token_file.expanduser()) if arguments.token_file else ""
    if arguments.host is None and arguments.port is None:
        found = server_on(store_of(arguments))
        return OscTarget(found.host, found.osc_port, token or found.token)
    return OscTarget(arguments.host or THIS_MACHINE, arguments.port or OSC_PORT, token, ours=False)


def typed_values(words: Sequence[str], types: str | None, token: str) -> list[TypedValue]:
    """The message's values, the token behind them where the server wants one. Raises ProtocolError."""
    values = guessed(words) if types is None else forced(types, words)
    if token and ("s", "token") not in values:
        values += [("s", "token"), ("s", token)]
    return values


async def send(
    target: OscTarget, screen: Screen, address: str, values: Sequence[TypedValue], wait: bool = True
) -> int:
    """Sends it and prints the answers. Returns the exit status; raises ProtocolError when it failed or nobody answers.

    Ctrl-C cancels the job that was asked for, and waits for its end. wait: False leaves after the first answer.
    """
    try:
        peer = OscPeer(target.port, target.host)
    except OSError as error:
        raise _nobody(target) from error
    answers = _Answers(screen)
    try:
        return await _Conversation(peer, target, answers).carry_out(encode_typed(address, values), wait)
    finally:
        answers.close()
        peer.close()


class _Answers:
    """Prints answers as they come: lines for people, or one JSON object a line."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._bar = progress_bar(screen)
        self._task: TaskID | None = None

    def close(self) -> None:
        if self._task is not None:
            self._bar.stop()

    def show(self, reply: OscReply) -> None:
        if self._screen.as_json:
            print(json.dumps({"reply": reply.name, **reply.values}), flush=True)
        elif reply.name == "progress":
            self._progress(reply.values)
        elif reply.name != "failed":  # which is raised, and printed like every refusal
            line = as_line(reply, self._screen.language)
            self._screen.console.print(Text(line), highlight=False, soft_wrap=True)

    def _progress(self, values: dict[str, Any]) -> None:
        if not self._screen.console.is_terminal:
            return
        if self._task is None:  # not earlier: a bar without anything on it leaves an empty line behind
            self._task = self._bar.add_task("", total=1.0)
            self._bar.start()
        stage = escape(str(values.get("stage", "")))
        self._bar.update(self._task, completed=float(values.get("fraction", 0.0)), description=stage)


class _Conversation:
    """One message and its answers, on a socket that nothing else uses."""

    def __init__(self, peer: OscPeer, target: OscTarget, answers: _Answers) -> None:
        self._peer = peer
        self._target = target
        self._answers = answers
        self._job = ""

    async def carry_out(self, packet: bytes, wait: bool) -> int:
        try:
            self._send(packet)
            return await self._until_the_end(wait)
        except asyncio.CancelledError:
            if not self._job:
                raise
        self._send(encode_typed("/bridge/cancel", [("s", self._job), *self._token()]))
        await self._until_the_end(wait=True, cancelling=True)
        return INTERRUPTED

    async def _until_the_end(self, wait: bool, cancelling: bool = False) -> int:
        while True:
            reply = await self._next()
            if cancelling and reply.name == "ok":
                continue  # that it is being cancelled; its end follows
            self._answers.show(reply)
            self._job = str(reply.values.get("job", self._job)) if reply.name == "ack" else self._job
            if reply.name == "failed":
                raise _refusal(reply.values)
            if reply.name in LAST_ANSWERS or not wait:
                return PROBLEM if reply.name == "cancelled" else DONE

    async def _next(self) -> OscReply:
        """The next answer. Raises ProtocolError when the server does not even say that it is there."""
        silence = SILENCE_SECONDS
        while True:
            try:
                reply = await self._peer.receive(silence)
            except TimeoutError as error:
                if silence == PATIENCE_SECONDS:
                    raise _nobody(self._target, self._job) from error
                silence = PATIENCE_SECONDS
                self._send(encode_typed("/bridge/status", [("s", ALIVE), *self._token()]))
                continue
            except OSError as error:
                raise _nobody(self._target, self._job) from error
            if reply.values["id"] != ALIVE:
                return reply
            silence = SILENCE_SECONDS

    def _send(self, packet: bytes) -> None:
        try:
            self._peer.send_packet(packet)
        except OSError as error:
            raise _nobody(self._target, self._job) from error

    def _token(self) -> list[TypedValue]:
        return [("s", "token"), ("s", self._target.token)] if self._target.token else []


def _refusal(values: dict[str, Any]) -> ProtocolError:
    """A `failed` reply as an error. Where the token is missing, the server answers in fewer bytes than it was sent."""
    if values.get("sentence"):
        return as_error(values)
    return ProtocolError(
        ErrorCode.NOT_ALLOWED,
        "The server needs its token, and that was missing or wrong.",
        "Write the token into a file and name it with --token-file.",
        "token",
    )


def _nobody(target: OscTarget, job: str = "") -> ProtocolError:
    if job:
        return ProtocolError(
            ErrorCode.ENGINE_DIED,
            f"The server at {target.host}:{target.port} no longer answers.",
            f"Start it again: job {job} is kept and resumed. `takebridge jobs` shows how it stands.",
        )
    remedy = ", check --host and --port (OSC has a port of its own), or name its token with --token-file"
    return ProtocolError(
        ErrorCode.NOT_ALLOWED,
        f"No server answers OSC at {target.host}:{target.port}.",
        f"Start one with `takebridge serve`{'' if target.ours else remedy}.",
    )


def as_line(reply: OscReply, language: str = ENGLISH) -> str:
    """An answer as a person reads it: its name as it is sent, and what it says in the language."""
    known = LINES.get(reply.name)
    if known is not None:
        first, *more = known(reply.values).split("\n")
        return "\n".join((f"{reply.name:<9} {text_in(first, language)}".rstrip(), *more))
    values = (f"{name} {given}" for name, given in reply.values.items() if name != "id" and given != "")
    return f"{reply.name:<9} {', '.join(values)}".rstrip()


def _acknowledged(values: dict[str, Any]) -> str:
    note = values.get("note", "")
    return f"job {values.get('job')} is {values.get('state')}." + (f" {note}" if note else "")


def _take(values: dict[str, Any]) -> str:
    number, take, seed, stem = (values.get(name) for name in ("number", "take", "seed", "stem"))
    sample, seconds = values["position"], f"{values['length'] / values['rate']:.2f}"
    verdict = "all checks passed" if values.get("passed") else str(values.get("warning", ""))
    lines = [
        f"{number}{'' if stem == 'mix' else f', stem {stem}'}, id {take}, at sample {sample}, {seconds} s, "
        f"seed {seed}: {verdict}"
    ]
    if path := values.get("path"):
        lines.append(f"{'':<9} → {Path(path)}")
    return "\n".join(lines)


def _done(values: dict[str, Any]) -> str:
    count = values.get("takes")
    return f"{count} take{'' if count == 1 else 's'}." if count else "no takes."


LINES: dict[str, Callable[[dict[str, Any]], str]] = {
    "ack": _acknowledged,
    "take": _take,
    "analysed": lambda values: str(values.get("text", "")),
    "blueprint": lambda values: f"{values.get('number')}, {values.get('text', '')}",
    "done": _done,
    "cancelled": lambda values: str(values.get("reason", "")),
    "ok": lambda values: " ".join(filter(None, (str(values.get("text", "")), str(values.get("note", ""))))),
}
"""What is printed of each answer, from its values."""
