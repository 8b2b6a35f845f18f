"""An agent's session against a real server: renders side by side, cancelling, servers that come and go."""

from __future__ import annotations

import asyncio
import threading

import pytest

from bridge_server.cli.agent_session import AgentSession
from bridge_server.cli.mcp_tools import TOOLS
from bridge_server.handlers import ranking
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in

REGION = {"source": "song.wav", "start": 0, "end": 4800}


async def silent(fraction, stage):
    """Progress that nobody reads."""


def in_session(store, work):
    """The result of `await work(call)`, `call(tool, progress, **arguments)` calling a tool."""

    async def run():
        async with AgentSession(store) as session:

            async def call(name, progress=silent, /, **arguments):
                return await session.call(TOOLS[name], arguments, progress)

            return await asyncio.wait_for(work(call), 60)

    return asyncio.run(run())


def test_renders_side_by_side_get_their_own_takes(server):
    async def work(call):
        renders = [call("repaint", **REGION, takes=takes, seed=takes) for takes in (1, 3, 2)]
        return await asyncio.gather(*renders, call("status"))

    one, three, two, status = in_session(server.settings.store, work)
    assert [len(found["takes"]) for found in (one, three, two)] == [1, 3, 2]
    assert [{take["job"] for take in found["takes"]} for found in (one, three, two)] == [
        {found["job"]} for found in (one, three, two)
    ]
    assert all("outside the region: bit-identical" in take["receipt"] for take in three["takes"])
    assert status["engine"] == "noise"


def test_progress_grows(server):
    seen = []

    async def progress(fraction, stage):
        seen.append((fraction, stage))

    in_session(server.settings.store, lambda call: call("analyse", progress, source="song.wav"))
    assert seen
    assert [fraction for fraction, _ in seen] == sorted({fraction for fraction, _ in seen})


def test_what_is_not_waited_for_is_found_again(server):
    async def work(call):
        job = (await call("repaint", **REGION, wait=False))["job"]
        while (shown := await call("jobs_show", job=job))["state"] != "done":
            await asyncio.sleep(0.01)
        return shown

    assert len(in_session(server.settings.store, work)["takes"]) == 1


async def given_up(call):
    """A long render whose caller stops waiting once it is under way."""
    started = asyncio.Event()

    async def progress(fraction, stage):
        started.set()

    render = asyncio.create_task(call("repaint", progress, **REGION, engine="slow", options={"seconds": 100}))
    await started.wait()
    render.cancel()
    return render


def test_a_caller_that_gives_up_cancels_the_job(server):
    async def work(call):
        render = await given_up(call)
        with pytest.raises(asyncio.CancelledError):
            await render
        while (newest := (await call("jobs_list", limit=1))["jobs"][0])["state"] in (
            "running",
            "waiting",
            "queued",
        ):
            await asyncio.sleep(0.01)
        return newest

    assert in_session(server.settings.store, work)["state"] == "cancelled"


def test_a_ranking_tells_how_far_it_is_and_ends_with_its_caller(server, monkeypatch):
    monkeypatch.setattr(ranking, "match_folder", lambda models: models)
    monkeypatch.setattr("bridge_server.handlers.running_requests.PROGRESS_SECONDS", 0.0)
    ended = threading.Event()

    def listens(work, models, clips, *, check, told):
        told(0.5)
        try:
            while not ended.wait(0.001):
                check()
        finally:
            ended.set()

    monkeypatch.setattr(ranking, "run_aside", listens)

    async def work(call):
        await call("repaint", **REGION, prompt="warm")
        halves = asyncio.Event()

        async def progress(fraction, stage):
            if fraction == 0.5:
                halves.set()

        asked = asyncio.create_task(call("takes_rank", progress))
        await halves.wait()
        asked.cancel()
        assert await asyncio.to_thread(ended.wait, 30)
        with pytest.raises(asyncio.CancelledError):
            await asked

    in_session(server.settings.store, work)


def test_a_session_that_ends_cancels_what_it_waited_for(server):
    async def work(call):
        render = await given_up(call)
        await asyncio.gather(render, return_exceptions=True)

    async def end(call):
        while (newest := (await call("jobs_list", limit=1))["jobs"][0])["state"] == "running":
            await asyncio.sleep(0.01)
        return newest["state"]

    in_session(server.settings.store, work)
    assert in_session(server.settings.store, end) == "cancelled"


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("takes_show", {"take": "none"}, ErrorCode.UNKNOWN_TAKE),
        ("repaint", {**REGION, "end": 0}, ErrorCode.BAD_REGION),
        ("repaint", {**REGION, "wait": "perhaps"}, ErrorCode.WRONG_TYPE),
        ("repaint", {**REGION, "reference": "x", "reference_consent": True}, ErrorCode.UNKNOWN_FIELD),
    ],
)
def test_refusals_have_the_servers_words(server, name, arguments, code):
    with pytest.raises(ProtocolError) as caught:
        in_session(server.settings.store, lambda call: call(name, **arguments))
    assert caught.value.code is code
    assert caught.value.remedy


def test_a_server_may_start_later_and_again(tmp_path):
    settings = settings_in(tmp_path)
    noise_song(settings.roots[0] / "song.wav")

    async def work(call):
        with pytest.raises(ProtocolError, match="No server runs"):
            await call("status")
        first = await asyncio.to_thread(ServerThread(settings).__enter__)
        render = asyncio.create_task(call("repaint", **REGION, engine="slow", options={"seconds": 100}))
        while not (await call("jobs_list"))["jobs"]:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(first.stop)
        with pytest.raises(ProtocolError, match="The server has gone"):
            await render
        second = await asyncio.to_thread(ServerThread(settings).__enter__)
        try:
            jobs = (await call("jobs_list"))["jobs"]
            await call("cancel", job=jobs[0]["job"])
            return len(jobs)
        finally:
            await asyncio.to_thread(second.stop)

    assert in_session(settings.store, work) == 1
