"""Five doors to one server: the same song and request through each, and what came of it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge_server.server import mailbox_root
from tests.bridge_server.mailbox_peer import MailboxPeer
from tests.bridge_server.peers import PATIENCE, ServerThread, run_bridge

START, END = 0.02, 0.12
"""The region that is asked for, in seconds."""


@dataclass(frozen=True)
class Outcome:
    """What a producer reads. rate, position, length: of the take, from its record; None of a refusal."""

    text: str
    rate: int | None = None
    position: int | None = None
    length: int | None = None
    identical: bool | None = None


def of_take(server: ServerThread, take_id: str) -> Outcome:
    take = server.on_loop(lambda: server.server.store.index.get(take_id))
    receipt = take.receipt
    identical = receipt.exact and receipt.outside_identical
    return Outcome(" ".join(take.recipe.notes), receipt.rate, receipt.position, receipt.length, identical)


def of_failure(failed: Any) -> Outcome:
    return Outcome(f"{failed['sentence']} {failed['remedy']}")


def over_osc(server: ServerThread, path: Path) -> Outcome:
    with server.osc() as osc:
        replies = osc.render(
            "/bridge/repaint", uuid.uuid4().hex, "source", str(path), "start", f"{START}s", "end", f"{END}s"
        )
    if replies[-1].name == "failed":
        return of_failure(replies[-1])
    return of_take(server, next(reply["take"] for reply in replies if reply.name == "take"))


def over_websocket(server: ServerThread, path: Path) -> Outcome:
    with server.websocket() as peer:
        try:
            replies = peer.render("repaint", source=str(path), start=f"{START}s", end=f"{END}s")
        except Exception as refusal:  # an RpcError, with the same words
            return Outcome(str(refusal))
    if replies[-1].name == "failed":
        return of_failure(replies[-1])
    return of_take(server, next(reply["take"] for reply in replies if reply.name == "take"))


def through_the_mailbox(server: ServerThread, path: Path) -> Outcome:
    box = MailboxPeer(mailbox_root(server.settings.store))
    lines = box.until_end(box.call("repaint", source=str(path), start=f"{START}s", end=f"{END}s"))
    last = lines[-1]
    if "error" in last:
        return Outcome(f"{last['error']['message']} {last['error']['data']['remedy']}")
    if last["method"] == "failed":
        return of_failure(last["params"])
    return of_take(server, next(line["params"]["take"] for line in lines if line.get("method") == "take"))


def on_the_command_line(server: ServerThread, path: Path) -> Outcome:
    out = path.parent / "out"
    region = ("--start", f"{START}s", "--end", f"{END}s")
    done = run_bridge(server.settings.store, "repaint", str(path), *region, "-o", str(out), "--json")
    assert "Traceback" not in done.stderr
    if done.returncode:
        return Outcome(done.stdout + done.stderr)
    return of_take(server, json.loads(done.stdout)["results"][0]["take"])


def in_the_watched_folder(server: ServerThread, path: Path) -> Outcome:
    watch = server.settings.watch
    assert watch is not None
    name = f"{path.stem} [repaint {START}s - {END}s]"
    before = {take.id for take in server.takes()}
    part = watch.folder / f"{name}.tmp"
    part.write_bytes(path.read_bytes())
    part.rename(watch.folder / f"{name}{path.suffix}")
    text = status_text(watch.folder, path.stem)
    if "Finished" not in text:
        return Outcome(text)
    (take,) = (take.id for take in server.takes() if take.id not in before)
    outcome = of_take(server, take)
    assert outcome.text.split(". ")[0] in text, "the producer reads the notes"
    return outcome


def status_text(folder: Path, title: str) -> str:
    """What the watched folder says of a song in the end."""
    end = time.monotonic() + PATIENCE
    text = ""
    while time.monotonic() < end:
        for found in folder.glob(f"{title}*.txt"):
            text = found.read_text(encoding="utf-8")
            if "Finished" in text or (found.name.endswith(".error.txt") and text):
                return text
        time.sleep(0.02)
    raise AssertionError(f"the folder says nothing: {text}")


DOORS: dict[str, Callable[[ServerThread, Path], Outcome]] = {
    "OSC": over_osc,
    "WebSocket": over_websocket,
    "mailbox": through_the_mailbox,
    "command line": on_the_command_line,
    "watched folder": in_the_watched_folder,
}
