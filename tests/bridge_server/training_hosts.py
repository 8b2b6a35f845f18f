"""Render hosts that train, and a laptop's server that has one: trainers without networks unless a test says so."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bridge_server.engines.registry import MODELS_ENGINE, engine_setups, make_engine
from bridge_server.settings import Limits, Settings
from bridge_server.studio import running_host as running_host_module
from bridge_server.studio.join_string import JoinString
from bridge_server.studio.running_host import HostSettings, running_host
from bridge_server.training import training_process
from tests.bridge_server.peers import PATIENCE
from tests.bridge_server.render_hosts import UNHURRIED, host_settings
from tests.bridge_server.training.songs_to_learn import three_songs
from tests.bridge_server.training.training_peer import SMALL_TRAINER, training_settings
from tests.doubles import ENGINES


def training_host(folder: Path, models: Path | None, **changes: Any) -> HostSettings:
    """A host that renders with a double, and trains for the models of that folder."""
    setups = {"slow": ENGINES["slow"]}
    if models is not None:
        setups[MODELS_ENGINE.name] = engine_setups(models=models)[MODELS_ENGINE.name]
    return replace(host_settings(folder, ("slow",), 1, **changes), engines=(setups,))


async def doubles_described(setups: Any, *_: Any) -> Any:
    """What the doubles can do; the engine of the models would load its networks to say so."""
    return {name: make_engine(setup).describe() for name, setup in setups.items() if name in ENGINES}


def laptop_settings(folder: Path, join: JoinString, **changes: Any) -> Settings:
    """A laptop with three songs, a host, and no models of its own."""
    limits = Limits(pulse=UNHURRIED)
    settings = training_settings(folder, render_hosts=(join,), limits=limits, ahead=False, **changes)
    three_songs(settings.roots[0] / "mine")
    return settings


class HostInAProcess:
    """A host that can be killed; started again, it listens at the same port."""

    def __init__(self, settings: HostSettings) -> None:
        self._settings = settings
        self._process: Any = None
        self.join: JoinString

    def start(self) -> None:
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=_serve_host, args=(self._settings, theirs)
        )
        self._process.start()
        theirs.close()
        assert ours.poll(PATIENCE)
        self.join = JoinString.parse(ours.recv())
        self._settings = replace(self._settings, port=self.join.port)

    def kill(self) -> None:
        self._process.kill()
        self._process.join(PATIENCE)


@contextlib.contextmanager
def host_in_a_process(settings: HostSettings) -> Iterator[HostInAProcess]:
    host = HostInAProcess(settings)
    host.start()
    try:
        yield host
    finally:
        host.kill()


def _serve_host(settings: HostSettings, tell: Connection) -> None:
    training_process.TRAINER = SMALL_TRAINER
    running_host_module.offered = doubles_described

    async def serve() -> None:
        async with running_host(settings) as running:
            tell.send(str(running.join))
            await asyncio.Event().wait()

    asyncio.run(serve())
