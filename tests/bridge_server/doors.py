"""Every way into a server, with one call: the same file and the same words, and where the take then lies."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from bridge_server.cli import commands
from bridge_server.cli.commands import Screen
from clip_store.take import Take
from daw_protocol.addresses import BY_NAME
from daw_protocol.errors import ProtocolError
from tests.bridge_server.mailbox_peer import MailboxPeer
from tests.bridge_server.peers import PATIENCE, RpcError, ServerThread, WebSocketPeer

_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Outcome:
    """What a way in made of a request: the take, or the error; and all that was said to the producer."""

    take: Take | None
    said: str
    code: str = ""

    @property
    def place(self) -> tuple[int, int] | None:
        """Of the take's first sample: on the timeline and in the song."""
        return None if self.take is None else (self.take.position, self.take.start)


@dataclass(frozen=True)
class Asked:
    """A request for one repaint: of the file by this name, in the server's one root, with these fields."""

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)


Door = Callable[[ServerThread, Asked], Outcome]


def osc(server: ServerThread, asked: Asked) -> Outcome:
    number = f"osc-{next(_NUMBERS)}"
    pairs = [entry for pair in asked.fields.items() for entry in pair]
    with server.osc() as peer:
        replies = peer.render("/bridge/repaint", number, "source", asked.name, *pairs)
    return _outcome(server, [(reply.name, reply.values) for reply in replies])


def websocket(server: ServerThread, asked: Asked) -> Outcome:
    with server.websocket() as peer:
        return _over(server, peer, source=asked.name, **asked.fields)


def upload(server: ServerThread, asked: Asked) -> Outcome:
    path = server.settings.roots[0] / asked.name
    data = path.read_bytes()
    number = f"up-{next(_NUMBERS)}"
    with server.websocket() as peer:
        announced = {"name": path.name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        peer.call("upload.begin", id=number, **announced)
        for first in range(0, len(data), 1 << 20):
            peer.connection.send(data[first : first + (1 << 20)])
        reply = peer.next_received()
        assert reply["id"] == number
        if reply.name == "failed":
            return _outcome(server, [(reply.name, reply.values)])
        outcome = _over(server, peer, source=reply["text"], **asked.fields)
    return replace(outcome, said=f"{reply.values.get('note', '')} {outcome.said}")


def mailbox(server: ServerThread, asked: Asked) -> Outcome:
    box = MailboxPeer(server.settings.store / "mailbox")
    name = box.call("repaint", client=f"box-{next(_NUMBERS)}", source=asked.name, **asked.fields)
    lines = box.until_end(name)
    if "error" in lines[0]:
        error = lines[0]["error"]
        return Outcome(None, f"{error['message']} {error['data']['remedy']}", error["data"]["code"])
    replies = [("ack", lines[0]["result"]), *((line["method"], line["params"]) for line in lines[1:])]
    return _outcome(server, replies)


def command_line(server: ServerThread, asked: Asked) -> Outcome:
    printed = io.StringIO()
    screen = Screen(Console(file=printed, width=1000))
    song = server.settings.roots[0] / asked.name
    before = {take.id for take in server.takes()}
    try:
        asyncio.run(
            commands.render(
                server.settings,
                screen,
                BY_NAME["repaint"],
                [song],
                None,
                asked.fields,
                server.settings.store.parent / "out",
            )
        )
    except ProtocolError as error:
        return Outcome(None, str(error), error.code.value)
    (take,) = (take for take in server.takes() if take.id not in before)
    return Outcome(take, printed.getvalue())


def watched(server: ServerThread, asked: Asked) -> Outcome:
    """A copy of the file dropped with the words in its name; the server watches a folder."""
    watch = server.settings.watch
    assert watch is not None
    words = ", ".join(f"{name} {given}" for name, given in asked.fields.items() if name != "bars")
    song = server.settings.roots[0] / asked.name
    stem = f"{song.stem}-{next(_NUMBERS)} [repaint {asked.fields['bars']}, {words}]"
    before = {take.id for take in server.takes()}
    part = watch.folder / "copy.part"
    shutil.copy(song, part)
    part.rename(watch.folder / (stem + song.suffix))
    text, failed = answer_of(watch.folder, stem)
    if failed:
        return Outcome(None, text)
    (take,) = (take for take in server.takes() if take.id not in before)
    return Outcome(take, text)


DOORS: dict[str, Door] = {
    "osc": osc,
    "websocket": websocket,
    "upload": upload,
    "mailbox": mailbox,
    "command line": command_line,
    "watched folder": watched,
}


def answer_of(folder: Path, stem: str) -> tuple[str, bool]:
    """The last text next to a dropped file, and whether it is about an error."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for ending, failed in ((".error.txt", True), (".progress.txt", False)):
            path = folder / (stem + ending)
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            if failed and text:
                return text, True
            if "Finished" in text:
                return text, False
        time.sleep(0.02)
    raise AssertionError(f"nothing was said about {stem}")


def _over(server: ServerThread, peer: WebSocketPeer, **fields: Any) -> Outcome:
    try:
        accepted = peer.call("repaint", **fields)
    except RpcError as error:
        return Outcome(None, str(error), error.code)
    replies = [("ack", accepted)]
    replies += [(reply.name, reply.values) for reply in peer.until_end(accepted["job"])]
    return _outcome(server, replies)


def _outcome(server: ServerThread, replies: list[tuple[str, dict[str, Any]]]) -> Outcome:
    said = " ".join(
        str(values.get(name, "")) for _, values in replies for name in ("note", "sentence", "remedy")
    )
    found = [values["take"] for name, values in replies if name == "take"]
    if not found:
        return Outcome(None, said, str(replies[-1][1].get("code", "")))
    (take,) = (take for take in server.takes() if take.id == found[0])
    return Outcome(take, said)
