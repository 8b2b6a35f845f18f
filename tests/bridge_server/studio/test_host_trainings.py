"""The trainings of a host: who is refused, who waits, who is forgotten. See also test_hosted_training.py."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge_server.studio import host_trainings
from bridge_server.studio.host_training import QUEUED, SENDING, STOPPED, HostTraining
from bridge_server.studio.host_trainings import HostTrainings, queued_phase
from bridge_server.training.trainable import Trainable
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.peers import PATIENCE
from tests.bridge_server.studio.linked_trainings import ordered
from tests.bridge_server.training.training_peer import LONG, SMALL_TRAINER

Work = Callable[[HostTrainings], Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
def one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_trainings, "trainable", lambda _: Trainable(("acestep-v15-turbo",)))
    monkeypatch.setattr("bridge_server.training.training_process.TRAINER", SMALL_TRAINER)


def on_trainings(folder: Path, work: Work) -> None:
    async def run() -> None:
        trainings = HostTrainings(folder / "host", "studio", folder / "models")
        trainings.load()
        running = asyncio.create_task(trainings.run())
        try:
            await asyncio.wait_for(work(trainings), PATIENCE)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


async def until(training: HostTraining, state: str) -> None:
    while training.state != state:
        await training.changed.wait()


async def send_songs(trainings: HostTrainings, training: HostTraining, folder: Path) -> None:
    for one in training.order.songs:
        shutil.copyfile(folder / "songs" / one.name, folder / "arrived")
        await trainings.arrived(training, one.bytes_digest, folder / "arrived")


def test_one_trains_and_the_next_waits_until_it_is_stopped(tmp_path: Path) -> None:
    async def work(trainings: HostTrainings) -> None:
        order, _, _ = ordered(tmp_path, LONG)
        first = await trainings.accept(order, True)
        assert (first.state, len(first.missing())) == (SENDING, 3)
        await send_songs(trainings, first, tmp_path)
        await until(first, "training")
        assert await trainings.accept(order, True) is first
        second = await trainings.accept(replace(order, id="ab" * 16), True)
        await send_songs(trainings, second, tmp_path)
        assert (second.state, second.phase) == (QUEUED, queued_phase("studio", 0))
        await trainings.stop(second)
        assert second.state == STOPPED
        third = await trainings.accept(replace(order, id="cd" * 16), True)
        await send_songs(trainings, third, tmp_path)
        fourth = await trainings.accept(replace(order, id="ef" * 16), True)
        await send_songs(trainings, fourth, tmp_path)
        await trainings.forget(third.order.id)
        assert fourth.phase == queued_phase("studio", 0), "it has moved up"
        with pytest.raises(ProtocolError, match="with other songs"):
            await trainings.accept(replace(order, songs=order.songs[:2], consent=consent_of(order)), True)
        await trainings.forget(order.id)
        await trainings.forget(order.id)
        assert not first.folder.exists()
        assert (await trainings.accept(second.order, False)).state == STOPPED, "nobody asked for more"

    on_trainings(tmp_path, work)


def test_a_finished_one_has_no_songs_any_more_and_waits_to_be_fetched(tmp_path: Path) -> None:
    order, _, _ = ordered(tmp_path)

    async def work(trainings: HostTrainings) -> None:
        training = await trainings.accept(order, True)
        await send_songs(trainings, training, tmp_path)
        await until(training, "done")
        while (training.folder / "songs").exists():
            await training.changed.wait()
        assert [file.name for file in training.files()] == ["adapter_model.safetensors"]
        assert (len(training.measured.losses), training.measured.steps) == (5, 5)
        kept = sorted(path.name for path in training.folder.rglob("*") if path.is_file())
        assert kept == [
            "adapter_model.safetensors",
            "loss.png",
            "my_sound.lock",
            "order.json",
            "training.json",
        ]

    on_trainings(tmp_path, work)

    (tmp_path / "host" / order.id / "songs").mkdir()

    async def after_a_restart(trainings: HostTrainings) -> None:
        training = await trainings.accept(order, True)
        assert (training.state, len(training.measured.losses)) == ("done", 5)
        assert not (training.folder / "songs").exists(), "those that could not be removed"

    on_trainings(tmp_path, after_a_restart)


def consent_of(order: Any) -> Any:
    return replace(order.consent, songs=tuple(sorted(one.digest for one in order.songs[:2])))


def test_a_full_disk_and_too_many_are_refused_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(trainings: HostTrainings) -> None:
        order, _, _ = ordered(tmp_path)
        with pytest.raises(ProtocolError, match="no checkpoint called grand"):
            await trainings.accept(replace(order, checkpoint="grand"), True)
        with monkeypatch.context() as patch:
            patch.setattr(host_trainings, "ROOM", 2**60)
            with pytest.raises(ProtocolError, match="GB of disk left") as full:
                await trainings.accept(order, True)
        assert full.value.code is ErrorCode.STORE_FAILED
        with monkeypatch.context() as patch:
            patch.setattr(host_trainings, "MAX_TRAININGS", 0)
            with pytest.raises(ProtocolError, match="has 0 trainings already"):
                await trainings.accept(order, True)
        assert not (tmp_path / "host").exists()

    on_trainings(tmp_path, work)


def refused(_: Path) -> None:
    """A disk that removes nothing, as Windows does with open files."""
    raise PermissionError(13, "Permission denied")


def test_what_nobody_asked_for_in_thirty_days_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order, _, _ = ordered(tmp_path)
    folders = [tmp_path / "host" / key for key in ("ab" * 16, "cd" * 16)]

    async def order_two(trainings: HostTrainings) -> None:
        for folder in folders:
            await trainings.accept(replace(order, id=folder.name), True)

    on_trainings(tmp_path, order_two)
    then = time.time() - host_trainings.KEEP_SECONDS - 60
    os.utime(folders[0] / "order.json", (then, then))

    async def one_is_left(trainings: HostTrainings) -> None:
        assert [folder.exists() for folder in folders] == [False, True]
        os.utime(folders[1] / "order.json", (then, then))
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "rmtree", refused)
            await trainings._expire()
        assert folders[1].exists()
        await trainings._expire()
        assert not folders[1].exists()

    on_trainings(tmp_path, one_is_left)


def test_after_a_restart_the_first_that_was_ordered_is_first(tmp_path: Path) -> None:
    order, _, _ = ordered(tmp_path)
    keys = ["cd" * 16, "ab" * 16]
    for number, key in enumerate(keys):
        training = HostTraining(tmp_path / "host" / key, replace(order, id=key), ordered=100.0 + number)
        shutil.copytree(tmp_path / "songs", training.folder / "songs")
        training.keep()
        then = time.time() - number
        os.utime(training.folder / "order.json", (then, then))  # its laptop looked again
    trainings = HostTrainings(tmp_path / "host", "studio", tmp_path / "models")
    trainings.load()
    assert [one.order.id for one in trainings._queue] == keys


def test_at_a_start_what_cannot_be_read_stays_and_what_has_no_order_goes_after_thirty_days(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged, left, begun = (tmp_path / "host" / key for key in ("ab" * 16, "cd" * 16, "ef" * 16))
    for folder in (damaged, left, begun):
        (folder / "songs").mkdir(parents=True)
    (damaged / "order.json").write_text('{"order": "of another version"}', encoding="utf-8")
    then = time.time() - host_trainings.KEEP_SECONDS - 60
    for path in (damaged / "order.json", damaged, left):
        os.utime(path, (then, then))
    HostTrainings(tmp_path / "host", "studio", None).load()
    assert [folder.exists() for folder in (damaged, left, begun)] == [True, False, True]
    assert f"the training in {damaged} cannot be read and stays as it is" in caplog.text


def test_who_waits_reads_how_many_are_before() -> None:
    assert queued_phase("studio", 0).endswith("next in line")
    assert queued_phase("studio", 2).endswith("2 more before you")
