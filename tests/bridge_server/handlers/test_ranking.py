"""Takes ranked on request: which are asked about, in which order they come back, and what is refused."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from bridge_server.engines.registry import MODELS_ENGINE
from bridge_server.handlers import ranking
from bridge_server.handlers.aside_desk import AsideDesk
from bridge_server.handlers.listening_desk import ListeningDesk
from bridge_server.handlers.ranking import RankingHandlers
from bridge_server.handlers.running_requests import RunningRequests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import RankTakes
from model.errors import NotLoaded
from tests.bridge_server.handlers.asking import Asking
from tests.clip_store.exports.songs import Shelf


@pytest.fixture
def shelf(tmp_path):
    found = Shelf(tmp_path / "shelf", rate=8_000)
    for number, prompt in enumerate(("warm", "", "warm pad", "warm"), 1):
        found.add(1000, 100 * number, job="j", request={"prompt": prompt})
    yield found
    found.connection.close()


@pytest.fixture
def asked(shelf, monkeypatch, tmp_path):
    """Ranks; notes what was to be scored. The score of a clip is by its length."""
    monkeypatch.setattr(ranking, "match_folder", lambda models: models)
    heard = []

    def score(models, clips, check, told):
        check()
        heard.append([prompt for _, prompt in clips])
        return [{100: 0.5, 300: 0.5, 400: -0.25, 200: 0.0}[length_of(path)] for path, _ in clips]

    lengths = {shelf.store.blobs.path(take.audio): take.length for take in shelf.store.index.list()}
    length_of = lengths.__getitem__
    settings = SimpleNamespace(engines={MODELS_ENGINE.name: SimpleNamespace(models=tmp_path)})
    aside = AsideDesk()
    handlers = RankingHandlers(settings, shelf.store, ListeningDesk(aside, RunningRequests()), score)
    return SimpleNamespace(
        aside=aside,
        handlers=handlers,
        rank=lambda **values: asyncio.run(handlers.rank(RankTakes(id="r", **values), Asking())),
        heard=heard,
    )


def test_the_best_come_first_equal_ones_as_they_were_and_those_without_a_prompt_last(asked):
    response = asked.rank(job="j")
    rows = [(one.take[-1], one.match) for one in response.result.takes]
    assert rows == [("3", 0.5), ("1", 0.5), ("4", -0.25), ("2", None)]
    assert asked.heard == [["warm", "warm pad", "warm"]]
    assert "no prompt: t000000002" in response.replies[0].text


def test_a_prompt_of_its_own_is_compared_with_all(asked):
    response = asked.rank(prompt="dark")
    assert asked.heard == [["dark"] * 4]
    assert {one.prompt for one in response.result.takes} == {"dark"}


def test_filters_and_no_takes(asked):
    assert asked.rank(job="another").result.takes == ()
    assert asked.rank(limit=1).result.takes[0].take == "t000000004"
    assert asked.heard == [["warm"]]


def test_takes_without_any_prompt_are_refused(asked, shelf):
    shelf.add(5000, 100, job="bare", request={})
    with pytest.raises(ProtocolError, match="None of these takes has a prompt") as caught:
        asked.rank(job="bare")
    assert (caught.value.code, caught.value.field) == (ErrorCode.MISSING_FIELD, "prompt")


def test_without_weights_nothing_is_begun(asked, monkeypatch):
    def missing(models):
        raise NotLoaded("The weights of CLAP are not here.", "Fetch them.")

    monkeypatch.setattr(ranking, "match_folder", missing)
    with pytest.raises(ProtocolError, match="not here") as caught:
        asked.rank(job="j")
    assert (caught.value.code, caught.value.remedy) == (ErrorCode.ENGINE_NOT_READY, "Fetch them.")
    assert asked.heard == []


@pytest.mark.parametrize("end", ["its client leaves", "the server closes"])
def test_a_ranking_that_nobody_waits_for_ends(asked, end):
    begun, ended = threading.Event(), threading.Event()

    def held(models, clips, check, told):
        begun.set()
        try:
            while not ended.wait(0.001):
                check()
        finally:
            ended.set()

    async def left():
        ranking = asyncio.create_task(asked.handlers.rank(RankTakes(id="r", job="j"), Asking()))
        await asyncio.to_thread(begun.wait, 60)
        if end == "its client leaves":
            ranking.cancel()
        else:
            asked.aside.close()
        (outcome,) = await asyncio.gather(ranking, return_exceptions=True)
        assert await asyncio.to_thread(ended.wait, 60)
        return outcome

    asked.handlers._score = held
    try:
        outcome = asyncio.run(asyncio.wait_for(left(), 60))
    finally:
        ended.set()
    if end == "its client leaves":
        assert isinstance(outcome, asyncio.CancelledError)
    else:
        assert (outcome.code, outcome.sentence) == (
            ErrorCode.CANCELLED,
            "Listening to the takes was cancelled.",
        )
