"""Engine hosts that render in this process, each take when the test lets it: small and real, as a place elsewhere
would be."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

from bridge_server.engines.host import (
    OnOutcome,
    OnPiece,
    RenderCancelledError,
    ignore_outcome,
    ignore_progress,
)
from bridge_server.engines.messages import ChildPiece, ChildReport, RenderCommand
from bridge_server.engines.option_files import OptionFiles
from bridge_server.engines.outcome import Outcome, OutcomeCollector, stem_path
from bridge_server.engines.places import EnginePlaces
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import EngineDescription, OnProgress, Progress, Report
from tests.doubles import TogetherEngine, noise

DIED = ProtocolError(ErrorCode.ENGINE_DIED, "The engine's process ended.", "Try again.")
NOT_STARTED = ProtocolError(ErrorCode.ENGINE_NOT_READY, "The engine is another one.", "Install this one.")
REFUSED = ProtocolError(ErrorCode.CANNOT_RENDER, "The song has no drums.", "Choose another region.")


class HostHere:
    """Renders noise. `began` has every order; it ends once its first take is in `ends`, as that says. A later take that
    is in `ends` waits for that as well."""

    def __init__(self, folder: Path, place: str = "here", takes_at_once: int = 1) -> None:
        self.place = self.home = place
        self.pid = None
        self.rendered_on = ""
        self.ready = True
        self.lacking = False
        self.description: EngineDescription | None = TogetherEngine().describe()
        self.began: list[tuple[int, ...]] = []
        self.orders: list[RenderCommand] = []
        self.ends: dict[int, asyncio.Future[None]] = {}
        self.closed = 0
        self.starts = 0
        self.refuses: ProtocolError | None = None  # to start
        self._folder = folder

    def end(self, take: int) -> asyncio.Future[None]:
        """How the order ends whose first take this is: with a result it succeeds."""
        return self.ends.setdefault(take, asyncio.get_running_loop().create_future())

    async def start(self, on_progress: OnProgress = ignore_progress) -> None:
        self.starts += 1
        if self.refuses is not None:
            raise self.refuses
        on_progress(Progress("loading", 0.0))

    async def render(
        self,
        command: RenderCommand,
        on_progress: OnProgress,
        on_piece: OnPiece,
        stop: asyncio.Event,
        on_outcome: OnOutcome = ignore_outcome,
    ) -> tuple[Outcome, ...]:
        request = command.request
        folder = self._folder / command.results
        folder.mkdir(parents=True, exist_ok=True)
        collector = OutcomeCollector(request.takes, request.channels, folder)
        self.began.append(request.takes)
        self.orders.append(command)
        self.end(request.takes[0])
        for take in request.takes:
            await self._until_it_ends(take, stop)
            on_progress(Progress("rendering", 0.5, take=take))
            samples = noise(type(request)(**{**vars(request), "takes": (take,)}), request.length)
            samples.astype("<f4").tofile(stem_path(folder, take, "mix"))
            grown = collector.accept(ChildPiece(1, take, "mix", request.start, len(samples)))
            assert grown is not None
            on_piece(take, grown)
            collector.accept(ChildReport(1, take, Report("Noise was drawn.")))
            on_outcome(collector.outcome(take))
        return collector.outcomes()

    async def _until_it_ends(self, take: int, stop: asyncio.Event) -> None:
        if take not in self.ends:
            return
        stopping, end = asyncio.create_task(stop.wait()), self.ends[take]
        waited: set[asyncio.Future[object]] = {stopping, end}  # type: ignore[arg-type]
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        del self.ends[take]  # another try waits again
        if stop.is_set():
            raise RenderCancelledError
        end.result()

    def discard(self, command: RenderCommand) -> None:
        shutil.rmtree(self._folder / command.results, ignore_errors=True)

    async def close(self) -> None:
        self.closed += 1


class PoolHere:
    """The places of the one engine there is."""

    def __init__(self, hosts: list[HostHere], takes_at_once: int = 1, fixed: bool = False) -> None:
        self.hosts = hosts
        self.option_files = OptionFiles()
        self._places = EnginePlaces(hosts)
        self._takes_at_once, self._fixed = takes_at_once, fixed

    def places(self, _: str) -> EnginePlaces:
        return self._places

    def takes_at_once(self, _: str) -> int:
        return self._takes_at_once

    def is_described(self, _: str) -> bool:
        return True

    def one_by_one(self, _: str, options: Mapping[str, object]) -> bool:
        return options.get("planner") == "on"

    def fixed_batches(self, _: str) -> bool:
        return self._fixed
