"""The one training of a server: what is asked before its process is there counts too. See also the desk's tests."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge_server.training.song_folder import songs_in
from bridge_server.training.training_runner import RunningTraining, TrainingRunner
from bridge_server.training.training_wish import consent_now
from daw_protocol.errors import ProtocolError
from tests.bridge_server.peers import PATIENCE
from tests.bridge_server.training.songs_to_learn import three_songs
from tests.bridge_server.training.test_training import wish_of
from tests.bridge_server.training.training_peer import LONG, SMALL_TRAINER


@pytest.fixture(autouse=True)
def small_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge_server.training.training_process.TRAINER", SMALL_TRAINER)


def test_begun_during_a_render_it_waits_from_the_first_moment(tmp_path: Path) -> None:
    wish, songs = wish_of(tmp_path, LONG), songs_in(three_songs(tmp_path / "songs"))

    async def scenario() -> None:
        told: asyncio.Queue[RunningTraining] = asyncio.Queue()
        runner = TrainingRunner(told.put_nowait)
        runner.yield_to_renders(True)
        assert runner.begin(wish, songs, consent_now(songs)).state == "waiting"
        with pytest.raises(ProtocolError, match="my_sound is being trained"):
            runner.begin(wish, songs, consent_now(songs))
        runner.yield_to_renders(False)
        async with asyncio.timeout(PATIENCE):
            while (now := await told.get()).standing.step == 0:
                assert now.under_way
        assert now.state == "training"
        await runner.close()

    asyncio.run(scenario())


def test_nothing_begins_after_the_end(tmp_path: Path) -> None:
    wish, songs = wish_of(tmp_path, LONG), songs_in(three_songs(tmp_path / "songs"))

    async def scenario() -> None:
        runner = TrainingRunner()
        await runner.close()
        with pytest.raises(ProtocolError, match="The server is stopping"):
            runner.begin(wish, songs, consent_now(songs))
        assert runner.current is None

    asyncio.run(scenario())


def test_stopped_before_it_has_begun_it_takes_no_step(tmp_path: Path) -> None:
    wish, songs = wish_of(tmp_path, LONG), songs_in(three_songs(tmp_path / "songs"))

    async def scenario() -> None:
        told: asyncio.Queue[RunningTraining] = asyncio.Queue()
        runner = TrainingRunner(told.put_nowait)
        runner.begin(wish, songs, consent_now(songs))
        assert runner.stop().under_way  # until nothing of it runs any more
        async with asyncio.timeout(PATIENCE):
            while (now := await told.get()).under_way:
                pass
        assert (now.state, now.standing.step) == ("stopped", 0)
        runner.forget(wish.name)
        assert runner.current is None
        with pytest.raises(ProtocolError, match="my_sound is not being trained"):
            runner.stop("my_sound")
        await runner.close()

    asyncio.run(scenario())
