"""`takebridge rank`: the table beside the receipts' figures, and what is missing."""

import asyncio
import io
import json

import pytest
from rich.console import Console
from rich.progress import Progress

from bridge_server.cli.commands import Screen
from bridge_server.cli.rank import rank, table_of, table_of_words, words
from bridge_server.handlers import ranking
from bridge_server.handlers.listening_desk import LISTENING
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.take_results import HeardTake, HeardTakes, RankedTake, RankedTakes
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = settings_in(tmp_path_factory.mktemp("rank"))
    noise_song(settings.roots[0] / "song.wav", 9000)
    with ServerThread(settings) as found:
        with found.websocket() as peer:
            peer.render("repaint", source="song.wav", start=1000, end=5000, prompt="warm", takes=2)
        yield found


def run(server, as_json=False, **values):
    printed = io.StringIO()
    screen = Screen(Console(file=printed, width=200), as_json)
    return asyncio.run(rank(server.settings, screen, values)), printed.getvalue()


def test_the_ranking_stands_beside_the_figures(server, monkeypatch, capsys):
    monkeypatch.setattr(ranking, "match_folder", lambda models: models)
    monkeypatch.setattr(ranking, "score_clips", lambda models, clips: [0.25, 0.5][: len(clips)])
    monkeypatch.setattr(ranking, "run_aside", lambda work, *given, **_: work(*given))
    status, words = run(server)
    assert status == 0
    rows = [line for line in words.splitlines() if "passed" in line]
    assert ["0.50" in rows[0], "0.25" in rows[1], "LUFS" in rows[0], "warm" in rows[0]] == [True] * 4
    run(server, as_json=True, limit=1)
    assert json.loads(capsys.readouterr().out)["takes"][0]["match"] == 0.25


def test_a_bar_moves_while_it_listens(server, monkeypatch):
    monkeypatch.setattr(ranking, "match_folder", lambda models: models)
    monkeypatch.setattr("bridge_server.handlers.running_requests.PROGRESS_SECONDS", 0.0)

    def half_way(work, models, clips, *, check, told):
        told(0.5)
        return [0.0] * len(clips)

    monkeypatch.setattr(ranking, "run_aside", half_way)
    shown = []
    monkeypatch.setattr(Progress, "update", lambda _, task, **values: shown.append(values))
    run(server)
    assert [(one["completed"], one["description"]) for one in shown] == [(0.0, LISTENING), (0.5, LISTENING)]


def test_what_is_missing_is_said(server):
    with pytest.raises(ProtocolError) as caught:
        run(server)
    assert caught.value.code is ErrorCode.ENGINE_NOT_READY
    assert "not" in caught.value.sentence


def test_a_take_that_has_gone_meanwhile():
    ranked = RankedTakes(takes=(RankedTake(take="t1", match=None, prompt=""),), network="CLAP")
    printed = io.StringIO()
    Console(file=printed).print(table_of(ranked, {}))
    assert "t1" in printed.getvalue()


def test_words_that_were_heard_are_a_table():
    heard = HeardTakes(
        takes=(
            HeardTake(take="t1", match=0.5, words=4, text="la [la]", confidence=0.25, language="en"),
            HeardTake(take="t2", match=None),
        ),
        network="Whisper",
    )
    printed = io.StringIO()
    Console(file=printed, width=200).print(table_of_words(heard))
    assert all(shown in printed.getvalue() for shown in ("2 of 4", "0.25", "la [la]", "t2"))


def test_words_need_a_recogniser(server):
    with pytest.raises(ProtocolError) as caught:
        asyncio.run(words(server.settings, Screen(Console(file=io.StringIO()), False), {}))
    assert caught.value.code is ErrorCode.MISSING_FIELD  # no take there has lyrics
