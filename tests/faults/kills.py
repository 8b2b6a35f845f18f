"""kill -9 at random moments: of the server, of an engine's place, of the host that asks, of server and host at once.

Songs are really rendered by the sketch engine, in two places. Nothing is waited for before a kill: it comes while the
server starts, while requests are accepted, rendered, finished, recorded and answered.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bridge_server.peers import PATIENCE, TERMINAL, ServerProcess, band_song, environment
from tests.faults.asks import BARS, BPM, SONG, make_asks, to_json
from tests.faults.ledger import Audit, Ledger
from tests.places import PROJECT

VICTIMS = ("server", "engine", "host", "server and host")
PACE = 1.5  # a kill comes within so many times what the last start took: on a busy machine all takes longer
AT_ONCE = (1, 3)  # requests in a round
BACKLOG = 6  # waiting jobs: nothing new is asked for while there are more
AUDIT_EVERY = 50  # kills
BUSY = 900.0  # seconds: renders yield to everything else on the machine, and it may have much to do


class HostProcess:
    """tests/faults/host.py, at work on some requests."""

    def __init__(self, plan: Path, journal: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.host", str(plan), str(journal)],
            cwd=PROJECT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self) -> None:
        self._process.kill()
        self._ended()

    def finish(self) -> None:
        """Lets it ask all it has to ask, and quit."""
        if self._process.poll() is None:
            self._process.communicate(timeout=PATIENCE)

    def _ended(self) -> None:
        self._process.wait(PATIENCE)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class KillStorm:
    """One server and its store, through many kills. problems: every promise that was broken."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._chance = random.Random(seed)
        self.ledger = Ledger()
        self.problems: list[str] = []
        self.kills: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.takes = self.begun_again = self.compared = 0
        self._start_seconds = 1.0
        for name in ("songs", "watched"):
            (folder / name).mkdir()
        band_song(folder / "songs" / SONG, bars=BARS * 120 // round(BPM))
        words = ("--places", "2", "--watch", str(folder / "watched"))
        self.server = ServerProcess(folder / "store", folder / "songs", words=words)

    def run(self, count: int, seconds: float = float("inf"), tell: Callable[[str], None] = print) -> None:
        """So many kills, or as many as there is time for; every AUDIT_EVERY of them the store is looked through."""
        began = time.monotonic()
        self._start()
        try:
            while self._killed < count and time.monotonic() - began < seconds:
                self._round()
                if self._killed % AUDIT_EVERY == 0 and self._killed < count:
                    self._audit(tell)
                    self._start()
            self._audit(tell)
        finally:
            self.server.kill()

    def _start(self) -> None:
        began = time.monotonic()
        self.server.start()
        self._start_seconds = time.monotonic() - began

    @property
    def _killed(self) -> int:
        return sum(self.kills.values())

    def _round(self) -> None:
        if self._status()["queued"] < BACKLOG:
            count = self._chance.randint(*AT_ONCE)
            self.ledger.add(make_asks(self._chance, len(self.ledger.asks), count))
        victim = self._chance.choice(VICTIMS)
        with self._asking() as host:
            time.sleep(self._chance.uniform(0.0, PACE * self._start_seconds))
            if "server" in victim:
                self.server.kill()
            if victim == "engine":
                self._kill_an_engine()
            if "host" in victim or "server" in victim:  # a host without a server has nothing to do
                host.kill()
        self.kills[victim] += 1
        if "server" in victim:
            if self._chance.random() < 0.2:  # and again, before it is ready
                self._kill_while_it_starts()
            self._start()

    def _kill_while_it_starts(self) -> None:
        starting = subprocess.Popen(
            self.server.command, stdout=subprocess.DEVNULL, cwd=PROJECT, env=environment()
        )
        time.sleep(self._chance.uniform(0.2, self._start_seconds))
        starting.kill()
        starting.wait(PATIENCE)
        self.kills["starting server"] += 1

    def _kill_an_engine(self) -> None:
        running = list(self._status()["engine_processes"].values())
        if running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._chance.choice(running), signal.SIGKILL)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[HostProcess]:
        """A host that asks for everything that has not been acknowledged yet."""
        plan, journal = self._folder / "plan.json", self._folder / "journal.jsonl"
        address = self.server.address
        entries = {name: address[name] for name in ("websocket_port", "osc_port", "mailbox")}
        folders = {name: str(self._folder / name) for name in ("songs", "watched")}
        plan.write_text(json.dumps({**entries, **folders, "asks": to_json(self.ledger.open)}))
        host = HostProcess(plan, journal)
        try:
            yield host
            host.finish()
        finally:
            host.kill()
            self.ledger.read(journal)

    def _audit(self, tell: Callable[[str], None]) -> None:
        """Asks until everything is acknowledged, waits for all ends, stops the server and looks through the store."""
        deadline = time.monotonic() + PATIENCE
        while self.ledger.open and time.monotonic() < deadline:
            with self._asking():
                pass
        self.problems += [f"{ask.id} by {ask.door} is never acknowledged" for ask in self.ledger.open]
        self._wait_until(self._all_ended)
        self._wait_until(lambda: not self._status()["watching"]["busy"])
        time.sleep(0.2)  # the mailbox's last lines
        self.server.stop()
        audit = Audit(self._folder / "store", self._folder / "watched", self.ledger)
        self.problems += [problem for problem in audit.problems if problem not in self.problems]
        self.states, self.takes, self.begun_again = audit.states, audit.takes, audit.begun_again
        self.compared = audit.compared
        tell(f"{self.figures()}")

    def figures(self) -> dict[str, Any]:
        return {
            "kills": self._killed, **dict(self.kills), "acknowledged": len(self.ledger.acknowledged),
            **dict(self.states), "takes": self.takes, "compared": self.compared, "begun again": self.begun_again,
            "problems": len(self.problems),
        }  # fmt: skip

    def _all_ended(self) -> bool:
        jobs = self._call("jobs.list", limit=1000)["jobs"]
        return all(job["state"] in TERMINAL for job in jobs)

    def _wait_until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + BUSY
        while not true():
            assert time.monotonic() < deadline, self._status()
            time.sleep(0.1)

    def _status(self) -> Any:
        return self._call("status")

    def _call(self, method: str, **params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        url = f"http://127.0.0.1:{self.server.address['websocket_port']}/rpc"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read())["result"]
