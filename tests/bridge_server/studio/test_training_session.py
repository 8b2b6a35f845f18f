"""A laptop that does not keep to the rules about trainings: it is refused, and the host is there for others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from bridge_server.studio import host_trainings, training_session
from bridge_server.studio.host_training import HostTraining
from bridge_server.studio.host_trainings import HostTrainings
from bridge_server.studio.link_messages import BYTES, FilePart, OrderFailed, SharedFile
from bridge_server.studio.running_host import running_host
from bridge_server.studio.training_messages import (
    FetchFile,
    ForgetTraining,
    TrainingForgotten,
    TrainingStands,
    TrainThere,
)
from bridge_server.studio.training_session import TrainingSession
from bridge_server.studio.wire import LinkLostError
from bridge_server.training.trainable import Trainable
from bridge_server.training.training_runner import RunningTraining
from tests.bridge_server.render_hosts import host_settings
from tests.bridge_server.studio.linked_trainings import ordered
from tests.bridge_server.studio.test_host_session import plain_bridge


def on_host(folder: Path, work: Any) -> None:
    async def run() -> None:
        async with running_host(host_settings(folder / "host", ("slow",), places=1)) as running:
            async with plain_bridge(running) as wire:
                await asyncio.wait_for(work(wire), 60)
            async with plain_bridge(running):
                pass  # whatever happened, the host is there for others

    asyncio.run(run())


@pytest.fixture
def one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_trainings, "trainable", lambda _: Trainable(("acestep-v15-turbo",)))


def test_a_host_without_models_says_what_it_lacks(tmp_path: Path) -> None:
    async def work(wire: Any) -> None:
        await wire.send(TrainThere(1, ordered(tmp_path)[0], True))
        answer = await wire.receive()
        assert isinstance(answer, OrderFailed)
        assert (answer.code, answer.sentence.startswith("The render host studio cannot train.")) == (
            "engine_not_ready",
            True,
        )

    on_host(tmp_path, work)


@pytest.mark.usefixtures("one_model")
def test_files_that_are_not_the_trainings_can_neither_come_nor_go(tmp_path: Path) -> None:
    order, _, paths = ordered(tmp_path)
    one = order.songs[0]

    async def work(wire: Any) -> None:
        await wire.send(TrainThere(1, order, True))
        stands = await wire.receive()
        assert isinstance(stands, TrainingStands)
        assert set(stands.missing) == {song.bytes_digest for song in order.songs}
        for name in ("order.json", "../../token.txt", "songs/rain.wav"):
            await wire.send(FetchFile(1, name, 0))
            assert (await wire.receive()).code == "file_missing"
        await wire.send(FetchFile(7, "previews/0.wav", 0))
        assert (await wire.receive()).code == "file_missing"
        await wire.send(FilePart(1, SharedFile(one.bytes_digest, BYTES, one.size), b"!" * one.size))
        assert (await wire.receive()).code == "bad_upload"
        await wire.send(
            FilePart(1, SharedFile(one.bytes_digest, BYTES, one.size), paths[one.digest].read_bytes())
        )
        assert (await wire.receive()).digest == one.bytes_digest
        await wire.send(TrainThere(2, replace(order, consent=replace(order.consent, songs=())), True))
        assert (await wire.receive()).code == "not_allowed"
        await wire.send(ForgetTraining(3, "../../audio"))
        assert isinstance(await wire.receive(), TrainingForgotten)
        assert (tmp_path / "host" / "audio").exists()
        await wire.send(ForgetTraining(4, order.id))
        assert isinstance(await wire.receive(), TrainingForgotten)
        assert not list((tmp_path / "host" / "trainings").iterdir())

    on_host(tmp_path, work)


def test_what_takes_long_to_remove_holds_up_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(wire: Any) -> None:
        gone = asyncio.Event()

        async def slowly(_: Any, __: str) -> None:
            await gone.wait()

        monkeypatch.setattr(host_trainings.HostTrainings, "forget", slowly)
        await wire.send(ForgetTraining(1, "ab" * 16))
        await wire.send(FetchFile(2, "previews/0.wav", 0))
        assert (await wire.receive()).number == 2
        gone.set()
        assert await wire.receive() == TrainingForgotten(1)

    on_host(tmp_path, work)


class Told:
    """A wire that keeps what it is given."""

    def __init__(self) -> None:
        self.states: asyncio.Queue[str] = asyncio.Queue()

    async def send(self, message: TrainingStands) -> None:
        self.states.put_nowait(message.state)


@pytest.mark.parametrize("how", ["stopped", "failed", "done"])
def test_an_end_that_comes_while_the_state_before_it_is_being_told_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    order, _, _ = ordered(tmp_path)
    training = HostTraining(tmp_path / "host" / order.id, order, state="training")
    trainings, wire = HostTrainings(tmp_path / "host", "studio", None), Told()
    trainings._current = training
    read = training_session._stands
    now = RunningTraining(training.wish(tmp_path, "cpu", ""), (), how)

    async def work() -> None:
        loop = asyncio.get_running_loop()

        async def end() -> None:
            trainings._moved(now)

        def slow(*about: Any) -> TrainingStands:
            found = read(*about)
            if found.state == "training":
                asyncio.run_coroutine_threadsafe(end(), loop).result(60)
            return found

        monkeypatch.setattr(training_session, "_stands", slow)
        session = TrainingSession(trainings, cast(Any, wire))
        async with trainings._turn:  # so that its end is not written down yet
            telling = asyncio.create_task(session._tell(1, training))
            assert [await wire.states.get(), await asyncio.wait_for(wire.states.get(), 20)] == [
                "training",
                how,
            ]
            await telling
        await asyncio.gather(*trainings._ends)

    asyncio.run(work())


@pytest.mark.usefixtures("one_model")
def test_the_same_number_twice_ends_the_connection(tmp_path: Path) -> None:
    async def work(wire: Any) -> None:
        for _ in range(2):
            await wire.send(TrainThere(1, ordered(tmp_path)[0], True))
        while isinstance(answer := await wire.receive(), TrainingStands):
            pass
        assert "came twice" in answer.sentence
        with pytest.raises(LinkLostError):
            await wire.receive()

    on_host(tmp_path, work)
