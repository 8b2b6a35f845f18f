"""A render host whose places are actors of a Ray cluster: what holds for a process of this machine holds there.

One cluster for the whole file; its actors run on this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import uuid
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip(
    "ray", reason="the extra cluster is not installed, or Ray has no wheel for this Python and system"
)

from bridge_server.engines.host import RenderCancelledError
from bridge_server.engines.messages import EngineFolders
from bridge_server.engines.option_files import OptionFiles
from bridge_server.engines.process import EngineProcess
from bridge_server.engines.registry import EngineSetup
from bridge_server.studio import ray_cluster, running_host
from bridge_server.studio.host_places import Cluster, ClusterSettings
from bridge_server.studio.ray_cluster import TOKEN, WAITING, Shares, _Session, shares_of
from bridge_server.studio.running_host import joined
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.engines import test_host as every_host
from tests.bridge_server.engines.test_process import order
from tests.bridge_server.render_hosts import LoopThread
from tests.bridge_server.studios import (
    ENGINES_THERE,
    FAULTS,
    REGION,
    SLOW,
    Studio,
    fails_as_alone,
    kill,
    rendered,
    sounds,
    wait_until,
)
from tests.doubles import ENGINES, SoundsEngine

SETTINGS = ClusterSettings("", 3)
"""Two places for the host, and one for tests of a single actor."""


class ClusterThread(LoopThread):
    """Ray on this machine."""

    cluster: Cluster

    @contextlib.asynccontextmanager
    async def _opened(self):
        async with joined(SETTINGS, len(ENGINES_THERE)) as self.cluster:
            yield


@pytest.fixture(scope="module")
def cluster():
    with pytest.MonkeyPatch.context() as shell:
        shell.setenv("RAY_AUTH_MODE", "disabled")
        shell.setenv("RAY_AUTH_TOKEN", "known to others")
        with ClusterThread() as thread:
            assert os.environ["RAY_AUTH_MODE"] == "token"
            assert os.environ["RAY_AUTH_TOKEN"] == TOKEN
            assert sys.platform != "linux" or own_processes_of_ray()
            yield thread.cluster
    assert own_processes_of_ray() == [], "nothing of it is left"


def own_processes_of_ray() -> list[str]:
    """The commands of Ray's processes that this one started; where the system does not list them, none."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):  # it ends meanwhile
            state = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
            if int(state[1]) == os.getpid() and state[0] != "Z" and "/ray/" in command:
                found.append(command[:200])
    return found


@pytest.fixture(scope="module")
def studio(cluster, tmp_path_factory):
    @contextlib.asynccontextmanager
    async def there_already(*_):
        yield Cluster("two actors", cluster.places[:2])

    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(running_host, "joined", there_already)
        yield Studio(tmp_path_factory.mktemp("studio"), stack, cluster=SETTINGS)


@pytest.fixture
def actor_of(cluster, tmp_path):
    """Makes a host of one actor."""

    def make(engine: EngineSetup, **changes) -> EngineProcess:
        folders = EngineFolders(tmp_path / "blobs", tmp_path / "results")
        return EngineProcess(
            engine, folders, 0.5, place="the place", start_child=cluster.places[2], **changes
        )

    return make


@pytest.fixture
def use(actor_of):
    """Runs work with an actor."""

    def run(work, engine: str = "together", **changes) -> None:
        async def with_host() -> None:
            host = actor_of(ENGINES[engine], **changes)
            try:
                await work(host)
            finally:
                await host.close()

        asyncio.run(with_host())

    return run


test_several_takes_equal_each_by_itself = every_host.test_several_takes_of_one_order_equal_each_by_itself
test_a_song_is_found_by_its_digest = every_host.test_a_song_is_found_by_its_digest
test_after_a_death_it_renders_again = (
    every_host.test_after_discard_nothing_is_left_and_after_a_death_it_renders_again
)


def test_four_takes_with_an_actor_killed_are_those_of_a_bridge_alone(studio):
    request = {"source": "band.wav", "bars": "3-3", "bpm": 120, "seed": 7, "takes": 4, "engine": "sketch"}

    def kill_one():
        wait_until(lambda: len(studio.host.pids("sketch", rendering=True)) == 2)
        kill(studio.host.pids("sketch", rendering=True)[:1])

    takes = rendered(studio.laptop, kill_one, **request)
    assert len(takes) == 4
    assert sum(studio.host.starts("sketch")) == 3, "an actor was killed, and another started"
    assert sounds(takes) == sounds(rendered(studio.alone, **request))
    assert all(take.receipt.outside_identical and take.receipt.exact for take in takes)


def test_a_render_is_cancelled_between_two_steps_and_its_actor_goes_on(studio):
    with studio.laptop.websocket() as ws:
        rendered(studio.laptop, **REGION, **SLOW)
        starts = studio.host.starts("slow")
        job = ws.call("repaint", id=uuid.uuid4().hex, **REGION, engine="slow", options={"seconds": 60})["job"]
        while (reply := ws.next_received()).values.get("stage") != "rendering":
            assert reply.name in ("ack", "progress"), reply.values
        ws.call("cancel", job=job)
        assert ws.until_end(job)[-1].name == "cancelled"
        wait_until(lambda: not studio.host.orders())
    rendered(studio.laptop, **REGION, **SLOW)
    assert studio.host.starts("slow") == starts


