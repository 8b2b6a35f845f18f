"""What engines say of themselves: asked once, again when their models change, and never by running their code here."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bridge_server.engines.messages import EngineFolders
from bridge_server.engines.pool import EnginePool, models_state
from bridge_server.engines.registry import MODELS_ENGINE, EngineSetup, engine_setups
from bridge_server.studio import host_connection
from bridge_server.studio.host_connection import HostConnection, Session
from bridge_server.studio.join_string import JoinString
from bridge_server.studio.link_messages import Welcome
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import EngineDescription
from tests.bridge_server.peers import environment, noise_song
from tests.doubles import ENGINES, NoiseEngine
from tests.places import PROJECT

ODD = "tests.bridge_server.engines.odd_engines"


def shelf(folder: Path) -> dict[str, EngineSetup]:
    return {"shelf": EngineSetup(f"{ODD}:ShelfEngine", {"folder": str(folder)})}


def pool_of(engines: dict[str, EngineSetup], folder: Path, places: int = 1) -> EnginePool:
    """A pool that could render."""
    return EnginePool(engines, EngineFolders(folder / "blobs", folder / "results"), places)


def test_an_engine_is_asked_once_and_again_when_its_models_change(tmp_path):
    async def ask() -> None:
        pool = EnginePool(shelf(tmp_path))
        first = await pool.describe("shelf")
        assert first.options == {}
        assert await pool.describe("shelf") is first
        assert pool.pids() == {}, "a process for a question is let go"
        (tmp_path / "turbo").write_bytes(b"weights")
        second = await pool.describe("shelf")
        assert set(second.options) == {"turbo"}
        assert second.label != first.label, "another process was asked"
        assert await pool.describe("shelf") is second

    asyncio.run(ask())


def test_asked_many_times_at_once_it_is_asked_once(tmp_path):
    async def ask() -> None:
        pool = EnginePool(shelf(tmp_path))
        found = await asyncio.gather(*(pool.describe("shelf") for _ in range(5)))
        assert {description.label for description in found} == {found[0].label}

    asyncio.run(ask())


def test_the_process_that_renders_says_it_itself(tmp_path):
    async def ask() -> None:
        pool = pool_of(shelf(tmp_path), tmp_path / "store")
        pool.expect("shelf")
        asking = asyncio.create_task(pool.describe("shelf"))
        await pool.warm_up("shelf")
        assert (await asking).label == str(pool.pids()["shelf"])
        await pool.close()
        assert (await pool.describe("shelf")).label == (await asking).label, "remembered without a process"

    asyncio.run(ask())


def test_it_is_described_before_it_is_loaded(tmp_path):
    async def ask() -> None:
        pool = pool_of(ENGINES, tmp_path)
        pool.expect("sleepy")
        loading = asyncio.create_task(pool.warm_up("sleepy"))
        assert (await pool.describe("sleepy")).name == "sleepy"
        assert not loading.done(), "it takes a minute"
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        await pool.close()

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("kind", "code", "word", "remedy"),
    [
        ("RefusingEngine", ErrorCode.ENGINE_NOT_READY, "There is no sun.", "morning"),
        ("BrokenEngine", ErrorCode.ENGINE_NOT_READY, "KeyError", "bug in the engine"),
        (
            "UnreadableEngine",
            ErrorCode.ENGINE_NOT_READY,
            "/models cannot be used: Permission denied",
            "permissions",
        ),
        ("DyingEngine", ErrorCode.ENGINE_DIED, "while it was starting: it ended with status 9", "log"),
        ("HangingEngine", ErrorCode.ENGINE_NOT_READY, "did not start within 2 s", "doctor"),
        ("NoSuchEngine", ErrorCode.ENGINE_NOT_READY, "NoSuchEngine", "pip install"),
    ],
)
def test_an_engine_that_cannot_be_asked_is_an_error_with_a_remedy(kind, code, word, remedy):
    async def ask() -> ProtocolError:
        limit = 2.0 if kind == "HangingEngine" else 60.0
        pool = EnginePool(
            {"odd": EngineSetup(f"{ODD}:{kind}"), "noise": ENGINES["noise"]}, describe_seconds=limit
        )
        with pytest.raises(ProtocolError) as raised:
            await pool.describe("odd")
        return raised.value

    error = asyncio.run(ask())
    assert (error.code, word in error.sentence, remedy in error.remedy) == (code, True, True), error


def test_an_engine_that_could_not_be_warmed_up_is_asked_in_a_process_of_its_own(tmp_path):
    async def ask() -> None:
        pool = pool_of(ENGINES, tmp_path)
        pool.expect("unloadable")
        asking = asyncio.create_task(pool.describe("unloadable"))
        with pytest.raises(ProtocolError, match="weights are not there"):
            await pool.warm_up("unloadable")
        assert (await asking).name == "unloadable"

    asyncio.run(ask())


def test_one_that_cannot_be_asked_now_may_be_later(tmp_path):
    folder = tmp_path / "later"

    async def ask() -> None:
        pool = EnginePool(shelf(folder))
        with pytest.raises(ProtocolError):
            await pool.describe("shelf")
        folder.mkdir()
        assert (await pool.describe("shelf")).name == "shelf"

    asyncio.run(ask())


def test_an_engine_nobody_knows():
    pool = EnginePool(ENGINES)
    with pytest.raises(ProtocolError) as raised:
        asyncio.run(pool.describe("nobody"))
    assert raised.value.code is ErrorCode.UNKNOWN_ENGINE


def test_an_engine_that_can_do_nothing_is_refused_with_its_own_reason(tmp_path):
    pool = EnginePool({**engine_setups(), "noise": ENGINES["noise"]})
    with pytest.raises(ProtocolError) as raised:
        asyncio.run(pool.refuse_unusable(MODELS_ENGINE.name))
    assert raised.value.code is ErrorCode.ENGINE_NOT_READY
    assert raised.value.sentence == "No ACE-Step weights are configured."
    assert "takebridge models pull turbo" in raised.value.remedy
    asyncio.run(EnginePool(ENGINES).refuse_unusable("noise"))


def test_the_state_of_a_folder_of_models(tmp_path):
    setup = shelf(tmp_path / "models")["shelf"]
    assert models_state(ENGINES["noise"]) == models_state(setup) == ()
    (tmp_path / "models" / "turbo").mkdir(parents=True)
    weights = tmp_path / "models" / "turbo" / "model.safetensors"
    states = []
    for change in (
        lambda: weights.write_bytes(b"one"),
        lambda: weights.write_bytes(b"longer"),
        lambda: os.utime(weights, ns=(1, 1)),
        lambda: weights.rename(weights.with_name("other")),
        lambda: (tmp_path / "models" / "single").write_bytes(b""),
    ):
        change()
        states.append(models_state(setup))
    assert len(set(states)) == len(states)
    (tmp_path / "models" / ".downloads").mkdir()
    (tmp_path / "models" / ".downloads" / "half").write_bytes(b"half")
    assert models_state(setup) == states[-1], "a download under way is no model yet"


SERVER = """
import asyncio, sys
from pathlib import Path

