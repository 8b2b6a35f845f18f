"""The engine's process from both sides: how it dies, how it is stopped, and what the next job finds."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge_server.engines.host import RenderCancelledError
from bridge_server.engines.messages import EngineFolders, RenderCommand
from bridge_server.engines.outcome import stem_path
from bridge_server.engines.process import EngineProcess
from bridge_server.engines.registry import EngineSetup
from bridge_server.settings import Limits
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import Grid, RenderRequest, Task
from tests.bridge_server.conftest import shared_server
from tests.bridge_server.peers import PATIENCE, environment
from tests.doubles import ENGINES
from tests.places import PROJECT


@pytest.fixture(scope="module", params=[1, 2], ids=["one place", "two places"])
def server(tmp_path_factory, request):
    """Whatever an engine does wrong, it is the same in one place and in two."""
    with shared_server(tmp_path_factory.mktemp("bridge"), places=request.param) as running:
        yield running


REGION = ("source", "song.wav", "start", 12000, "end", 16000)


def fault(osc, name: str):
    """The terminal reply of a render by the faulty engine."""
    options = f'{{"fault": "{name}"}}'
    replies = osc.render("/bridge/repaint", uuid.uuid4().hex, *REGION, "engine", "faulty", "options", options)
    return replies[-1]


FAULTS = [
    ("exit", "engine_died", "status 7"),
    ("killed", "engine_died", "killed"),
    ("raise", "internal", "KeyError"),
    ("refuse", "cannot_render", "no drums"),
    ("memory", "out_of_memory", "ran out of memory"),
    ("nan", "render_rejected", "not numbers"),
    ("silence", "render_rejected", "silent"),
    ("short", "render_rejected", "3999"),
    ("nothing", "render_rejected", "0 samples"),
    ("mono", "internal", "shape"),
    ("gap", "internal", "expected"),
    ("no report", "internal", "report"),
    ("unchanged", "render_rejected", "identical"),
    ("shifted", "render_rejected", ""),
]


@pytest.mark.parametrize(("name", "code", "word"), FAULTS)
def test_a_fault_ends_its_job_only(server, osc, name, code, word):
    before = server.holdings()
    reply = fault(osc, name)
    assert (reply.name, reply["code"]) == ("failed", code), reply
    assert word in reply["sentence"]
    assert reply["remedy"]
    # Blobs may stay for the sweep (what was measured had to be written); takes and scratch must not.
    assert (server.holdings()[0], server.holdings()[2]) == (before[0], before[2])
    assert fault(osc, "none").name == "done", "the next job finds a working process"


def pids_of(server, engine: str) -> set[int]:
    """Its processes, in whichever places."""
    found = server.on_loop(server.server.engines.pids)
    return {pid for name, pid in found.items() if name.split()[0] == engine}


def test_a_process_killed_from_outside_is_replaced_and_its_take_rendered_again(server, osc, caplog):
    name = uuid.uuid4().hex
    osc.send("/bridge/repaint", name, *REGION, "engine", "slow", "options", '{"seconds": 2}')
    while osc.receive().name != "progress":
        pass
    while osc.receive()["stage"] != "rendering":
        pass
    (pid,) = pids_of(server, "slow")
    os.kill(pid, signal.SIGKILL)
    reply = osc.until_end(name)[-1]
    assert reply.name == "done"
    assert f"job {reply['job']}" in caplog.text
    assert pid not in pids_of(server, "slow")
    assert sum(host.starts for host in server.server.engines.places_of("slow")) >= 2


@pytest.mark.skipif(os.name != "posix", reason="processes are killed the POSIX way")
def test_a_process_killed_each_time_fails_its_job_in_the_end(server, osc):
    name = uuid.uuid4().hex
    osc.send("/bridge/repaint", name, *REGION, "engine", "sleepy")
    killed: set[int] = set()
    while (reply := osc.receive()).name != "failed":
        if reply.values.get("stage") == "waking up":
            for pid in pids_of(server, "sleepy") - killed:
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
    assert (reply["id"], reply["code"]) == (name, "engine_died")
    assert len(killed) == server.settings.limits.attempts


@pytest.mark.alone  # it keeps time
def test_an_engine_that_does_not_stop_is_ended(server, osc):
    name = uuid.uuid4().hex
    osc.send("/bridge/repaint", name, *REGION, "engine", "deaf", "options", '{"seconds": 60}')
    while (reply := osc.receive()).name != "progress" or reply["fraction"] == 0:
        pass
    pid = server.on_loop(server.server.engines.pids)["deaf"]
    began = time.monotonic()
    osc.send("/bridge/cancel", name)
    reply = osc.until_end(name)[-1]
    assert reply.name == "cancelled"
    limit = server.settings.limits.stop_seconds
    assert limit * 0.9 < reply.at - began < limit + 2
    options = '{"seconds": 0.05}'
    again = osc.render("/bridge/repaint", uuid.uuid4().hex, *REGION, "engine", "deaf", "options", options)
    assert again[-1].name == "done"
    assert server.on_loop(server.server.engines.pids)["deaf"] != pid


def test_weights_that_are_missing_are_named(osc):
    for _ in range(2):
        replies = osc.render("/bridge/repaint", uuid.uuid4().hex, *REGION, "engine", "unloadable")
        assert (replies[-1]["code"], replies[-1]["remedy"]) == ("engine_not_ready", "Fetch them.")


def test_an_engine_that_dies_while_loading_is_reported_with_its_status(osc):
    reply = osc.render("/bridge/repaint", uuid.uuid4().hex, *REGION, "engine", "stillborn")[-1]
    assert reply["code"] == "engine_died"
    assert "status 9" in reply["sentence"]


def test_an_idle_engine_gives_its_memory_back(start_server):
    server = start_server(limits=Limits(idle_unload_seconds=0.2))
    with server.osc() as osc:
        osc.render("/bridge/repaint", "one", *REGION)
        deadline = time.monotonic() + PATIENCE
        while server.on_loop(server.server.engines.pids):
            assert time.monotonic() < deadline, "the process stays"
            osc.ask("/bridge/status", "turn")
        assert osc.render("/bridge/repaint", "two", *REGION)[-1].name == "done"


def test_an_idle_engine_gives_its_memory_back_while_another_works(start_server):
    """By engine: what one is busy with for hours keeps no other in memory."""
    server = start_server(limits=Limits(idle_unload_seconds=0.1))
    with server.osc() as osc:
        osc.render("/bridge/repaint", "one", *REGION)
        osc.send("/bridge/repaint", "long", *REGION, "engine", "slow", "options", '{"seconds": 60}')
        while osc.receive().values.get("stage") != "rendering":
            pass
        deadline = time.monotonic() + PATIENCE
        while set(server.on_loop(server.server.engines.pids)) != {"slow"}:
            assert time.monotonic() < deadline, "the idle one stays"
            osc.ask("/bridge/status", "turn")
        assert osc.render("/bridge/repaint", "two", *REGION)[-1].name == "done"
        osc.send("/bridge/cancel", "long")
        assert osc.until_end("long")[-1].name == "cancelled"


def order(seconds: float = 0.0, frames: int = 20_000) -> RenderCommand:
    """A render without a song."""
    beats = np.arange(4)
    grid = Grid(beats * 0.5, beats % 4, np.full(4, 4), beats // 4 + 1, np.full(4, 120.0))
    request = RenderRequest(
        Task.REPAINT, None, 48000, 2, 0, frames, grid, seed=5, handle=100, options={"seconds": seconds}
    )
    return RenderCommand(request, "", "", "j1-1")


def process(name: str, folder: Path) -> EngineProcess:
    """A host with no songs, whose results come into the folder."""
    return EngineProcess(ENGINES[name], EngineFolders(folder / "blobs", folder), 0.5)


async def with_engine(name: str, folder: Path, work) -> None:
    engine = process(name, folder)
    try:
        await work(engine)
    finally:
        await engine.close()
        assert engine.pid is None


def test_audio_crosses_as_a_file(tmp_path):
    async def work(engine: EngineProcess) -> None:
        pieces, progress = [], []
        (outcome,) = await engine.render(
            order(), progress.append, lambda take, stem: pieces.append((take, stem)), asyncio.Event()
        )
        mix = outcome.stem("mix")
        assert mix.path == stem_path(tmp_path / "j1-1", 0, "mix")
        assert mix.path.stat().st_size == 20_000 * 2 * 4
        handles = outcome.stem("handles")
        assert (mix.start, handles.start, handles.frames) == (0, -100, 20_200)
        assert np.array_equal(handles.samples()[100:-100], mix.samples())
        assert {take for take, _ in pieces} == {0}
        assert [stem.frames for _, stem in pieces if stem.stem == "mix"] == [8192, 16384, 20_000]
        assert len(pieces) > 4, "it came piece by piece"
        assert progress[-1].stage == "rendering"
        engine.discard(order())
        assert not mix.path.exists()

    asyncio.run(with_engine("noise", tmp_path, work))


def test_equal_orders_give_equal_samples_in_another_process(tmp_path):
    async def work(engine: EngineProcess) -> None:
        (outcome,) = await engine.render(order(), lambda _: None, lambda *_: None, asyncio.Event())
        found.append(outcome.stem("mix").samples())

    found: list[np.ndarray] = []
    for _ in range(2):
        asyncio.run(with_engine("noise", tmp_path, work))
    assert np.array_equal(*found)


@pytest.mark.alone  # it keeps time
def test_a_stop_takes_effect_within_200_ms_and_the_process_lives_on(tmp_path):
    async def work(engine: EngineProcess) -> None:
        await engine.start()
        stop, began = asyncio.Event(), asyncio.Event()
        render = asyncio.create_task(engine.render(order(30), lambda _: began.set(), lambda *_: None, stop))
        await began.wait()
        pid, asked = engine.pid, time.monotonic()
        stop.set()
        with pytest.raises(RenderCancelledError):
            await render
        assert time.monotonic() - asked < 0.4
        await engine.render(order(), lambda _: None, lambda *_: None, asyncio.Event())
        assert engine.pid == pid

    asyncio.run(with_engine("slow", tmp_path, work))


def test_the_server_goes_on_while_the_end_of_a_dead_process_is_waited_for(tmp_path, monkeypatch):
    """Its exit code comes a moment after its pipe has closed; nobody else may have to wait for that."""
    joining, went_on = threading.Event(), threading.Event()
    really_join = multiprocessing.context.SpawnProcess.join

    def slow_join(process, timeout=None):
        joining.set()
        assert went_on.wait(PATIENCE), "the loop stands still"
        really_join(process, timeout)

    async def work(engine: EngineProcess) -> None:
        await engine.start()
        monkeypatch.setattr(multiprocessing.context.SpawnProcess, "join", slow_join)
        doomed = order()
        doomed = replace(doomed, request=replace(doomed.request, options={"fault": "exit"}))
        ending = asyncio.create_task(engine.render(doomed, lambda _: None, lambda *_: None, asyncio.Event()))
        await asyncio.to_thread(joining.wait, PATIENCE)
        went_on.set()
        with pytest.raises(ProtocolError, match="status 7") as caught:
            await ending
        assert caught.value.code is ErrorCode.ENGINE_DIED

    asyncio.run(with_engine("faulty", tmp_path, work))


SERVER_OF_AN_ENGINE = """
import asyncio, sys
from pathlib import Path
from bridge_server.engines.messages import EngineFolders
from bridge_server.engines.process import EngineProcess
from bridge_server.engines.registry import EngineSetup

