"""Starts and stops a render host: makes its places, asks what its engines can do, opens the port, closes in order."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import logging
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bridge_server.engines.child_process import StartChild, start_process
from bridge_server.engines.messages import EngineFolders
from bridge_server.engines.pool import EnginePool
from bridge_server.engines.process import EngineProcess
from bridge_server.engines.registry import KERNELS, MODELS_ENGINE, EngineSetup
from bridge_server.loopback import is_loopback
from bridge_server.platforms import make_private_folder
from bridge_server.studio.host_files import LARGEST_FILE, HostFiles, ReceivedFiles
from bridge_server.studio.host_identity import kept_certificate, kept_token
from bridge_server.studio.host_orders import HostPlace
from bridge_server.studio.host_places import Cluster, ClusterSettings, Told, ignore
from bridge_server.studio.host_server import HostPort, listening
from bridge_server.studio.host_trainings import HostTrainings
from bridge_server.studio.join_string import HOST_PORT, JoinString
from bridge_server.studio.pulse import PULSE, Pulse
from bridge_server.studio.render_host import HostOffer, RenderHost
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import EngineDescription

log = logging.getLogger(__name__)

LOCK, TRAININGS = "host.lock", "trainings"


@dataclass(frozen=True)
class HostSettings:
    """What a render host is started with.

    folder:  of this user alone: token, certificate, audio by digest, trainings.
    engines: setups by name, for each place; with a cluster, one for all of its places.
    address: where it listens; `shown`: what bridges call it by.
    """

    folder: Path
    name: str
    device: str
    engines: tuple[Mapping[str, EngineSetup], ...]
    address: str = "127.0.0.1"
    shown: str = "127.0.0.1"
    port: int = HOST_PORT
    cache_bytes: int = 20 * 2**30
    stop_seconds: float = 2.0
    pulse: Pulse = PULSE
    cluster: ClusterSettings | None = None

    @property
    def describe_seconds(self) -> float:
        """An engine's limit to say what it can do: other machines of a cluster have to import all it needs first."""
        return 30.0 if self.cluster is None else 120.0


@dataclass(frozen=True)
class RunningHost:
    """join: for bridges; new: whether it was made just now."""

    host: RenderHost
    join: JoinString
    new: bool


@contextlib.asynccontextmanager
async def running_host(settings: HostSettings, told: Told = ignore) -> AsyncIterator[RunningHost]:
    """A host for as long as the block lasts. told: what its start waits for. Raises ProtocolError."""
    with _locked(settings.folder):
        try:
            token = kept_token(settings.folder)
            secret = is_loopback(settings.address)
            certificate = None if secret else kept_certificate(settings.folder, time.time())
            results = settings.folder / "results"
            shutil.rmtree(results, ignore_errors=True)  # of a host that was killed
            files = HostFiles(settings.folder, settings.cache_bytes, min(LARGEST_FILE, settings.cache_bytes))
        except OSError as error:
            raise _unwritable(settings.folder, error) from error
        async with _cluster(settings, told) as cluster:
            host = await _made(settings, cluster, files, results)
            at = HostPort(settings.address, settings.port, token.text, certificate, settings.pulse)
            working = asyncio.create_task(host.run(), name="render host")
            try:
                async with listening(host, at) as port:
                    fingerprint = certificate.fingerprint if certificate is not None else ""
                    join = JoinString(settings.shown, port, token.text, fingerprint)
                    yield RunningHost(host, join, token.new)
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)


@contextlib.asynccontextmanager
async def _cluster(settings: HostSettings, told: Told) -> AsyncIterator[Cluster]:
    """Where the children of each place are started."""
    if settings.cluster is None:
        yield Cluster(settings.device, (start_process,) * len(settings.engines))
        return
    async with joined(settings.cluster, len(settings.engines[0]), told) as cluster:
        yield replace(cluster, device=settings.device or cluster.device)


@contextlib.asynccontextmanager
async def joined(settings: ClusterSettings, engines: int, told: Told = ignore) -> AsyncIterator[Cluster]:
    """The cluster, for as long as the block lasts. engines: how many share each place. Raises ProtocolError."""
    try:
        ray_cluster = await asyncio.to_thread(_imported)
    except ImportError as missing:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            "Ray, which renders on several machines, is not installed.",
            "pip install 'takebridge[cluster]', or start the host without --ray: the cards of one machine need no "
            "Ray.",
            "ray",
        ) from missing
    async with ray_cluster(settings, engines, told) as cluster:
        yield cluster


def _imported() -> Any:
    """Ray takes a second to be imported. It asks then whether its token counts, which it does not by itself."""
    kept = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    if "RAY_AUTH_TOKEN" in os.environ or kept.is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    from bridge_server.studio.ray_cluster import ray_cluster

    return ray_cluster


async def _made(settings: HostSettings, cluster: Cluster, files: HostFiles, results: Path) -> RenderHost:
    """The host, with its places."""
    folders, received = EngineFolders(files.blobs.root, results), ReceivedFiles(files)
    engines = await offered(settings.engines[0], cluster.places[0], settings.describe_seconds)
    if settings.cluster is not None and not engines:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            "No engine can render in the first place of the Ray cluster.",
            "The lines above say why. `takebridge doctor` on the cluster's machines says what they lack.",
            "ray",
        )
    setups = itertools.cycle(settings.engines)
    places = [
        HostPlace(
            f"place {number}",
            {
                name: EngineProcess(
                    of_place[name], folders, settings.stop_seconds, option_files=received, start_child=start
                )
                for name in engines
            },
            functools.partial(cluster.there, number - 1),
        )
        for number, (start, of_place) in enumerate(zip(cluster.places, setups, strict=False), 1)
    ]
    trainings = _trainings(settings)
    await asyncio.to_thread(trainings.load)
    return RenderHost(HostOffer(settings.name, cluster.device, engines), places, files, results, trainings)


def _trainings(settings: HostSettings) -> HostTrainings:
    """On this machine, on the device of the first place."""
    setup = settings.engines[0].get(MODELS_ENGINE.name)
    return HostTrainings(
        settings.folder / TRAININGS,
        settings.name,
        setup.models if setup else None,
        str(setup.options.get("device") or "") if setup else "",
        str(setup.options.get(KERNELS) or "") if setup else "",
    )


async def offered(
    setups: Mapping[str, EngineSetup], start: StartChild, describe_seconds: float
) -> dict[str, EngineDescription]:
    """The engines that can render anything in a place, with what they can do."""
    pool = EnginePool(setups, start_child=start, describe_seconds=describe_seconds)

    async def described(name: str) -> EngineDescription | None:
        try:
            await pool.refuse_unusable(name)
            return await pool.describe(name)
        except ProtocolError as unusable:
            log.warning("the engine %s is not offered: %s", name, unusable)
            return None

    found = await asyncio.gather(*map(described, setups))
    return {name: about for name, about in zip(setups, found, strict=True) if about is not None}


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        make_private_folder(folder)
        lock.acquire()
    except Timeout as taken:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"Another render host works in {folder}.",
            "Stop it, or choose another folder with --store.",
        ) from taken
    except OSError as error:
        raise _unwritable(folder, error) from error
    with lock:
        yield


def _unwritable(folder: Path, error: OSError) -> ProtocolError:
    return ProtocolError(
        ErrorCode.STORE_FAILED,
        f"The render host cannot write to {folder}: {error.strerror}.",
        "Free some disk space, check the folder's permissions, or choose another one with --store.",
    )
