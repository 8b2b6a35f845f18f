"""A disk that is full at one moment of a job, at every one of them in turn: one end for each job, and nothing half."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bridge_server.handlers.status import problems_in
from bridge_server.jobs.database import DATABASE, open_database
from clip_store.atomic_file import PART_SUFFIX
from clip_store.store import ClipStore
from tests.bridge_server.mailbox_peer import MailboxPeer, a_call, is_end
from tests.bridge_server.peers import PATIENCE, TERMINAL, ServerThread, WebSocketPeer, noise_song
from tests.bridge_server.servers import settings_in
from tests.faults.fault_points import FaultPoints

FRAMES = 24_000
REGION = {"start": 2400, "end": 7200, "handles": 0.01}
DOORS = ("websocket", "mailbox")


class FullDisk:
    """A server whose disk can be filled at any point. problems: every promise it broke."""

    def __init__(self, folder: Path, server: ServerThread, points: FaultPoints) -> None:
        self._folder = folder
        self._server = server
        self._points = points
        self._number = 0
        self.heard: dict[str, str] = {}  # job -> the end its client was told
        self.problems: list[str] = []
        self.hits: set[str] = set()
        self.ends: dict[str, int] = {}

    def attempt(self, point: int, lasting: bool, door: str) -> bool:
        """An upload and a request while the disk is full from this point on; False when nothing got that far."""
        self._number += 1
        song = noise_song(self._folder / "songs" / f"{self._number}.wav", FRAMES, seed=self._number)
        try:
            if door == "websocket":
                self._points.fill(point, lasting)
                end = self._over_websocket(song)
            else:
                end = self._by_letter(song, point, lasting)
        finally:
            hit = self._points.hit
            self._points.make_room()
        self.ends[end] = self.ends.get(end, 0) + 1
        if hit:
            self.hits.add(hit.split(" ", 1)[0])
        self._check(f"{door}, point {point} ({hit})")
        return bool(hit)

    def _over_websocket(self, song: Path) -> str:
        try:
            source = self._uploaded(song)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode()
            if error.code == 500 or "disk" not in text.lower():
                self.problems.append(f"an upload was refused with {error.code} {text!r}")
            return "upload refused"
        with self._server.websocket() as peer:
            answer = _answer(peer, {"source": source, "source_position": "0s", **REGION})
            if "error" in answer:
                return f"refused: {answer['error']['data']['code']}"
            job = answer["result"]["job"]
            while (reply := peer.next_received()).name not in TERMINAL:
                if str(reply.values.get("stage", "")).startswith("waiting: "):
                    self._points.make_room()  # a job that cannot even begin waits for ever
            end = reply.name
        self.heard[job] = end
        return end

    def _by_letter(self, song: Path, point: int, lasting: bool) -> str:
        box = MailboxPeer(self._server.settings.store / "mailbox")
        name = f"letter-{self._number}"
        part = box.root / "in" / f"{name}.tmp"
        part.write_text(json.dumps(a_call("repaint", source=song.name, **REGION)))
        self._points.fill(point, lasting)
        part.rename(part.with_suffix(".json"))
        deadline = time.monotonic() + PATIENCE
        while not any(map(is_end, lines := box.lines(name))):
            assert time.monotonic() < deadline, lines
            if self._points.hit:  # an answer has to be written somewhere
                time.sleep(0.2)
                self._points.make_room()
            time.sleep(0.01)
        box.gone(name)
        lines = box.lines(name)
        if [is_end(line) for line in lines].count(True) != 1 or not is_end(lines[-1]):
            self.problems.append(f"the answer {name} has several ends or none: {lines}")
        if "error" in lines[0]:
            return "refused: {}".format(lines[0]["error"]["data"]["code"])
        self.heard[lines[0]["result"]["job"]] = lines[-1]["method"]
        return str(lines[-1]["method"])

    def _uploaded(self, song: Path) -> str:
        url = f"http://127.0.0.1:{self._server.settings.websocket_port}/uploads/{song.name}"
        request = urllib.request.Request(url, song.read_bytes(), method="PUT")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=PATIENCE) as answer:
            return str(json.loads(answer.read())["source"])

    def _check(self, where: str) -> None:
        """With room again: what the database says is what the clients were told, and nothing half lies about."""
        deadline = time.monotonic() + PATIENCE
        while unwritten := self._unwritten():
            if time.monotonic() > deadline:
                self.problems.append(f"{where}: {unwritten}")
                return
            time.sleep(0.05)
        store = self._server.settings.store
        left = [str(path) for path in store.rglob(f".*{PART_SUFFIX}")]
        left += [str(path) for path in (store / "scratch").rglob("*") if path.is_file()]
        self.problems += [f"{where}: {path} is left over" for path in left]

    def _unwritten(self) -> dict[str, str]:
        """Jobs that ended for their clients and not, or otherwise, in the database."""
        with closing(open_database(self._server.settings.store / DATABASE)) as connection:
            states = dict(connection.execute("SELECT id, state FROM jobs").fetchall())
        told = {job: f"told {end}, kept {states.get(job)}" for job, end in self.heard.items()}
        wrong = {job: text for job, text in told.items() if states.get(job) != self.heard[job]}
        return wrong | {job: state for job, state in states.items() if state not in TERMINAL}

    def verify(self) -> None:
        """Everything that was kept is whole, and belongs to a job that was done."""
        store = self._server.settings.store
        with closing(open_database(store / DATABASE)) as connection:
            kept = ClipStore(store, connection)
            self.problems += problems_in(kept.blobs, kept.index.referenced_digests())
            jobs = dict(connection.execute("SELECT id, state FROM jobs").fetchall())
            takes = [take.job for take in kept.index.list(limit=100_000)]
        done = sorted(job for job, state in jobs.items() if state == "done")
        if sorted(takes) != done:
            self.problems.append(f"takes of {len(takes)} jobs, {len(done)} of them done")


def _answer(peer: WebSocketPeer, params: dict[str, Any]) -> dict[str, Any]:
    call = {"jsonrpc": "2.0", "id": "ask", "method": "repaint", "params": params}
    peer.connection.send(json.dumps(call))
    return peer.frame_where(lambda frame: frame.get("id") == "ask")


@contextmanager
def full_disk(folder: Path) -> Iterator[FullDisk]:
    """A server with an engine that renders noise, on a disk that has room as yet."""
    settings = settings_in(folder)
    points = FaultPoints(settings.store)
    with points.installed(), ServerThread(settings) as server:
        yield FullDisk(folder, server, points)