async def main():
    folders = EngineFolders(Path("blobs"), Path("results"))
    engine = EngineProcess(EngineSetup(sys.argv[1]), folders, 1.0)
    await engine.start()
    print(engine.pid, flush=True)
    await asyncio.Event().wait()

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="signals and process states are read the POSIX way")
def test_the_process_ends_when_its_server_is_killed(tmp_path):
    """Its pipe closes when the server dies; it must not go on rendering for nobody."""
    script = tmp_path / "server.py"
    script.write_text(SERVER_OF_AN_ENGINE)
    python_path = {"PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(
        [sys.executable, str(script), ENGINES["slow"].target],
        stdout=subprocess.PIPE,
        text=True,
        env={**environment(), **python_path},
    ) as server:
        child = int(server.stdout.readline())
        assert is_running(child)
        server.kill()
    deadline = time.monotonic() + PATIENCE
    while is_running(child):
        assert time.monotonic() < deadline, "the engine's process outlives its server"
        os.sched_yield()


def is_running(pid: int) -> bool:
    """Whether a process of another's runs still; one that ended but was not waited for does not."""
    if sys.platform == "linux":
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state != "Z"
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip()) and not found.stdout.strip().startswith("Z")


def test_an_engine_that_cannot_be_imported_is_named():
    async def work(engine: EngineProcess) -> None:
        with pytest.raises(ProtocolError) as caught:
            await engine.start()
        assert caught.value.code in (ErrorCode.ENGINE_NOT_READY, ErrorCode.INTERNAL)
        assert "tests.nowhere" in caught.value.sentence

    async def run() -> None:
        engine = EngineProcess(EngineSetup("tests.nowhere:Engine"), None, 0.5)
        await work(engine)
        await engine.close()

    asyncio.run(run())


