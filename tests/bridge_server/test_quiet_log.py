"""The log of a server that has worked for a producer: every task, every way in, errors and crashes, and none of the
producer's words.
"""

from __future__ import annotations

import asyncio
import shutil

import pytest

from bridge_server.log_words import traceback_text
from bridge_server.logs import JSON, LOG_FILE, logged_to
from bridge_server.settings import Limits, WatchSettings
from daw_protocol.tasks import TASKS
from tests.bridge_server import every_door
from tests.bridge_server.doors import answer_of
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in

WORD = "zanzibar"  # in all that follows
PROMPT, LYRICS = f"a {WORD} prompt", f"[verse] {WORD} moon"
SONG = f"{WORD} song.wav"
DOORS = {
    "UDP": every_door.over_udp,
    "OSC over WebSocket": every_door.osc_over_websocket,
    "WebSocket": every_door.websocket,
    "mailbox": every_door.mailbox,
}
REGION = {"start": 0, "end": 4800}


def fields_of(task):
    """A short render of a task, full of words."""
    place = REGION if TASKS[task].needs_source else {"length": "1 bars", "bpm": 240}
    if TASKS[task].only_whole:
        place = {}
    source = {"source": SONG} if TASKS[task].needs_source else {}
    return {
        **source,
        **place,
        "prompt": PROMPT,
        "lyrics": LYRICS,
        "title": f"{WORD} title",
        "track": f"{WORD} track",
    }


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """A server whose log is written as `serve` writes it, and the text of that log once it has stopped."""
    folder = tmp_path_factory.mktemp("quiet")
    watched = folder / f"{WORD} watched"
    watched.mkdir()
    settings = settings_in(
        folder, watch=WatchSettings(watched, 0.05, 0.1, 0.2), engine="faulty", limits=Limits(attempts=1)
    )
    noise_song(settings.roots[0] / SONG)
    with logged_to(settings.store, JSON), ServerThread(settings) as server:
        yield server


@pytest.fixture
def written(quiet):
    """Reads the log so far."""
    return lambda: (quiet.settings.store / "logs" / LOG_FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize("door", DOORS)
def test_every_task_by_every_way_in(quiet, written, door):
    accepted = [DOORS[door](quiet, task, {**fields_of(task), "engine": "noise"}) for task in TASKS]
    assert [outcome.code for outcome in accepted] == [""] * len(TASKS)
    with quiet.websocket() as peer:
        for outcome in accepted:
            wait_for(peer, outcome.job)
    text = written()
    assert all(f"job {outcome.job} is done" in text for outcome in accepted)
    assert WORD not in text.lower()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "wrong",
    [
        {"bpm": f"{WORD}"}, {"prompt": PROMPT * 1000}, {f"{WORD} field": 1}, {"source": f"no {SONG}"}, {"key": WORD},
        {"engine": WORD}, {"options": {WORD: WORD}}, {"language": WORD * 9}, {"bars": WORD}, {"reference": SONG},
    ],
    ids=lambda wrong: next(iter(wrong))[:12],
)  # fmt: skip
def test_what_is_refused_is_not_quoted(quiet, written, door, wrong):
    assert DOORS[door](quiet, "repaint", {**fields_of("repaint"), **wrong}).code
    assert WORD not in written().lower()


@pytest.mark.parametrize("fault", ["raise", "exit", "refuse", "nan", "memory"])
def test_an_engine_that_breaks_quotes_nothing(quiet, written, fault):
    outcome = every_door.websocket(quiet, "repaint", {**fields_of("repaint"), "options": {"fault": fault}})
    with quiet.websocket() as peer:
        assert wait_for(peer, outcome.job) == "failed"
    text = written()
    assert f"job {outcome.job} failed: " in text
    assert WORD not in text.lower()
    assert "nobody expected this" not in text.replace(r"raise KeyError(\"nobody expected this\")", "")


def test_strange_bytes_are_not_quoted(quiet, written):
    with quiet.osc() as osc, quiet.websocket() as peer:
        osc.ask(f"/bridge/{WORD}")
        osc.ask(f"/{WORD}", WORD)
        osc.send_bytes(WORD.encode())
        osc.receive()
        peer.connection.send(WORD)
        peer.frame()
        assert quiet.get(f"/exports/{WORD}/%00")[0] == 404
        assert quiet.get(f"/{WORD}?token={WORD}", Host=WORD)[0] == 403
    assert WORD not in written().lower()


def test_the_watched_folder_names_no_song(quiet, written):
    watched = quiet.settings.watch.folder
    song = quiet.settings.roots[0] / SONG
    shutil.copy(song, watched / f"{WORD} [repaint 99999, 120 bpm].wav")
    (watched / f"{WORD} broken [repaint 1, 120 bpm].wav").write_bytes(b"RIFF")
    for stem in (f"{WORD} [repaint 99999, 120 bpm]", f"{WORD} broken [repaint 1, 120 bpm]"):
        assert answer_of(watched, stem)[1]
    assert WORD not in written().lower()


def test_a_bug_of_ours_names_its_place_and_quotes_nothing(quiet, written, monkeypatch):
    async def broken(*_):
        raise ValueError(WORD)

    monkeypatch.setattr(
        quiet.server.dispatcher, "_handlers", dict.fromkeys(quiet.server.dispatcher.handled, broken)
    )
    for door in DOORS.values():
        assert door(quiet, "repaint", fields_of("repaint")).code == "internal"
    text = written()
    assert "Repaint met a bug" in text
    assert "in broken" in text
    assert WORD not in text.lower()


def test_a_task_that_nobody_waits_for_quotes_nothing(quiet, written):
    async def lost():
        raise ValueError(WORD)

    def leave():
        context = {"message": "Task exception was never retrieved", "future": asyncio.ensure_future(lost())}
        context["future"].cancel()
        asyncio.get_running_loop().call_exception_handler({**context, "exception": ValueError(WORD)})

    quiet.on_loop(leave)
    text = written()
    assert "Task exception was never retrieved" in text
    assert WORD not in text.lower()
    assert WORD in traceback_text(ValueError(WORD), words=True), "this test can fail"


def wait_for(peer, job):
    """The state in which a job has ended."""
    peer.call("watch")
    state = peer.call("jobs.show", job=job)["state"]
    while state in ("queued", "running"):
        peer.frame_where(lambda frame: frame.get("method") in ("done", "failed", "cancelled"))
        state = peer.call("jobs.show", job=job)["state"]
    return state
