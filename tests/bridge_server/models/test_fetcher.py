"""Downloads while the server runs, from a hub on this machine: one at a time, cancelled, resumed, failed in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="SKIPPED: downloads need huggingface-hub (extra acestep)")

from bridge_server.models.downloads import Hub
from bridge_server.models.fetcher import ModelFetcher, Transfer
from bridge_server.models.library import State, installed_models, published
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server import hub_server
from tests.bridge_server.hub_server import running, safetensors

MAIN = "ACE-Step/Ace-Step1.5"
WEIGHTS = "vae/diffusion_pytorch_model.safetensors"
LONG = safetensors(a=(12_000_000,))
CUT = 40_000_000
PATIENCE = 30.0


@pytest.fixture
def hub() -> Iterator[hub_server.Hub]:
    with running(hub_server.Hub({MAIN: {"vae/config.json": b"{}", WEIGHTS: LONG}})) as served:
        yield served


class Followed:
    """A fetcher whose states are kept."""

    def __init__(self, models: Path, address: str) -> None:
        self.states: list[Transfer] = []
        self.ended = asyncio.Event()
        self.fetcher = ModelFetcher(models, lambda: Hub(address, token=False), self._changed)

    def _changed(self, transfer: Transfer) -> None:
        self.states.append(transfer)
        if not transfer.under_way:
            self.ended.set()

    async def get(self, name: str = "vae") -> Transfer:
        self.ended.clear()
        self.fetcher.begin(published(name))
        await asyncio.wait_for(self.ended.wait(), PATIENCE)
        return self.states[-1]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


def state_of(models: Path) -> State:
    return installed_models(models, published("vae")).state


def test_a_model_comes_whole_and_the_states_tell_how(hub, tmp_path):
    async def run() -> None:
        followed = Followed(tmp_path, hub.address)
        ended = await followed.get()
        assert (ended.state, ended.error, ended.done) == ("done", None, len(LONG) + 2)
        assert ended.done == ended.total
        assert next(one.state for one in followed.states if one.state != "checking") == "fetching"
        assert {one.model for one in followed.states} == {"vae"}
        assert [one.done for one in followed.states] == sorted(one.done for one in followed.states)
        again = await followed.get()  # nothing is missing
        assert (again.state, again.total) == ("done", 0)

    asyncio.run(run())
    assert state_of(tmp_path) is State.HERE


def test_a_cancelled_download_is_resumed(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 300)  # until it is told to go on
    hub.stalls_after[WEIGHTS] = CUT

    async def run() -> None:
        followed = Followed(tmp_path, hub.address)
        followed.fetcher.begin(published("vae"))
        await until(lambda: any(one.done > 0 for one in followed.states))
        with pytest.raises(ProtocolError, match="vae is being downloaded"):
            followed.fetcher.begin(published("tokenizer"))
        await asyncio.to_thread(hub.stalled.wait, PATIENCE)
        followed.fetcher.cancel()
        hub.go_on.set()
        await until(followed.ended.is_set)
        assert followed.states[-1].state == "cancelled"
        assert state_of(tmp_path) is State.BEGUN
        with pytest.raises(ProtocolError, match="No model is being downloaded"):
            followed.fetcher.cancel()
        hub.stalls_after.clear()
        ended = await followed.get()
        assert ended.state == "done"
        assert 0 < ended.total < len(LONG)  # only what was missing
        await followed.fetcher.close()

    asyncio.run(run())
    assert state_of(tmp_path) is State.HERE
    assert any(given is not None for given in hub.asked_for(WEIGHTS))


def test_failures_are_told_in_words(hub, tmp_path):
    async def run() -> None:
        nowhere = await Followed(tmp_path, "http://127.0.0.1:9").get()
        assert nowhere.state == "failed"
        assert nowhere.error is not None
        assert nowhere.error.sentence.startswith("No network, or no connection to the hub: vae")
        hub.sent_instead[WEIGHTS] = bytes(len(LONG))
        spoilt = await Followed(tmp_path, hub.address).get()
        assert (spoilt.state, spoilt.error.code) == ("failed", ErrorCode.FILE_UNREADABLE)
        assert "arrived damaged" in spoilt.error.sentence

    asyncio.run(run())
    assert state_of(tmp_path) is not State.HERE


def test_a_full_disk_is_seen_before(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("bridge_server.models.downloads.SPARE_BYTES", 2**62)

    async def run() -> None:
        full = await Followed(tmp_path, hub.address).get()
        assert (full.state, full.error.code) == ("failed", ErrorCode.STORE_FAILED)
        assert "GB needed" in full.error.sentence

    asyncio.run(run())
    assert hub.asked_for(WEIGHTS) == []


def test_a_bug_ends_the_download_and_not_the_server(tmp_path):
    def broken() -> Hub:
        raise RuntimeError("a bug")

    async def run() -> None:
        followed = Followed(tmp_path, "")
        followed.fetcher = ModelFetcher(tmp_path, broken, followed._changed)
        ended = await followed.get()
        assert (ended.state, ended.error.code) == ("failed", ErrorCode.INTERNAL)

    asyncio.run(run())
