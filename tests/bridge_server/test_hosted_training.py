"""Songs of a laptop that a render host trains on: whatever happens to the cable, the host and the laptop meanwhile, the
sound is that of a training here, byte for byte."""

from __future__ import annotations

import io
import json
import multiprocessing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bridge_server.cli.commands import Screen
from bridge_server.cli.train import train
from bridge_server.studio import running_host
from tests.bridge_server.peers import RpcError, ServerThread, WebSocketPeer
from tests.bridge_server.render_hosts import Cable, HostThread
from tests.bridge_server.studios import wait_until
from tests.bridge_server.training.songs_to_learn import three_songs
from tests.bridge_server.training.test_training import wish_of
from tests.bridge_server.training.training_peer import (
    LONG,
    SMALL_TRAINER,
    following,
    until,
    until_state,
    until_step,
)
from tests.bridge_server.training_hosts import (
    doubles_described,
    host_in_a_process,
    laptop_settings,
    training_host,
)
from tests.model.acestep.tiny_folder import write_models


class Pair:
    """host, cable: to it; laptop: a server whose trainings may be there."""

    def __init__(self, host: HostThread, cable: Cable, laptop: ServerThread) -> None:
        self.host, self.cable, self.laptop = host, cable, laptop
        self.trainings = host.settings.folder / "trainings"

    def songs_there(self) -> list[str]:
        return sorted(path.name for path in self.trainings.glob("*/songs/*"))

    def there(self) -> int:
        return len(list(self.trainings.glob("*"))) if self.trainings.exists() else 0


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    write_models(folder / "models", "acestep-v15-turbo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge_server.training.training_process.TRAINER", SMALL_TRAINER)
        patch.setattr(running_host, "offered", doubles_described)
        with (
            HostThread(training_host(folder / "host", folder / "models")) as host,
            Cable(host.join) as cable,
            ServerThread(laptop_settings(folder / "laptop", cable.join)) as laptop,
        ):
            yield Pair(host, cable, laptop)


@pytest.fixture
def peer(pair: Pair) -> Iterator[WebSocketPeer]:
    with following(pair.laptop) as found:
        wait_until(lambda: found.call("training.list")["hosts"][0]["ready"])
        yield found


def start(peer: WebSocketPeer, name: str, **more: Any) -> None:
    peer.call("training.start", **{"name": name, "songs": "mine", "consent": True, "on": "studio", **more})


def test_a_host_trains_and_keeps_nothing(pair: Pair, peer: WebSocketPeer) -> None:
    (host,) = peer.call("training.list")["hosts"]
    assert (host["name"], host["ready"], host["models"]) == ("studio", True, ["acestep-v15-turbo"])
    start(peer, "whole", steps=20, preview_every=5)
    ended = until_state(peer, "done", "failed")
    assert ended["state"] == "done", ended
    assert ended["adapter"] == "whole/adapter_model.safetensors"
    shown = peer.call("training.show", name="whole")
    assert (len(shown["losses"]), shown["previews"]) == (20, ["5", "10", "15", "20"])
    assert shown["checks"] == [[20, shown["losses"][-1]]]
    assert pair.there() == 0


def test_it_waits_for_the_hosts_renders_and_not_for_the_laptops(pair: Pair, peer: WebSocketPeer) -> None:
    start(peer, "polite", steps=LONG)
    until_step(peer, 1)
    request = {"length": "2s", "engine": "slow", "options": {"seconds": 0.3}}
    job = peer.call("generate", **request)["job"]  # the host has that engine
    assert until_state(peer, "waiting")["phase"] == "waiting while studio renders"
    peer.until_end(job)
    step = until_state(peer, "training")["step"]
    until_step(peer, step + 1)
    peer.call("training.stop", name="polite")
    stopped = until_state(peer, "stopped", "failed")
    assert stopped["state"] == "stopped"
    (one,) = (one for one in peer.call("training.list")["trainings"] if one["name"] == "polite")
    assert (one["state"], one["on"], one["step"] > 0) == ("stopped", "studio", True)
    assert pair.songs_there() == ["late-train.wav", "rain.wav", "slow_walk.wav"]

    sent = pair.cable.sent
    peer.call("training.resume", name="polite")
    assert until(peer, lambda moved: moved.get("step", 0) > one["step"])["on"] == "studio"
    assert pair.cable.sent - sent < 20_000, "the songs are there already"
    peer.call("training.stop")
    until_state(peer, "stopped")
    assert peer.call("training.discard", name="polite") == {"name": "polite"}, "nothing is left to note"
    assert pair.there() == 0
    assert "polite" not in str(peer.call("training.list")["trainings"])


