"""A Ray cluster, joined or started on this machine for as long as a render host runs, and the places it has.

A place is a part of one machine that Ray keeps for it: a graphics card, or a processor where there is none. Its engines
are actors in that part (`actor_child.py`), so that those of one place share a card and no two places do. Ray knows the
machines and what is free on them; nothing here does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.placement_group import PlacementGroup, placement_group, placement_group_table
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from bridge_server.studio.actor_child import ActorPlace, SharedObjects
from bridge_server.studio.host_places import Cluster, ClusterSettings, Told, ignore
from bridge_server.studio.scratch_folder import ScratchFolder
from daw_protocol.errors import ErrorCode, ProtocolError
from model.errors import first_line

log = logging.getLogger(__name__)

CARD = "accelerator_type:"  # Ray's name for a model of graphics card begins with it
PARTS = 10_000  # Ray divides a card or a processor into so many parts
LONGEST_FOLDER = 40  # letters, so that the names of Ray's sockets below it have room
LAST_PORT = 65_535
ROOM_SECONDS = 60.0  # until other work in the cluster has left room for a place
WAITING = (
    f"Other work in the Ray cluster leaves no room for a place yet; this waits for up to {ROOM_SECONDS:.0f} s. "
    "`ray status` lists what runs there."
)
OPEN_SECONDS = 5.0  # until a machine has answered; Ray itself would try for minutes
TOKEN = secrets.token_hex(32)  # of the cluster that is started here
QUIET: dict[str, Any] = {
    "include_dashboard": False,
    "log_to_driver": False,
    "configure_logging": False,
    "logging_level": logging.ERROR,
}


@dataclass(frozen=True)
class Shares:
    """How a cluster is divided. of: "GPU", or "CPU" where there is none. place, engine: what each gets of one."""

    places: int
    of: str
    place: float
    engine: float


def shares_of(cards: int, places: int, engines: int) -> Shares:
    """So many places, or one on each card; with more than there are cards, several share one. engines: of a place."""
    places = places or max(cards, 1)
    place = 1.0 / math.ceil(places / cards) if cards else 1.0
    engine = place / max(engines, 1)
    return Shares(
        places, "GPU" if cards else "CPU", *(math.floor(each * PARTS) / PARTS for each in (place, engine))
    )


@contextlib.asynccontextmanager
async def ray_cluster(settings: ClusterSettings, engines: int, told: Told = ignore) -> AsyncIterator[Cluster]:
    """The cluster, for as long as the block lasts. engines: how many share each place. Raises ProtocolError."""
    loop = asyncio.get_running_loop()

    def tell(sentence: str) -> None:
        loop.call_soon_threadsafe(told, sentence)

    session = _Session(settings, engines, tell)
    # Ray's processes end with the thread that started them: a thread of the loop's own pool, which lasts as long as it.
    joining = asyncio.create_task(asyncio.to_thread(session.join))
    try:
        yield await asyncio.shield(joining)
    finally:
        session.left.set()
        await asyncio.wait({joining})
        await asyncio.to_thread(session.leave)


@dataclass
class _Session:
    """Ray in this process, of which there is one. Blocks: for threads."""

    settings: ClusterSettings
    engines: int
    told: Told = ignore
    groups: list[PlacementGroup] = field(default_factory=list)
    scratch: ScratchFolder | None = None
    begun: bool = False
    left: threading.Event = field(default_factory=threading.Event)
    asker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))  # which Ray may let wait

    def join(self) -> Cluster:
        """Raises ProtocolError."""
        logging.getLogger("ray").setLevel(logging.ERROR)
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is sent to Ray's makers
        try:
            if self.settings.address:
                _refuse_silent(self.settings.address)
                self.begun = True
                ray.init(address=self.settings.address, **QUIET)
            else:
                self.begun = True
                self._begin()
            return self._reserved()
        except (RayError, OSError, ValueError, RuntimeError) as error:
            raise _cannot(error, self.settings.address) from error

    def _begin(self) -> None:
        """Starts Ray on this machine, for whoever has the token, which is nobody else, whatever was in the shell."""
        os.environ["RAY_AUTH_TOKEN"] = TOKEN
        os.environ.pop("RAY_AUTH_MODE", None)  # without one Ray asks a cluster of its own for the token
        self.scratch = ScratchFolder("ray")
        fits = len(str(self.scratch.path)) <= LONGEST_FOLDER
        ray.init(
            address="local",
            num_cpus=max(self.settings.places, os.cpu_count() or 1),
            _temp_dir=str(self.scratch.path) if fits else None,
            **QUIET,
        )

    def _reserved(self) -> Cluster:
        """Keeps a part of the cluster for each place."""
        there: dict[str, float] = ray.cluster_resources()
        cards, processors = int(there.get("GPU", 0)), int(there.get("CPU", 0))
        shares = shares_of(cards, self.settings.places, self.engines)
        if shares.of == "CPU" and shares.places > processors:  # some would wait for ever
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"The Ray cluster has {processors} processors and no graphics card; each of {shares.places} places "
                "needs a processor.",
                "Ask for fewer places with --places, or add machines to the cluster.",
                "ray",
            )
        objects, node = SharedObjects(), ray.get_runtime_context().get_node_id()
        for _ in range(shares.places):
            self.groups.append(placement_group([{shares.of: shares.place}]))
        self._wait_for_room()
        places = [
            ActorPlace(
                {
                    "num_cpus": shares.engine if shares.of == "CPU" else 0,
                    "num_gpus": shares.engine if shares.of == "GPU" else 0,
                    "scheduling_strategy": PlacementGroupSchedulingStrategy(group, 0),
                },
                objects,
                node,
            )
            for group in self.groups
        ]
        kinds = sorted(name.removeprefix(CARD) for name in there if name.startswith(CARD)) if cards else []
        return Cluster(" + ".join(kinds), tuple(place.start for place in places), self._there)

    def _wait_for_room(self) -> None:
        """Until the first place is there, whose engines are asked next what they can do. Raises ProtocolError."""
        began, told = time.monotonic(), False
        while not self.groups[0].wait(1) and not self.left.is_set():
            if time.monotonic() - began > ROOM_SECONDS:
                raise ProtocolError(
                    ErrorCode.NOT_ALLOWED,
                    f"The Ray cluster had no room for a place within {ROOM_SECONDS:.0f} s.",
                    "End other work in the cluster (ray status lists it), or add machines.",
                    "ray",
                )
            if not told:
                self.told(WAITING)
                told = True

    async def _there(self, place: int) -> bool:
        """Whether a place's part of the cluster is there: Ray looks for another while its machine is lost."""
        asking = asyncio.get_running_loop().run_in_executor(self.asker, self._kept, self.groups[place])
        try:
            return await asking
        except RayError as error:
            log.warning("Ray does not say what has become of a place: %s", first_line(error))
            return False

    def _kept(self, group: PlacementGroup) -> bool:
        found: dict[str, Any] = placement_group_table(group)
        return found.get("state") == "CREATED"

    def leave(self) -> None:
        """Ends Ray on this machine where it was started here; a cluster that was joined goes on."""
        if self.begun:
            ray.shutdown()
        self.asker.shutdown(wait=False)
        if self.scratch is not None:
            self.scratch.remove()


def _refuse_silent(address: str) -> None:
    """Raises OSError where nothing answers, ValueError for what is no address."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > LAST_PORT:
        raise ValueError("the address needs a port, such as 192.168.1.20:6379")
    socket.create_connection((host.strip("[]"), int(port)), OPEN_SECONDS).close()


def _cannot(error: Exception, address: str) -> ProtocolError:
    reason = getattr(error, "strerror", None) or first_line(error)
    if address:
        return ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"The Ray cluster at {address} cannot be joined: {reason}.",
            "Start Ray on this machine first, with the token of the cluster's first machine, and give that one's "
            "address, such as 192.168.1.20:6379 (docs/studio.md).",
            "ray",
        )
    return ProtocolError(
        ErrorCode.NOT_ALLOWED,
        f"Ray cannot be started: {reason}.",
        "Start the host without --ray: the cards of one machine need no Ray.",
        "ray",
    )
