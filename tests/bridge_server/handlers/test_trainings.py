"""Requests about trainings reach a desk that is made once, when somebody first asks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge_server.handlers.trainings import ADAPTERS, RUNS, TrainingHandlers, training_folders
from bridge_server.rendering.worker import RendersUnderWay
from bridge_server.sessions.events import Events
from bridge_server.training import training_wish
from daw_protocol.requests import ListTrainings
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

    asyncio.run(scenario())


def test_folders_are_those_of_the_trainings(tmp_path: Path) -> None:
    assert (RUNS, ADAPTERS) == (training_wish.RUNS, training_wish.ADAPTERS)
    assert training_folders(tmp_path, "my_sound") == (
        tmp_path / ADAPTERS / "my_sound",
        tmp_path / RUNS / "my_sound",
    )


@pytest.mark.parametrize("name", ["..", "a/b", "", ".", "a\\b", "x" * 65])
def test_what_is_no_name_leads_nowhere(tmp_path: Path, name: str) -> None:
    assert training_folders(tmp_path, name) == ()