def test_a_cut_cable_and_a_closed_laptop_end_nothing(pair: Pair, tmp_path: Path) -> None:
    settings = laptop_settings(tmp_path, pair.cable.join)
    with ServerThread(settings) as laptop, following(laptop) as peer:
        wait_until(lambda: peer.call("training.list")["hosts"][0]["ready"])
        start(peer, "away", steps=60, learning_rate=0.03)
        until_step(peer, 3)
        pair.cable.cut()
        assert "studio" in until(peer, lambda moved: "waiting for the" in moved.get("phase", ""))["phase"]
        pair.cable.mend()
        until(peer, lambda moved: moved.get("phase") == "training" or moved["state"] == "done")
    with ServerThread(settings) as laptop, following(laptop) as peer:
        wait_until(
            lambda: peer.call("training.show", name="away")["state"] in ("training", "waiting", "done")
        )
        wait_until(lambda: peer.call("training.show", name="away")["state"] == "done")
        assert len(peer.call("training.show", name="away")["losses"]) == 60
    about = json.loads((settings.store / "adapters" / "away" / "adapter_model.safetensors").read_text())
    assert len(about["losses"]) == 60
    assert pair.there() == 0


def test_two_laptops_take_turns(pair: Pair, peer: WebSocketPeer, tmp_path: Path) -> None:
    start(peer, "twin", steps=LONG)
    until_step(peer, 1)
    with ServerThread(laptop_settings(tmp_path, pair.cable.join)) as other, following(other) as second:
        wait_until(lambda: second.call("training.list")["hosts"][0]["ready"])
        start(second, "twin", steps=5)
        waits = until(second, lambda moved: "another training" in moved.get("phase", ""))
        assert (waits["state"], waits["phase"]) == (
            "waiting",
            "waiting for another training on studio, next in line",
        )
        peer.call("training.stop")
        assert until_state(second, "done")["adapter"] == "twin/adapter_model.safetensors"
    until_state(peer, "stopped")
    peer.call("training.discard", name="twin")
    assert pair.there() == 0


def test_what_goes_wrong_there_is_said_here(pair: Pair, peer: WebSocketPeer) -> None:
    with pytest.raises(RpcError, match="no checkpoint called grand") as refused:
        start(peer, "grand", checkpoint="grand")
    assert (refused.value.code, refused.value.field) == ("engine_not_ready", "checkpoint")
    with pytest.raises(RpcError, match="There is no render host called 'loft'"):
        start(peer, "lost", on="loft")
    with pytest.raises(RpcError, match="consent of everyone"):
        start(peer, "asked", consent=False)
    before = {child.name for child in multiprocessing.active_children()}  # engines
    start(peer, "twice", steps=LONG)
    until_step(peer, 1)
    (child,) = (child for child in multiprocessing.active_children() if child.name not in before)
    child.kill()
    failed = until(peer, lambda moved: moved["state"] == "failed")
    assert "process" in failed["sentence"]
    peer.call("training.resume", name="twice")
    until_step(peer, 2)
    peer.call("training.stop")
    until_state(peer, "stopped")
    with pytest.raises(RpcError, match="begun with other songs, settings"):
        start(peer, "twice", steps=7)
    peer.call("training.discard", name="twice")
    assert pair.there() == 0


def test_the_command_trains_there_too(pair: Pair, tmp_path: Path) -> None:
    three_songs(tmp_path / "songs")
    wish = replace(wish_of(tmp_path, 6, 3), checkpoint="", on="127.0.0.1")
    said = io.StringIO()
    assert train(Screen(Console(file=said, width=200)), wish, join=pair.cable.join) == 0
    assert f"sent to the render host at {pair.cable.join.address}" in said.getvalue()
    assert sorted(path.name for path in wish.adapter.rglob("*.wav")) == ["3.wav", "6.wav"]
    assert len(json.loads((wish.adapter / "adapter_model.safetensors").read_text())["losses"]) == 6
    assert not wish.run.exists()
    assert pair.there() == 0


def test_without_room_there_nothing_is_sent(
    pair: Pair, peer: WebSocketPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge_server.studio.host_trainings.ROOM", 2**60)
    start(peer, "large")
    failed = until(peer, lambda moved: moved["state"] == "failed")
    assert "GB of disk left" in failed["sentence"]
    assert pair.songs_there() == []
    peer.call("training.discard", name="large")


def test_a_host_that_is_killed_goes_on_when_it_is_back(tmp_path: Path) -> None:
    write_models(tmp_path / "models", "acestep-v15-turbo")
    with (
        host_in_a_process(training_host(tmp_path / "host", tmp_path / "models")) as host,
        ServerThread(laptop_settings(tmp_path / "laptop", host.join)) as laptop,
        following(laptop) as peer,
    ):
        wait_until(lambda: peer.call("training.list")["hosts"][0]["ready"])
        start(peer, "killed", steps=40, learning_rate=0.05, preview_every=20)
        until_step(peer, 3)
        host.kill()
        until(peer, lambda moved: "waiting for the" in moved.get("phase", ""))
        host.start()
        assert until_state(peer, "done", "failed")["state"] == "done"
        shown = peer.call("training.show", name="killed")
        adapter = laptop.settings.store / "adapters" / "killed" / "adapter_model.safetensors"
    assert (len(shown["losses"]), shown["previews"]) == (40, ["20", "40"])
    told = json.loads(adapter.read_text())
    assert told["losses"] == shown["losses"]
    assert told["losses"] == [told["losses"][0] - 1 + 1 / step for step in range(1, 41)]
