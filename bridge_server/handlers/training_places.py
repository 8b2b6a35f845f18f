"""Where a server's trainings can be: this machine, and its render hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bridge_server.studio.at_host import NOT_SENT, AtHost, forgotten, kept_at_host, unreachable
from bridge_server.studio.host_connection import HostConnection
from bridge_server.studio.hosted_process import at_host, elsewhere
from bridge_server.studio.pulse import Pulse
from bridge_server.training.kept_trainings import AT_HOST, KeptTraining
from bridge_server.training.trainable import Trainable, refuse_checkpoint
from bridge_server.training.training_process import Start
from bridge_server.training.training_wish import trained_already
from daw_protocol.errors import ErrorCode, ProtocolError, sendable
from daw_protocol.training_results import TrainingHost

UNASKED = "Its copies of the songs are removed there thirty days after this machine last asked for them."
DAMAGED = f"The file that says where it is at its render host is damaged. {UNASKED}"
MAX_WORDS, MAX_MODELS = 300, 100  # believed of a host


class TrainingPlaces:
    """hosts: the connections that renders go over; a training has one of its own, with the same `pulse`."""

    def __init__(self, hosts: Sequence[HostConnection], pulse: Pulse) -> None:
        self._hosts = hosts
        self._pulse = pulse

    def records(self) -> tuple[TrainingHost, ...]:
        """As clients see them."""
        return tuple(map(_record, self._hosts))

    def named(self, on: str) -> HostConnection:
        """The host of that address, or the only one of that name. Raises ProtocolError."""
        for host in self._hosts:
            if on == host.join.address:
                return host
        found = [host for host in self._hosts if on == host.name]
        if len(found) == 1:
            return found[0]
        if found:
            addresses = ", ".join(host.join.address for host in found)
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                f"{len(found)} render hosts are called {on!r}.",
                f"Name one by its address: {addresses}.",
                "on",
            )
        names = ", ".join(host.name for host in self._hosts)
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"There is no render host called {on!r}.",
            f"There are: {names}." if names else "Start the server with --render-host (docs/studio.md).",
            "on",
        )

    def refuse(self, host: HostConnection, checkpoint: str) -> None:
        """Raises ProtocolError where nothing, or not this, can be trained there; before the songs are read."""
        if host.session is None or host.welcome is None:
            raise unreachable(host, NOT_SENT)
        able = _able(host)
        refuse_checkpoint(able, host.name, checkpoint)

    def start(self, host: HostConnection) -> Start:
        """Begins or resumes a training there."""
        return at_host(host.join, True, self._pulse)

    def go_on(self, kept: AtHost, resume: bool) -> Start:
        """Follows one that was begun; resume: goes on with it if it was stopped. Raises ProtocolError where no host is
        the one that has it."""
        host = self._host_of(kept)
        if host is None:
            raise elsewhere(kept)
        return at_host(host.join, resume, self._pulse)

    async def forget(self, training: KeptTraining) -> str:
        """Removes it at its host, if it has one; returns what is worth knowing, "" where nothing is left there.

        Raises ProtocolError where the host does not answer.
        """
        kept = await asyncio.to_thread(kept_at_host, training.folder)
        if kept is None:
            damaged = await asyncio.to_thread((training.folder / AT_HOST).exists)
            return DAMAGED if damaged else ""
        if training.elsewhere:
            raise trained_already(training.name)
        host = self._host_of(kept)
        if host is None:
            return f"The render host at {kept.address} is none of this server's any more. {UNASKED}"
        await forgotten(host, kept.training.id)
        return ""

    def _host_of(self, kept: AtHost) -> HostConnection | None:
        return next((host for host in self._hosts if kept.is_at(host.join)), None)


def _able(host: HostConnection) -> Trainable:
    assert host.welcome is not None, "it has been asked for"
    offer = host.welcome.training
    models = tuple(sendable(name, MAX_WORDS) for name in offer.models[:MAX_MODELS])
    return Trainable(
        models, offer.planner, sendable(offer.reason, MAX_WORDS), sendable(offer.remedy, MAX_WORDS)
    )


def _record(host: HostConnection) -> TrainingHost:
    if host.session is None or host.welcome is None:
        error = unreachable(host, NOT_SENT)
        return TrainingHost(
            name=host.name, address=host.join.address, ready=False, reason=error.sentence,
            remedy="When that is mended, the server connects by itself."
            if host.answered
            else "Check that it runs and that both machines are in one network.",
        )  # fmt: skip
    able = _able(host)
    return TrainingHost(
        name=host.name,
        address=host.join.address,
        ready=not able.reason,
        reason=able.reason,
        remedy=able.remedy,
        models=able.models,
        planner=able.planner,
    )
