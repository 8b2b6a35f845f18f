"""Renders on another program's server through a real bridge: the song outside stays as it was, to the bit."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge_server.engines.registry import BUILT_IN, EngineSetup
from bridge_server.settings import Limits
from model.remote.http_link import NO_ANSWER
from tests.bridge_server.peers import PATIENCE, ServerThread
from tests.bridge_server.servers import settings_in
from tests.model.remote.ace_double import AceDouble

TARGETS = {spec.name: spec.target for spec in BUILT_IN}
RATE = 44_100
START, END = 100_001, 160_000


@pytest.fixture(scope="module")
def double():
    with AceDouble() as running:
        yield running


@pytest.fixture(scope="module")
def server(double, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    setup = EngineSetup(TARGETS["acestep-cpp"], {"address": double.address})
    settings = settings_in(
        folder, engines={"acestep-cpp": setup}, engine="acestep-cpp", limits=Limits(describe_seconds=PATIENCE)
    )
    write_song(settings.roots[0] / "song.wav")
    with ServerThread(settings) as running:
        yield running


def write_song(path: Path) -> None:
    random = np.random.default_rng(8)
    soundfile.write(
        path, random.integers(-8_000, 8_000, (6 * RATE, 2), dtype=np.int16), RATE, subtype="PCM_16"
    )


def test_takes_of_a_region(server, double):
    with server.websocket() as peer:
        about = peer.call("engines")["engines"]["acestep-cpp"]
        assert {"repaint", "complete", "extract", "generate"} <= set(about["can"])
        asked = {"source": "song.wav", "start": START, "end": END, "takes": 2, "prompt": "strings"}
        *_, ended = peer.render("repaint", **asked, match_loudness=False)
        assert ended.name == "done", ended
        first, second = sorted(server.takes(), key=lambda take: take.number)
        assert first.audio != second.audio
        shown = peer.call("takes.show", take=first.id)
        assert shown["receipt"]["outside_identical"] is True
        assert shown["receipt"]["exact"] is True
        recipe = shown["recipe"]
        assert recipe["weights"] == "acestep-v15-base-Q8_0 (named by the server, not verified)"
        assert recipe["figures"]["server_host"] == f"127.0.0.1:{double.port}"
        assert recipe["figures"]["reproducible"] is True
        clip, rate = soundfile.read(io.BytesIO(peer.fetch(first.id, "clip")))
        assert (rate, len(clip)) == (RATE, END - START)
    assert double.unknown_fields == set()


def test_a_cancel_ends_the_job_and_reaches_the_other_server(server, double):
    double.gate.clear()
    try:
        with server.websocket() as peer:
            job = peer.call("repaint", source="song.wav", start=START, end=END, seed=3)["job"]
            peer.frame_where(
                lambda frame: frame.get("method") == "progress" and "server" in frame["params"]["stage"]
            )
            peer.call("cancel", job=job)
            assert peer.until_end(job)[-1].name == "cancelled"
        waiting = [one for one in double.jobs.values() if one.status == "running"]
        assert all(one.cancel.wait(PATIENCE) for one in waiting)
    finally:
        double.gate.set()


def test_a_server_that_is_started_again_is_waited_for_and_asked_again(server, double):
    double.gate.clear()
    try:
        with server.websocket() as peer:

            def until(stage: str) -> None:
                peer.frame_where(
                    lambda frame: frame.get("method") == "progress" and stage in frame["params"]["stage"]
                )

            job = peer.call("repaint", source="song.wav", start=START, end=END, seed=5)["job"]
            until("rendering on the server")
            double.leave()
            double.forget()
            until(NO_ANSWER)
            double.gate.set()
            double.come_back()
            assert peer.until_end(job)[-1].name == "done"
    finally:
        double.gate.set()


def test_a_server_that_moves_the_song_is_rejected_and_nothing_is_kept(server, double):
    before = len(server.takes())
    double.faults.add("shifts")
    try:
        with server.websocket() as peer:
            *_, ended = peer.render("repaint", source="song.wav", start=START, end=END, seed=4)
    finally:
        double.faults.clear()
    assert (ended.name, ended["code"]) == ("failed", "render_rejected")
    assert "moved or changed the song outside" in ended["sentence"]
    assert len(server.takes()) == before
