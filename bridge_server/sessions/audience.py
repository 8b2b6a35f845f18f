"""Which clients are sent which replies: those who asked for a job, and those who watch everything.

Progress is thinned to ten a second for each job.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

from bridge_server.sessions.client import Client
from bridge_server.sessions.events import Events, JobReply, Notice
from daw_protocol.replies import JobProgress, Reply

log = logging.getLogger(__name__)

PROGRESS_INTERVAL = 0.1  # seconds
# A surface that sends `watch` each time it is opened, from another port, must not be served for ever.
MAX_WATCHERS = 64


class Audience:
    """Clients by job, and the watchers in the order they came; past the limit the oldest watcher is dropped.

    A client that asked for a job and also watches gets each reply once. A terminal reply is the last of its job.
    """

    def __init__(
        self,
        events: Events,
        clock: Callable[[], float] = time.monotonic,
        max_watchers: int = MAX_WATCHERS,
    ) -> None:
        self._clock = clock
        self._max_watchers = max_watchers
        self._watchers: list[Client] = []
        self._clients: dict[str, list[Client]] = {}
        self._progress: dict[str, JobProgress] = {}
        self._sent_at: dict[str, float] = {}
        events.subscribe(JobReply, self._job_reply)
        events.subscribe(Notice, self._notice)

    def add(self, job_id: str, client: Client) -> None:
        """The client follows this job."""
        clients = self._clients.setdefault(job_id, [])
        if client not in clients:
            clients.append(client)

    def watch(self, client: Client) -> None:
        """The client follows every job and every change, from now on."""
        self.unwatch(client)
        self._watchers.append(client)
        del self._watchers[: -self._max_watchers]

    def unwatch(self, client: Client) -> None:
        if client in self._watchers:
            self._watchers.remove(client)

    def forget(self, client: Client) -> None:
        """The client has disconnected; its jobs continue."""
        self.unwatch(client)
        for clients in self._clients.values():
            if client in clients:
                clients.remove(client)

    def progress(self, job_id: str) -> JobProgress | None:
        """The latest progress of a running job, for clients that join late."""
        return self._progress.get(job_id)

    def _job_reply(self, event: JobReply) -> None:
        job_id, reply = event.job, event.reply
        if isinstance(reply, JobProgress):
            self._progress[job_id] = reply
            if not self._due(job_id):
                return
        clients = tuple(self._clients.get(job_id, ()))
        if reply.terminal:
            self._clients.pop(job_id, None)
            self._sent_at.pop(job_id, None)
            self._progress.pop(job_id, None)
        self._send(reply, (*clients, *(client for client in self._watchers if client not in clients)))

    def _notice(self, event: Notice) -> None:
        self._send(event.reply, [client for client in self._watchers if client != event.known_to])

    def _send(self, reply: Reply, clients: Iterable[Client]) -> None:
        for client in clients:
            try:
                client.send(reply)
            except Exception:  # one client's broken connection must not silence the others
                log.exception("Client %s could not be sent %s", client.key, reply.name)

    def _due(self, job_id: str) -> bool:
        now = self._clock()
        if now - self._sent_at.get(job_id, -1.0) < PROGRESS_INTERVAL:
            return False
        self._sent_at[job_id] = now
        return True