@pytest.mark.parametrize(("fault", "said"), FAULTS.items())
def test_what_goes_wrong_there_is_said_as_it_would_be_here(studio, fault, said):
    fails_as_alone(studio, fault, *said)


def test_an_engine_that_does_not_stop_is_ended(use):
    async def work(host: EngineProcess) -> None:
        stop, begun = asyncio.Event(), asyncio.Event()
        rendering = asyncio.create_task(
            host.render(order(600.0), lambda _: begun.set(), lambda *_: None, stop)
        )
        await begun.wait()
        stop.set()
        with pytest.raises(RenderCancelledError):
            await rendering

    use(work, "deaf")


@pytest.mark.skipif(os.name != "posix", reason="processes are held the POSIX way")
def test_an_actor_that_answers_nothing_is_ended(use):
    async def work(host: EngineProcess) -> None:
        stop, begun = asyncio.Event(), asyncio.Event()

        def rendering_now(at):
            if at.stage == "rendering":
                begun.set()

        rendering = asyncio.create_task(host.render(order(600.0), rendering_now, lambda *_: None, stop))
        await begun.wait()
        pid = host._child._self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            stop.set()
            with pytest.raises(RenderCancelledError):
                await asyncio.wait_for(rendering, 30)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    use(work, "slow")


def test_the_file_of_an_option_and_its_companion_go_to_the_actor(use, tmp_path):
    (tmp_path / "brushes").write_text("swish")
    (tmp_path / SoundsEngine.companion).write_text("{}")
    table = OptionFiles()

    async def work(host: EngineProcess) -> None:
        file = await table.keep("sounds", tmp_path / "brushes", "kits/brushes", (SoundsEngine.companion,))
        command = replace(order(), files={"sounds": file})
        (outcome,) = await host.render(command, lambda _: None, lambda *_: None, asyncio.Event())
        assert outcome.report.figures == {"name": "brushes", "sounds": "swish", "companion": "{}"}

    use(work, "sounds", option_files=table)


@pytest.mark.parametrize("target", ["tests.nowhere:Engine", "tests.doubles:Nothing"])
def test_an_engine_that_is_not_on_the_machine_is_named(actor_of, target):
    async def run() -> None:
        host = actor_of(EngineSetup(target))
        with pytest.raises(
            ProtocolError, match=target.partition(":")[2 if "Nothing" in target else 0]
        ) as caught:
            await host.start()
        assert caught.value.code is ErrorCode.ENGINE_NOT_READY
        await host.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("cards", "places", "engines", "shares"),
    [
        (0, 0, 4, Shares(1, "CPU", 1.0, 0.25)),
        (0, 3, 3, Shares(3, "CPU", 1.0, 0.3333)),
        (4, 0, 3, Shares(4, "GPU", 1.0, 0.3333)),
        (4, 2, 1, Shares(2, "GPU", 1.0, 1.0)),
        (2, 5, 2, Shares(5, "GPU", 0.3333, 0.1666)),  # three on one card, two on the other
        (1, 0, 0, Shares(1, "GPU", 1.0, 1.0)),
    ],
)
def test_places_share_the_cards_and_engines_share_a_place(cards, places, engines, shares):
    assert shares_of(cards, places, engines) == shares


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "127.0.0.1", "nowhere", "127.0.0.1:port", "127.0.0.1:70000", ":1"]
)
def test_a_cluster_that_is_not_there_is_named_at_once(address):
    async def run() -> None:
        async with joined(ClusterSettings(address), 1):
            pass

    with pytest.raises(ProtocolError, match="cannot be joined") as caught:
        asyncio.run(asyncio.wait_for(run(), 30))
    assert caught.value.code is ErrorCode.NOT_ALLOWED
    assert address in caught.value.sentence


def test_more_places_than_the_cluster_has_processors_are_refused_at_once(cluster, monkeypatch):
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 2.0})
    with pytest.raises(ProtocolError, match=r"2 processors .* 3 places") as refused:
        _Session(SETTINGS, 1)._reserved()
    assert "--places" in refused.value.remedy


def test_a_cluster_without_room_is_no_host(cluster, monkeypatch):
    class Busy:
        def wait(self, _seconds):
            return False

    monkeypatch.setattr(ray_cluster, "ROOM_SECONDS", 0.0)
    monkeypatch.setattr(ray_cluster, "placement_group", lambda _: Busy())
    told = []
    with pytest.raises(ProtocolError, match="no room for a place"):
        _Session(SETTINGS, 1, told.append)._reserved()
    assert told == []
    monkeypatch.setattr(ray_cluster, "ROOM_SECONDS", 60.0)
    waits = iter((False, False, True))
    monkeypatch.setattr(Busy, "wait", lambda *_: next(waits))
    _Session(SETTINGS, 1, told.append, [Busy()])._wait_for_room()
    assert told == [WAITING]
