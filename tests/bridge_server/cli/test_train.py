"""`takebridge train` from the folder of songs to the adapter's folder, and what it refuses before anything starts."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from rich.console import Console
from websockets.exceptions import InvalidMessage

from bridge_server.cli.commands import Screen
from bridge_server.cli.train import _interrupted, _renders, _yielding, train
from bridge_server.training.kept_trainings import kept_trainings
from bridge_server.training.training import Standing
from bridge_server.training.training_wish import TrainingWish, only_one
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.training.songs_to_learn import QUICK, three_songs
from tests.bridge_server.training.training_peer import SMALL_TRAINER


@pytest.fixture
def wish(tmp_path: Path) -> TrainingWish:
    return TrainingWish(
        name="my_sound", songs=three_songs(tmp_path / "songs"), out=tmp_path / "out", consent=True,
        store=tmp_path / "store", models=tmp_path / "none", checkpoint="", device="cpu", memory=8, changed=QUICK,
    )  # fmt: skip


def screen() -> Screen:
    return Screen(Console(file=io.StringIO(), width=200))


def shown(where: Screen) -> str:
    file = where.console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_songs_become_an_adapter_with_its_picture(
    wish: TrainingWish, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Around a trainer without networks; tests/bridge_server/test_trained_sounds.py has the real one."""
    monkeypatch.setattr("bridge_server.training.training_process.TRAINER", SMALL_TRAINER)
    where = screen()
    assert train(where, wish, yields=False) == 0
    assert sorted(path.name for path in wish.adapter.iterdir()) == [
        "adapter_model.safetensors", "loss.png", "training.json",
    ]  # fmt: skip
    said = shown(where)
    assert "3 songs, 0:16 in all:" in said
    assert "slow_walk.wav: slow walk" in said
    assert '{"adapter": "my_sound/adapter_model.safetensors"}' in said
    about = json.loads((wish.adapter / "adapter_model.safetensors").read_text())["about"]
    assert len(about["consent"]["songs"]) == 3
    assert not wish.run.exists()
    with pytest.raises(ProtocolError, match="already something called my_sound") as taken:
        train(screen(), wish)
    assert taken.value.code is ErrorCode.ID_IN_USE
    assert not capsys.readouterr().out