async def main(folder):
    # Here, since every engine's process imports this file as well.
    from bridge_server.cli.client import connected
    from bridge_server.server import running_server
    from bridge_server.settings import Limits, Settings

    settings = Settings(
        store=folder / "store", roots=(folder,), osc_port=0, websocket_port=0, sound=False,
        limits=Limits(describe_seconds=120.0),  # a busy machine loads torch in more than the thirty of others
    )
    async with running_server(settings) as server:
        async with connected("127.0.0.1", server.settings.websocket_port) as client:
            about = await client.call("engines")
            assert "repaint" in about["engines"]["sketch"]["can"], about
            assert about["engines"]["acestep"]["can"] == [], about
            job = (await client.call("repaint", source="song.wav", start=0, end=4800))["job"]
            while (await client.next_reply())[0] not in ("done", "failed"):
                pass
    print([name for name in sys.modules if name.startswith(("model.sketch", "model.acestep"))])

if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
"""


def test_no_engines_code_is_loaded_in_the_server(tmp_path):
    noise_song(tmp_path / "song.wav")
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, check=False,
        env={**environment(), "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def with_hosts(folder, fall_back: bool = False):
    """A pool of the noise and the shelf engine with two render hosts, neither of which has answered yet."""
    hosts = [HostConnection(JoinString("127.0.0.1", port, "t" * 43)) for port in (9135, 9136)]
    engines = {"noise": ENGINES["noise"], "near": ENGINES["near"]}
    folders = EngineFolders(folder / "blobs", folder / "results")
    return EnginePool(engines, folders, render_hosts=hosts, fall_back=fall_back), *hosts


def answer(host, places: int = 0, *engines: str) -> None:
    """A host answers; with places 0 it does not."""
    host.tried.set()
    if places:
        abouts = {name: replace(NoiseEngine().describe(), label=f"{name} there") for name in engines}
        host.welcome = Welcome(1, "1", f"host {host.join.port}", "cpu", places, abouts)
        host.session = Session(None)
    else:
        host.problem = "it does not answer"
    host.on_change()


def test_places_of_render_hosts_are_added_as_they_say_how_many_they_have(tmp_path):
    async def work():
        pool, one, two = with_hosts(tmp_path)
        places, waiting = pool.places("noise"), asyncio.Event()
        pool.on_room = waiting.set
        assert [host.place for host in places.hosts] == ["127.0.0.1", "127.0.0.1", "this machine"]
        answer(one, 2, "noise")
        answer(two, 1, "noise")
        assert [host.place for host in places.hosts if host.ready] == [
            "host 9135", "host 9136", "host 9135 2", "this machine",
        ]  # fmt: skip
        assert places.count == 3
        assert waiting.is_set()
        assert pool.rendered_on("noise") == "host 9135 (cpu)"
        assert (await pool.describe("noise")).label == "noise there"

    asyncio.run(work())


def test_an_engine_that_no_host_has_renders_here(tmp_path):
    async def work():
        pool, one, two = with_hosts(tmp_path)
        answer(one, 2, "noise")
        assert not pool.places("near").free or pool.places("near").count, "the second may have it"
        answer(two, 1, "noise")
        claim = pool.places("near").claim((0, 1))
        assert claim._granted.result().place == "this machine"
        assert pool.rendered_on("near") == ""
        assert (await pool.describe("near")).label == "Near"

    asyncio.run(work())


def test_an_engine_of_hosts_that_are_away_is_refused_in_words_or_falls_back(tmp_path):
    async def work():
        pool, one, two = with_hosts(tmp_path)
        for host in (one, two):
            answer(host)
        with pytest.raises(ProtocolError, match=r"127\.0\.0\.1 cannot be reached: it does not answer"):
            await pool.describe("noise")
        pool, one, two = with_hosts(tmp_path, fall_back=True)
        for host in (one, two):
            answer(host)
        assert (await pool.describe("noise")).label == "Noise"
        answer(two, 1, "noise")
        assert (await pool.describe("noise")).label == "noise there", "as soon as one is there"

    asyncio.run(work())


def test_a_host_that_is_there_without_the_engine_gets_no_order_of_one_that_was_cut_off(tmp_path, monkeypatch):
    async def work():
        for fall_back in (False, True):
            pool, one, two = with_hosts(tmp_path, fall_back)
            answer(one, 1, "noise")
            answer(two, 2, "near")
            places = pool.places("noise")
            one._gone("the connection was cut")
            claim = places.claim((0, 1))
            assert claim._granted.result().place == "host 9135", "it may come back at once"
            claim.release()
            monkeypatch.setattr(host_connection, "CUT_SECONDS", 0.0)
            claims = [places.claim((0, number)) for number in (2, 3)]
            assert claims[0]._granted.result().place == ("this machine" if fall_back else "host 9135")
            assert not claims[1]._granted.done()
            monkeypatch.undo()

    asyncio.run(work())


def test_a_host_that_cannot_start_an_engine_gets_no_orders_for_it_while_another_one_is_there(
    tmp_path, monkeypatch
):
    async def work():
        pool, one, two = with_hosts(tmp_path, fall_back=True)
        answer(one, 1, "noise", "near")
        answer(two, 1, "noise", "near")
        noise, near = pool.places("noise"), pool.places("near")
        first = noise.claim((0, 1))
        assert first._granted.result().place == "host 9135"
        assert first._granted.result()._elsewhere()
        one.refused("noise")
        again = noise.claim((0, 1))
        first.release()
        assert again._granted.result().place == "host 9136"
        assert not again._granted.result()._elsewhere()
        assert near.claim((0, 1))._granted.result().place == "host 9135", "another engine"
        two.refused("noise")
        assert noise.claim((0, 2))._granted.result().place == "host 9135", (
            "it stands for no host that is away"
        )
        again.release()
        answer(two, 1, "noise", "near")
        monkeypatch.setattr(host_connection, "REFUSED_SECONDS", 0.0)
        assert two.offers("noise")

    asyncio.run(work())


def test_a_host_that_is_started_again_is_known_as_it_is_now(tmp_path):
    async def work():
        pool, one, two = with_hosts(tmp_path)
        answer(two)
        answer(one, 2, "noise")
        noise, near = pool.places("noise"), pool.places("near")
        assert (noise.count, (await pool.describe("noise")).label) == (2, "noise there")
        one._gone("the connection was cut")
        answer(one, 1, "near")  # with other engines, and fewer places
        assert [host.place for host in near.hosts if host.ready and host.place != "this machine"] == [
            "host 9135"
        ]
        assert (await pool.describe("near")).label == "near there"
        assert pool.rendered_on("near") == "host 9135 (cpu)"
        one._gone("the connection was cut")
        answer(one, 3, "noise", "near")
        assert (noise.count, near.count) == (3, 3)
        assert (await pool.describe("noise")).label == "noise there"

    asyncio.run(work())


class BriefEngine(NoiseEngine):
    """Stands for another program's server: what it says holds for a tenth of a second."""

    name = "brief"

    def describe(self) -> EngineDescription:
        return replace(super().describe(), label=str(os.getpid()), holds_seconds=0.1)


def test_what_holds_for_a_while_is_asked_again_after_it():
    pool = EnginePool({"brief": EngineSetup(f"{__name__}:BriefEngine")})

    async def labels() -> list[str]:
        found = [(await pool.describe("brief")).label]
        await asyncio.sleep(0.2)
        return [*found, (await pool.describe("brief")).label]

    first, second = asyncio.run(labels())
    assert first != second