def test_cancelled_while_its_process_starts(monkeypatch, tmp_path):
    """The thread that starts it cannot be called back: the process comes up, and is ended like any other."""
    entered, go = threading.Event(), threading.Event()
    really_start = multiprocessing.context.SpawnProcess.start

    def slow_start(process):
        entered.set()
        assert go.wait(PATIENCE)
        really_start(process)

    monkeypatch.setattr(multiprocessing.context.SpawnProcess, "start", slow_start)

    async def cancel_early():
        engine = process("noise", tmp_path)
        starting = asyncio.create_task(engine.start())
        await asyncio.to_thread(entered.wait)
        starting.cancel()
        asyncio.get_running_loop().call_later(0.2, go.set)
        await asyncio.gather(starting, return_exceptions=True)
        assert starting.cancelled()
        await engine.close()
        assert engine.pid is None

    before = {child.pid for child in multiprocessing.active_children()}
    asyncio.run(cancel_early())
    assert go.is_set()
    assert {child.pid for child in multiprocessing.active_children()} <= before


def test_an_engine_whose_process_cannot_start_can_be_closed_and_tried_again(monkeypatch, tmp_path):
    def no_start(process):
        raise OSError("no more processes")

    async def try_twice():
        engine = process("noise", tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr(multiprocessing.context.SpawnProcess, "start", no_start)
            with pytest.raises(ProtocolError, match="no more"):
                await engine.start()
        await engine.close()
        await engine.start()
        assert engine.pid is not None
        await engine.close()

    asyncio.run(try_twice())
