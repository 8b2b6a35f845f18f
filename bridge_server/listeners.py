"""Who hears about which job. Progress is thinned out here, to ten a second for each job."""

from __future__ import annotations

import time
from collections.abc import Callable

from bridge_server.client import Client
from daw_protocol.replies import JobProgress, Reply

PROGRESS_INTERVAL = 0.1  # seconds


class Listeners:
    """Clients by job. A terminal reply is the last one a job's clients hear."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clients: dict[str, list[Client]] = {}
        self._told: dict[str, float] = {}
        self._clock = clock

    def add(self, job_id: str, client: Client) -> None:
        clients = self._clients.setdefault(job_id, [])
        if client not in clients:
            clients.append(client)

    def tell(self, job_id: str, reply: Reply) -> None:
        """Sends a reply to everybody who asked for the job."""
        if isinstance(reply, JobProgress) and not self._due(job_id):
            return
        for client in self._clients.get(job_id, ()):
            client.send(reply)
        if reply.terminal:
            self._clients.pop(job_id, None)
            self._told.pop(job_id, None)

    def forget(self, client: Client) -> None:
        """The client has gone; its jobs go on."""
        for clients in self._clients.values():
            if client in clients:
                clients.remove(client)

    def _due(self, job_id: str) -> bool:
        now = self._clock()
        if now - self._told.get(job_id, -1.0) < PROGRESS_INTERVAL:
            return False
        self._told[job_id] = now
        return True
