"""Requests about trainings reach a desk that is made once, when somebody first asks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge_server.handlers.trainings import ADAPTERS, RUNS, TrainingHandlers, training_folders
from bridge_server.rendering.worker import RendersUnderWay
from bridge_server.sessions.events import Events
from bridge_server.training import training_wish
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import ListTrainings, ReadTrainingSongs, StartTraining
from tests.bridge_server.peers import PATIENCE
from tests.bridge_server.training.training_peer import training_settings


def test_a_desk_is_made_when_somebody_asks_and_knows_what_happened_before(tmp_path: Path) -> None:
    async def scenario() -> None:
        events = Events()
        handlers = TrainingHandlers(training_settings(tmp_path), events)
        await handlers.go_on()  # nothing was under way
        assert handlers._desk is None
        events.publish(RendersUnderWay(1))
        client = None
        answers = await asyncio.gather(*(handlers.list(ListTrainings(), client) for _ in range(2)))  # type: ignore[arg-type]
        assert answers[0].result == answers[1].result
        desk = handlers._desk
        assert desk is not None
        assert desk._runner._renders
        events.publish(RendersUnderWay(0))
        assert not desk._runner._renders
        await handlers.close()
        with pytest.raises(ProtocolError, match="The server is stopping"):
            await handlers.list(ListTrainings(), client)  # type: ignore[arg-type]

    asyncio.run(scenario())


def test_the_end_of_the_server_ends_the_reading_of_songs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, reading = threading.Event(), []

    def held(folder: Path, _roots: object, check: Callable[[], None]) -> None:
        reading.append(folder)
        begun.set()
        while True:
            check()

    monkeypatch.setattr("bridge_server.handlers.training_desk.songs_in", held)
    settings = training_settings(tmp_path)
    folder = str(settings.roots[0])

    async def scenario() -> None:
        handlers, client = TrainingHandlers(settings, Events()), None
        wanted = [
            handlers.songs(ReadTrainingSongs(folder=folder), client),  # type: ignore[arg-type]
            handlers.start(StartTraining(name="x", songs=folder, consent=True), client),  # type: ignore[arg-type]
        ]
        asked = [asyncio.create_task(one) for one in wanted]
        await asyncio.to_thread(begun.wait, PATIENCE)
        await handlers.close()
        for error in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(error, ProtocolError)
            assert error.code is ErrorCode.CANCELLED
        assert len(reading) == 1  # the other one had to wait

    asyncio.run(asyncio.wait_for(scenario(), PATIENCE))


def test_folders_are_those_of_the_trainings(tmp_path: Path) -> None:
    assert (RUNS, ADAPTERS) == (training_wish.RUNS, training_wish.ADAPTERS)
    assert training_folders(tmp_path, "my_sound") == (
        tmp_path / ADAPTERS / "my_sound",
        tmp_path / RUNS / "my_sound",
    )


@pytest.mark.parametrize("name", ["..", "a/b", "", ".", "a\\b", "x" * 65])
def test_what_is_no_name_leads_nowhere(tmp_path: Path, name: str) -> None:
    assert training_folders(tmp_path, name) == ()
