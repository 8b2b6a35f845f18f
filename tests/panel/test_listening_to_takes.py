"""Takes that a network listens to: how far it is, and its end when the producer has heard enough; in Chromium."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from bridge_server.handlers import heard_words, ranking
from daw_protocol.requests import HearWords, RankTakes
from tests.bridge_server.peers import PATIENCE, ServerThread
from tests.panel.accessibility import low_contrasts, nameless

pytestmark = pytest.mark.slow

LYRICS = "la la la here"


@pytest.fixture
def listens(panel_server: ServerThread, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server's networks come to two fifths of their work, and go on from there until they are cancelled."""
    over = threading.Event()

    def held(models: Any, clips: Any, check: Callable[[], None], told: Callable[[float], None]) -> Any:
        told(0.0)
        while not over.wait(0.12):  # longer than the pause between two tellings
            told(0.4)
            check()

    handlers = panel_server.server.dispatcher._handlers
    monkeypatch.setattr(heard_words, "word_folder", lambda models: models)
    monkeypatch.setattr(ranking, "match_folder", lambda models: models)
    monkeypatch.setattr(handlers[HearWords].__self__, "_hear", held)
    monkeypatch.setattr(handlers[RankTakes].__self__, "_score", held)
    with panel_server.websocket() as peer:
        asked = {"source": "band.wav", "bars": "3-4", "bpm": 120, "engine": "noise", "seed": 1}
        assert peer.render("repaint", **asked, prompt="warm", lyrics=LYRICS)[-1].name == "done"
    yield
    over.set()


def test_listening_for_words_shows_how_far_it_is_and_stops(open_panel, listens):
    panel = open_panel().ready()
    page = panel.page
    panel.wait("v.takes.some((take) => take.prompt === 'warm')")
    page.evaluate(
        "() => panel.store.set({ selected: panel.store.get('takes').find((take) => take.prompt === 'warm').take })"
    )
    page.click("#take details[data-name=receipt] summary")
    asked = page.locator("#hear-words")
    asked.click()
    expect(page.locator("#hearing-words")).to_have_text("Listening … 40 %", timeout=PATIENCE * 1000)
    expect(asked).to_have_text("Stop listening")
    assert nameless(page) == []
    assert low_contrasts(page) == []
    asked.click()
    expect(page.locator("#notices")).to_contain_text("Listening to the takes was cancelled.")
    expect(asked).to_have_text("Were the words sung?")
    expect(asked).to_be_enabled()
    expect(page.locator("#hearing-words")).to_have_text("")


def test_ranking_shows_how_far_it_is_and_stops(open_panel, listens):
    panel = open_panel().ready()
    page = panel.page
    panel.wait("v.takes.some((take) => take.prompt === 'warm')")
    page.select_option("#take-order", "match")
    expect(page.locator("#ranking")).to_have_text("Listening … 40 %", timeout=PATIENCE * 1000)
    stop = page.locator("#stop-ranking")
    expect(stop).to_be_visible()
    assert nameless(page) == []
    stop.click()
    expect(page.locator("#notices")).to_contain_text("Listening to the takes was cancelled.")
    expect(page.locator("#take-order")).to_have_value("newest")
    expect(page.locator("#take-order")).to_be_enabled()
    expect(stop).to_be_hidden()
    expect(page.locator("#ranking")).to_have_text("")
