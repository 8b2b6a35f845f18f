"""One accepted request on its way to takes: a frozen record and the table of states it may move through."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daw_protocol.addresses import BY_NAME
from daw_protocol.requests import Render


class JobState(enum.Enum):
    """Where a job is; the value is the value in the database and in replies."""

    QUEUED = "queued"  # accepted, waiting for the engine
    RUNNING = "running"  # being rendered, or was when the server died
    DONE = "done"  # every take is in the store
    FAILED = "failed"  # it failed; `failure` has the reason
    CANCELLED = "cancelled"  # stopped on request, or replaced by a newer one

    @property
    def terminal(self) -> bool:
        return not NEXT_STATES[self]


NEXT_STATES: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.FAILED, JobState.CANCELLED}),
    # Back to the queue only when a server finds a running job that no process works on any more.
    JobState.RUNNING: frozenset({JobState.QUEUED, JobState.DONE, JobState.FAILED, JobState.CANCELLED}),
    JobState.DONE: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


@dataclass(frozen=True)
class Job:
    """What the queue keeps of a request.

    client:    who asked (Client.sender), request_id: under which name; together they are unique.
    fingerprint: of the request, as text; "" in a job of an older version.
    reply_to:  where replies go, so that they still arrive after a restart: "host:port" for OSC, "mailbox:NAME" for
               an answer file, "" for WebSocket.
    request:   the request's JSON form, with everything the context added and the seed that was drawn.
    region_key: equal for requests about the same task, track, source and region; used by `replace`.
    songs:     what was known of its files, by the names in the request (AskedSong.to_json); of none in a job of an
               older version.
    failure:   code, sentence, remedy and field of a failed job.
    created, started, ended: seconds since 1970.
    """

    id: str
    client: str
    request_id: str
    command: str
    request: Mapping[str, object]
    state: JobState = JobState.QUEUED
    priority: int = 1
    region_key: str = ""
    fingerprint: str = ""
    reply_to: str = ""
    attempts: int = 0
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    failure: Mapping[str, str] = field(default_factory=dict)
    songs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def render(self) -> Render:
        """The request itself."""
        request = BY_NAME[self.command].request.from_fields(self.request)
        assert isinstance(request, Render), self.command
        return request


def named_songs(request: Mapping[str, Any]) -> dict[str, str]:
    """The sources and the reference of a request's JSON form, as it names them, each with the field it stands in."""
    tracks = [(track.get("source"), "tracks") for track in request.get("tracks") or ()]
    named = [(request.get("source"), "source"), *tracks, (request.get("reference"), "reference")]
    found: dict[str, str] = {}
    for name, place in named:
        if isinstance(name, str):
            found.setdefault(name, place)
    return found