def test_words_of_the_planner_are_shown(wish: TrainingWish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge_server.training.training_process.TRAINER", SMALL_TRAINER)
    where = screen()
    assert train(where, replace(wish, checkpoint="planned"), yields=False) == 0
    assert "rain.wav, as the planner hears it: what rain.wav is like" in shown(where)


def test_one_that_was_begun_here_is_listed_and_no_server_goes_on_with_it(
    wish: TrainingWish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge_server.training.training_process.TRAINER", SMALL_TRAINER)
    with pytest.raises(ProtocolError, match="no checkpoint called grand"):
        train(screen(), replace(wish, checkpoint="grand"), yields=False)
    (kept,) = kept_trainings(wish.store)
    assert (kept.name, kept.under_way, kept.sentence) == (
        "my_sound", False, "There is no checkpoint called grand.",
    )  # fmt: skip


def test_without_consent_nothing_starts(wish: TrainingWish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(ProtocolError, match="consent of everyone") as refused:
        train(screen(), replace(wish, consent=False))
    assert refused.value.code is ErrorCode.NOT_ALLOWED
    assert "--consent" in refused.value.remedy
    assert not wish.store.exists()
    assert not wish.out.exists()


@pytest.mark.parametrize("name", ["", "../out", "my sound", "-x", "a/b", "ä", "x" * 65])
def test_a_name_that_is_no_folders_is_refused(wish: TrainingWish, name: str) -> None:
    with pytest.raises(ProtocolError, match="no name for an adapter"):
        train(screen(), replace(wish, name=name))
    assert not wish.store.exists()


def test_what_a_full_disk_left_of_an_adapter_takes_no_name(wish: TrainingWish) -> None:
    """The next refusal is that of the models, in the process."""
    wish.adapter.mkdir(parents=True)
    (wish.adapter / "adapter_config.json").write_text("{}")
    (wish.adapter / "adapter_model.safetensors.part").write_bytes(b"")
    with pytest.raises(ProtocolError, match="no song in"):
        train(screen(), replace(wish, songs=wish.adapter))
    (wish.adapter / "notes.txt").write_text("mine")
    with pytest.raises(ProtocolError, match="already something called"):
        train(screen(), replace(wish, songs=wish.adapter))


class FakeTraining:
    """A training that records what is asked of it, and ends when it is stopped."""

    def __init__(self) -> None:
        self.pauses: SimpleQueue[bool] = SimpleQueue()
        self.stopped = False

    def pause(self, paused: bool) -> None:
        self.pauses.put(paused)

    def stop(self) -> None:
        self.stopped = True

    def keep(self, under_way: bool) -> None:
        assert not under_way  # no server goes on with it

    def follow(self) -> Iterator[Standing]:
        yield Standing("training", 0.5)
        assert self.stopped
        raise ProtocolError(ErrorCode.CANCELLED, "Stopped.", "Go on.")


def test_it_waits_while_the_server_renders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    busy, training = threading.Event(), FakeTraining()
    monkeypatch.setattr("bridge_server.cli.train._renders", lambda _store: busy.is_set())
    monkeypatch.setattr("bridge_server.cli.train.LOOK_SECONDS", 0.001)
    with _yielding(tmp_path, training):  # type: ignore[arg-type]
        busy.set()
        assert training.pauses.get(timeout=60) is True
        busy.clear()
        assert training.pauses.get(timeout=60) is False
    assert training.pauses.get(timeout=60) is False  # whatever the last look saw


def test_a_look_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked, answered, training = threading.Event(), threading.Event(), FakeTraining()

    def hangs(_store: Path) -> bool:
        asked.set()
        answered.wait()
        return True

    monkeypatch.setattr("bridge_server.cli.train._renders", hangs)
    monkeypatch.setattr("bridge_server.cli.train.LOOK_SECONDS", 0.001)
    monkeypatch.setattr("bridge_server.cli.train.JOIN_SECONDS", 0.001)
    before = set(threading.enumerate())
    with _yielding(tmp_path, training):  # type: ignore[arg-type]
        assert asked.wait(60)
        (watcher,) = set(threading.enumerate()) - before
    answered.set()
    watcher.join(60)
    assert training.pauses.get_nowait() is False
    assert training.pauses.empty()  # an answer that comes too late pauses nothing


def test_an_interrupt_waits_for_the_state_and_says_how_to_go_on() -> None:
    where, training = screen(), FakeTraining()
    assert _interrupted(where, training) == 130  # type: ignore[arg-type]
    assert training.stopped
    assert "Stopped. Go on." in shown(where)


@pytest.mark.parametrize(
    "failure",
    [InvalidMessage("no HTTP"), ValueError("no port"), KeyError("host"), OSError("gone"), RuntimeError("?")],
)
def test_a_server_that_cannot_be_asked_does_not_render(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failure: Exception
) -> None:
    async def fails(_found: object) -> object:
        raise failure

    monkeypatch.setattr("bridge_server.cli.train.find_server", lambda _store: {})
    monkeypatch.setattr("bridge_server.cli.train.status_of", fails)
    assert not _renders(tmp_path)


def test_a_server_that_says_nothing_does_not_render(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def hangs(_found: object) -> object:
        return await asyncio.Event().wait()

    monkeypatch.setattr("bridge_server.cli.train.find_server", lambda _store: {})
    monkeypatch.setattr("bridge_server.cli.train.status_of", hangs)
    monkeypatch.setattr("bridge_server.cli.train.ANSWER_SECONDS", 0.01)
    assert not _renders(tmp_path)


def test_one_name_is_trained_once_at_a_time(wish: TrainingWish) -> None:
    with only_one(wish):
        with pytest.raises(ProtocolError, match="my_sound is being trained already") as refused:
            train(screen(), wish)
        assert refused.value.code is ErrorCode.ID_IN_USE
        assert not wish.run.exists()
        with only_one(replace(wish, name="another")):
            pass
    with only_one(wish):
        pass


def test_a_store_that_cannot_be_written_is_named(wish: TrainingWish) -> None:
    wish.store.write_text("a file")
    with pytest.raises(ProtocolError, match="The training cannot write into"):
        train(screen(), wish)


def test_a_name_taken_while_consent_was_given_is_refused(
    wish: TrainingWish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another training under this name finishes between the question and the start."""

    def consented(_wish: TrainingWish, _songs: object) -> dict[str, Any]:
        wish.adapter.mkdir(parents=True)
        (wish.adapter / "adapter_model.safetensors").write_bytes(b"whole")
        return {}

    monkeypatch.setattr("bridge_server.cli.train._consent", consented)
    with pytest.raises(ProtocolError, match="already something called"):
        train(screen(), wish)


def test_without_a_server_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    assert not _renders(tmp_path)
