"""What every host has to keep, a process of this machine and a place of a render host alike.

What is particular to one of them: test_process.py, studio/test_engine_link.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from dataclasses import replace

import numpy as np
import pytest

from bridge_server.engines.host import EngineHost, RenderCancelledError, ignore_progress, started
from bridge_server.engines.messages import EngineFolders, RenderCommand
from bridge_server.engines.option_files import OptionFiles
from bridge_server.engines.process import EngineProcess
from clip_store.audio.audio import Audio, Encoding
from clip_store.blobs import BlobStore
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import Task
from tests.bridge_server.engines.test_process import order
from tests.bridge_server.hosts import HostHere
from tests.bridge_server.render_hosts import linked
from tests.doubles import ENGINES, SoundsEngine, noise


def render(host: EngineHost, command: RenderCommand, stop: asyncio.Event | None = None):
    return host.render(command, ignore_progress, lambda *_: None, stop or asyncio.Event())


def of_takes(*takes: int, **changes) -> RenderCommand:
    plain = order()
    return replace(plain, request=replace(plain.request, takes=takes, **changes))


@contextlib.asynccontextmanager
async def process(folder, engine: str):
    folders = EngineFolders(folder / "blobs", folder / "results")
    host = EngineProcess(ENGINES[engine], folders, 0.5, place="the place")
    try:
        yield host
    finally:
        await host.close()


def link(folder, engine: str):
    return linked(folder, engine, places=1, name="the place")


@pytest.fixture(params=[process, link], ids=["process", "link"])
def use(request, tmp_path):
    """Runs work with a host of either kind."""

    def run(work, engine: str = "together") -> None:
        async def with_host() -> None:
            async with request.param(tmp_path, engine) as host:
                await work(host)

        asyncio.run(with_host())

    return run


def test_several_takes_of_one_order_equal_each_by_itself(use):
    async def work(host: EngineHost) -> None:
        assert (host.place, host.ready, host.pid) == ("the place", True, None)
        outcomes = await render(host, of_takes(0, 2))
        assert host.description.name == "together"
        assert [outcome.take for outcome in outcomes] == [0, 2]
        for outcome in outcomes:
            mix = outcome.stem("mix").samples()
            request = replace(order().request, takes=(outcome.take,))
            assert np.array_equal(mix, noise(request, request.length))
            assert outcome.report.take == outcome.take

    use(work)


def test_a_song_is_found_by_its_digest(use, tmp_path):
    samples = np.random.default_rng(3).uniform(-0.3, 0.3, (30_000, 2)).astype(np.float32)
    digest = BlobStore(tmp_path / "blobs").put(Audio(samples, 48000, Encoding.FLOAT))

    async def work(host: EngineHost) -> None:
        command = of_takes(0, task=Task.EXTRACT, handle=0)
        (outcome,) = await render(host, replace(command, song=digest))
        halves = [stem.samples() for stem in outcome.stems]
        assert np.array_equal(sum(halves), samples[:20_000])
        with pytest.raises(ProtocolError) as caught:
            await render(host, replace(command, song="ab" * 32))
        assert caught.value.code is ErrorCode.STORE_FAILED

    use(work, "noise")


def test_a_file_that_an_option_names_is_read_where_the_place_has_it(tmp_path):
    """One place has the file itself; another has the bytes it was sent, under the same name in a folder of its own."""
    companion = SoundsEngine.companion
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for folder in (here, elsewhere):
        (folder / "kits").mkdir(parents=True)
        (folder / "kits" / "brushes").write_text("swish")
        (folder / "kits" / companion).write_text("{}")

    async def read_in(folder, command: RenderCommand | None = None) -> tuple[RenderCommand, dict]:
        table = OptionFiles()
        file = await table.keep("sounds", folder / "kits" / "brushes", "kits/brushes", (companion,))
        folders = EngineFolders(folder / "blobs", folder / "results")
        host = EngineProcess(ENGINES["sounds"], folders, 0.5, option_files=table)
        try:
            order = command or replace(of_takes(0, options={}), files={"sounds": file})
            (outcome,) = await render(host, order)
        finally:
            await host.close()
        return order, dict(outcome.report.figures)

    async def work() -> None:
        order, read = await read_in(here)
        assert read == {"name": "brushes", "sounds": "swish", "companion": "{}"}
        shutil.rmtree(here)
        assert (await read_in(elsewhere, order))[1] == read

    asyncio.run(work())


def test_a_file_that_has_changed_is_not_rendered_with(tmp_path):
    async def work() -> None:
        (tmp_path / "brushes").write_text("swish")
        table = OptionFiles()
        file = await table.keep("sounds", tmp_path / "brushes", "brushes")
        folders = EngineFolders(tmp_path / "blobs", tmp_path / "results")
        host = EngineProcess(ENGINES["sounds"], folders, 0.5, option_files=table)
        try:
            (tmp_path / "brushes").write_text("bang")
            with pytest.raises(ProtocolError, match="brushes was changed"):
                await render(host, replace(of_takes(0, options={}), files={"sounds": file}))
        finally:
            await host.close()

    asyncio.run(work())


def test_after_discard_nothing_is_left_and_after_a_death_it_renders_again(use, tmp_path):
    async def work(host: EngineHost) -> None:
        dying = of_takes(0, options={"fault": "exit"}, handle=0)
        with pytest.raises(ProtocolError) as caught:
            await render(host, dying)
        assert caught.value.code is ErrorCode.ENGINE_DIED
        host.discard(dying)
        await render(host, of_takes(0, options={"fault": "none"}, handle=0))
        host.discard(of_takes(0))
        assert list((tmp_path / "results").iterdir()) == []

    use(work, "faulty")


def test_loading_is_given_up_when_the_job_is_cancelled(tmp_path):
    async def work(host: EngineHost) -> None:
        stop, loading = asyncio.Event(), asyncio.Event()
        starting = asyncio.create_task(started(host, lambda _: loading.set(), stop))
        await loading.wait()
        stop.set()
        with pytest.raises(RenderCancelledError):
            await starting
        assert host.pid is None, "it would have taken a minute"

    async def run() -> None:
        async with process(tmp_path, "sleepy") as host:
            await work(host)

    asyncio.run(run())


def test_a_host_that_is_ready_is_started_without_waiting(tmp_path):
    async def run() -> None:
        host = HostHere(tmp_path)
        await started(host, ignore_progress, asyncio.Event())
        assert host.closed == 0

    asyncio.run(run())
