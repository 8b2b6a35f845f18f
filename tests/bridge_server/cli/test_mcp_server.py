"""`takebridge mcp` through the SDK's own client, over stdio: what an agent does, from the song to the saved mix."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest
import soundfile

from bridge_server.cli.mcp_tools import TOOLS
from tests.bridge_server.peers import bridge_command, environment
from tests.bridge_server.servers import settings_in
from tests.bridge_server.typed import typed
from tests.places import PROJECT

mcp = pytest.importorskip(
    "mcp", reason="SKIPPED: the extra mcp is not installed; pip install 'takebridge[mcp]'"
)


@pytest.fixture
def agent(server):
    """Runs `await work(client)` with the SDK's client, and `takebridge mcp` as its process."""
    command, *words = bridge_command(server.settings.store)
    process = mcp.StdioServerParameters(command=command, args=[*words, "mcp"], env=environment(), cwd=PROJECT)

    def run(work):
        async def session():
            async with mcp.Client(mcp.stdio_client(process)) as client:
                return await asyncio.wait_for(work(client), 60)

        return asyncio.run(session())

    return run


def test_an_agent_selects_renders_reads_accepts_and_saves(agent, songs):
    async def work(client):
        async def call(name, /, **arguments):
            answer = await client.call_tool(name, arguments, progress_callback=progress)
            assert not answer.is_error, answer.content[0].text
            assert json.loads(answer.content[0].text) == answer.structured_content
            return answer.structured_content

        seen = []

        async def progress(fraction, total, message):
            seen.append((fraction, total))

        await call("source", source="song.wav")
        await call("select", start=4800, end=9600)
        made = await call("repaint", takes=2, seed=3)
        fractions = [fraction for fraction, _ in seen]
        assert fractions == sorted(set(fractions))
        assert 0 <= fractions[0] <= fractions[-1] == 1  # a short render may come to its end in one step
        assert {total for _, total in seen} == {1}
        assert [take["position"] for take in made["takes"]] == [4800, 4800]
        second = made["takes"][1]["take"]
        shown = await call("takes_show", take=second)
        assert shown["receipt"]["outside_identical"]
        assert (await call("takes_choose", take=second))["chosen"] == second
        song = (await call("takes_list", limit=1))["takes"][0]["song"]
        return await call("export", what="song", name=song, format="mix")

    saved = agent(work)
    mix, _ = soundfile.read(saved["path"], dtype="int16", always_2d=True)
    before, _ = soundfile.read(songs / "song.wav", dtype="int16", always_2d=True)
    same = (mix == before).all(axis=1)
    assert same[:4800].all()
    assert same[9600:].all()
    assert not same[4800:9600].all()


def test_tools_say_what_they_do_errors_what_to_do_and_giving_up_cancels(agent):
    async def work(client):
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == set(TOOLS)
        hints = {
            name: (tool.annotations.read_only_hint, tool.annotations.destructive_hint)
            for name, tool in tools.items()
        }
        assert hints["takes_show"] == (True, False)
        assert hints["repaint"] == hints["takes_choose"] == (False, False)
        assert hints["takes_delete"] == (False, True)
        assert tools["repaint"].input_schema == TOOLS["repaint"].schema
        wrong = await client.call_tool("repaint", {"source": "none.wav", "bars": "1-2", "bpm": 120})
        unknown = await client.call_tool("repain", {})
        return wrong, unknown, await given_up(client)

    wrong, unknown, state = agent(work)
    assert state == "cancelled"
    assert wrong.is_error
    assert "'none.wav'" in wrong.content[0].text
    assert wrong.structured_content["code"] == "file_missing"
    assert unknown.is_error
    assert "Did you mean repaint?" in unknown.content[0].text


async def given_up(client):
    """How a job ends whose call the agent cancels."""
    started = asyncio.Event()

    async def progress(*_):
        started.set()

    arguments = {"source": "song.wav", "start": 0, "end": 4800, "engine": "slow", "options": {"seconds": 100}}
    render = asyncio.create_task(client.call_tool("repaint", arguments, progress_callback=progress))
    await started.wait()
    render.cancel()
    await asyncio.gather(render, return_exceptions=True)
    while True:
        jobs = (await client.call_tool("jobs_list", {"limit": 1})).structured_content["jobs"]
        if jobs[0]["state"] not in ("queued", "running"):
            return jobs[0]["state"]
        await asyncio.sleep(0.02)


def test_without_the_sdk_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    monkeypatch.delitem(sys.modules, "bridge_server.cli.mcp_server", raising=False)
    done = typed(settings_in(tmp_path).store, "mcp")
    assert done.returncode == 1
    assert "takebridge[mcp]" in done.stderr
    assert done.stdout == ""
