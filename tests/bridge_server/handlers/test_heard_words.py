"""Takes that are listened to on request: which, for which words, and what is refused."""

import asyncio
from types import SimpleNamespace

import pytest

from bridge_server.engines.registry import MODELS_ENGINE
from bridge_server.handlers import heard_words
from bridge_server.handlers.aside_desk import AsideDesk
from bridge_server.handlers.heard_words import WordHandlers
from bridge_server.handlers.listening_desk import ListeningDesk
from bridge_server.handlers.running_requests import RunningRequests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import HearWords
from model.errors import NotLoaded
from model.word_hearing import HeardWords
from tests.bridge_server.handlers.asking import Asking
from tests.clip_store.exports.songs import Shelf


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Three takes: two with lyrics, one of them in German. Every one sings half of its words, if that."""
    monkeypatch.setattr(heard_words, "word_folder", lambda models: models)
    shelf = Shelf(tmp_path / "shelf", rate=8_000)
    shelf.add(1000, 100, job="j", request={"lyrics": "[Verse]\nla la", "language": "de"})
    shelf.add(2000, 200, job="j", request={"lyrics": "[Instrumental]"})
    shelf.add(3000, 300, job="j", request={"lyrics": "one two"})
    given = []

    def hear(models, clips, check, told):
        check()
        given.append([(lyrics, language) for _, lyrics, language in clips])
        return [HeardWords(0.5, 2, "la", 0.4, "de", 1.0) for _ in clips]

    settings = SimpleNamespace(engines={MODELS_ENGINE.name: SimpleNamespace(models=tmp_path)})
    handlers = WordHandlers(settings, shelf.store, ListeningDesk(AsideDesk(), RunningRequests()), hear)
    yield SimpleNamespace(
        hear=lambda **values: asyncio.run(handlers.hear(HearWords(id="w", **values), Asking())),
        given=given,
        takes=[take.id for take in shelf.store.index.list()],
    )
    shelf.connection.close()


def test_takes_with_lyrics_are_heard_in_their_language(asked):
    response = asked.hear(job="j")
    assert asked.given == [[("one two", "unknown"), ("[Verse]\nla la", "de")]]
    assert [one.match for one in response.result.takes] == [0.5, None, 0.5]
    assert response.replies[0].text == (
        f"{asked.takes[0]} 1 of 2 words (unsure), {asked.takes[2]} 1 of 2 words (unsure); no lyrics: {asked.takes[1]}"
    )


def test_one_take_and_words_of_ones_own(asked):
    asked.hear(take=asked.takes[1], lyrics="da da")
    assert asked.given == [[("da da", "unknown")]]
    assert asked.hear(job="another").result.takes == ()


def test_takes_without_lyrics_are_refused(asked):
    with pytest.raises(ProtocolError, match="None of these takes has lyrics") as caught:
        asked.hear(take=asked.takes[1])
    assert (caught.value.code, caught.value.field) == (ErrorCode.MISSING_FIELD, "lyrics")


def test_without_weights_nothing_is_begun(asked, monkeypatch):
    def missing(models):
        raise NotLoaded("The weights are not here.", "Fetch them.")

    monkeypatch.setattr(heard_words, "word_folder", missing)
    with pytest.raises(ProtocolError, match="not here"):
        asked.hear(job="j")
    assert asked.given == []
