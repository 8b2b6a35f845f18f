"""Who hears about which job: those who asked for it, and those who watch. Progress is thinned to ten a second each."""

from __future__ import annotations

import time
from collections.abc import Callable

from bridge_server.sessions.client import Client
from bridge_server.sessions.watchers import Watchers
from daw_protocol.replies import JobProgress, Reply

PROGRESS_INTERVAL = 0.1  # seconds


class Listeners:
    """Clients by job. A terminal reply is the last one a job's clients hear."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, watchers: Watchers | None = None) -> None:
        self.watchers = watchers or Watchers()
        self._clients: dict[str, list[Client]] = {}
        self._progress: dict[str, JobProgress] = {}
        self._told: dict[str, float] = {}
        self._clock = clock

    def add(self, job_id: str, client: Client) -> None:
        clients = self._clients.setdefault(job_id, [])
        if client not in clients:
            clients.append(client)

    def tell(self, job_id: str, reply: Reply) -> None:
        """Sends a reply to everybody who asked for the job, and to everybody who watches."""
        if isinstance(reply, JobProgress):
            self._progress[job_id] = reply
            if not self._due(job_id):
                return
        clients = self._clients.get(job_id, ())
        for client in clients:
            client.send(reply)
        self.watchers.tell(reply, besides=clients)
        if reply.terminal:
            self._clients.pop(job_id, None)
            self._told.pop(job_id, None)
            self._progress.pop(job_id, None)

    def progress(self, job_id: str) -> JobProgress | None:
        """What was last said of a job that runs: for who looks in later."""
        return self._progress.get(job_id)

    def forget(self, client: Client) -> None:
        """The client has gone; its jobs go on."""
        self.watchers.forget(client)
        for clients in self._clients.values():
            if client in clients:
                clients.remove(client)

    def _due(self, job_id: str) -> bool:
        now = self._clock()
        if now - self._told.get(job_id, -1.0) < PROGRESS_INTERVAL:
            return False
        self._told[job_id] = now
        return True
