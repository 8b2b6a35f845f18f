"""What is counted, with which labels, and what is not in it."""

from __future__ import annotations

import asyncio

import pytest

from bridge_server.handlers import metrics
from bridge_server.handlers.metrics import Histogram, size_of
from daw_protocol.addresses import COMMANDS
from daw_protocol.tasks import TASKS
from tests.bridge_server.every_door import mailbox, osc_over_websocket, over_udp, websocket
from tests.bridge_server.peers import TERMINAL
from tests.doubles import ENGINES

WORD = "zanzibar"


def values(server, family):
    """The samples of a family by their labels."""
    page = server.server.metrics
    found = asyncio.run_coroutine_threadsafe(page.families(), server._loop).result(60)
    (one,) = (entry for entry in found if entry.name == family)
    return dict(one.samples)


def test_a_histogram_counts_up_to_each_bound():
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        histogram.add(value)
    assert (histogram.counts, histogram.total) == ([2, 1, 1], pytest.approx(7.65))
    copy = histogram.copy()
    histogram.add(0.0)
    assert copy.counts == [2, 1, 1]


def test_requests_are_counted_by_door_method_and_outcome(server):
    fields = {"source": "song.wav", "start": 0, "end": 4800}
    before = values(server, "requests")
    acknowledged = values(server, "acknowledgement_seconds")
    for door in (over_udp, osc_over_websocket, websocket, mailbox):
        assert door(server, "repaint", fields).code == ""
        assert door(server, "repaint", {**fields, "end": 99999999}).code == "bad_region"
    after = values(server, "requests")
    for name in ("osc", "osc over websocket", "websocket", "mailbox"):
        for outcome in ("carried out", "refused"):
            key = (name, "repaint", outcome)
            assert after[key] - before.get(key, 0) == 1, key
        counted = values(server, "acknowledgement_seconds")[(name,)]
        known = acknowledged.get((name,))
        assert sum(counted.counts) - (sum(known.counts) if known else 0) == 1
        assert 0 < counted.total < 60


def test_jobs_are_counted_by_their_end_and_with_their_pace(start_server):
    server = start_server()
    with server.websocket() as peer:
        peer.render("repaint", source="song.wav", start=0, end=48000, takes=2)
        peer.render(
            "repaint", source="song.wav", start=0, end=4800, engine="faulty", options={"fault": "refuse"}
        )
    assert values(server, "jobs_ended") == {
        ("repaint", "noise", "done"): 1,
        ("repaint", "faulty", "failed"): 1,
    }
    ((engine, pace),) = values(server, "render_seconds_per_audio_second").items()
    assert engine == ("noise",)
    assert sum(pace.counts) == 1
    assert 0 < pace.total < 60
    assert values(server, "jobs_queued") == {(): 0}
    assert values(server, "jobs_running") == {}
    assert values(server, "engine_places")[("noise",)] == 1
    assert values(server, "engine_starts")[("noise",)] == 1


def test_connections_and_memory(server, ws):
    assert ws.call("status")
    assert values(server, "connections")[()] >= 1
    memory = values(server, "memory_bytes")
    assert memory[("server",)] > 10_000_000
    assert ("noise",) in memory
    assert values(server, "disk_free_bytes")[()] > 0
    assert values(server, "store_audio_bytes")[()] > 0


def test_a_blocked_loop_is_seen(server, monkeypatch):
    import time

    monkeypatch.setattr(metrics, "LOOK_SECONDS", 0.01)
    time.sleep(0.6)
    server.on_loop(lambda: time.sleep(0.3))
    server.on_loop(lambda: None)
    end = time.monotonic() + 30
    while sum(values(server, "loop_delay_seconds")[()].counts[-3:]) == 0:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_labels_are_few_and_quote_nobody(server, ws):
    for name in (WORD, f"{WORD}-too"):
        with server.websocket(f"?client={name}") as peer:
            peer.call("status")
            peer.render(
                "repaint", source="song.wav", start=0, end=4800, prompt=WORD, title=WORD, track=WORD, id=WORD
            )
    found = asyncio.run_coroutine_threadsafe(server.server.metrics.families(), server._loop).result(60)
    assert WORD not in repr(found)
    known = {
        *(command.name for command in COMMANDS), *TASKS, *ENGINES, *TERMINAL, "carried out", "refused", "server",
        "osc", "osc over websocket", "websocket", "mailbox", "http",
    }  # fmt: skip
    assert {label for family in found for labels, _ in family.samples for label in labels} <= known


def test_the_size_of_a_folder(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(bytes(70))
    (tmp_path / "c").write_bytes(bytes(7))
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert size_of(tmp_path / "a") == 70
    assert size_of(tmp_path / "none") == 0
