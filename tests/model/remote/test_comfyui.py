"""The engine that runs a ComfyUI workflow, against a double of its server."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from model.engine import Task
from model.errors import CannotRender, NotLoaded, RenderLost, RenderRejected, RenderStopped
from model.remote.comfyui import ComfyConfig, ComfyEngine
from tests.model.remote.ace_double import tone
from tests.model.remote.comfy_double import NAMED, WORKFLOW, ComfyDouble
from tests.model.remote.requests import AT_ONCE, Restart, Stopper, render, request, song


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("model.remote.comfyui.POLL_SECONDS", 0.02)


@pytest.fixture(scope="module")
def double():
    with ComfyDouble() as running:
        yield running


@pytest.fixture
def engine_for(tmp_path_factory):
    def make(double: ComfyDouble, graph=WORKFLOW, **changes: str) -> ComfyEngine:
        path = tmp_path_factory.mktemp("workflow") / "mine.json"
        path.write_text(json.dumps(graph), encoding="utf-8")
        return ComfyEngine(ComfyConfig(double.address, workflow=str(path), **{**NAMED, **changes}))

    return make


@pytest.mark.parametrize("number", range(8))
def test_random_regions_come_back_in_time(number, double, engine_for):
    random = np.random.default_rng(number)
    rate, channels = int(random.choice([44_100, 48_000, 96_000])), int(random.integers(1, 3))
    given = song(8, rate, channels, seed=number)
    start = int(random.integers(rate, 3 * rate))
    end = int(random.integers(start + rate, 6 * rate))
    heard = render(engine_for(double), request(given, start, end, seed=number))
    assert heard.starts["mix"] == start
    assert heard.stems["mix"].shape == (end - start, channels)
    figures = heard.report.figures
    wanted = tone(figures["server_seed"], end - start, rate, start / rate - figures["window"][0])
    wanted = wanted if channels == 2 else wanted.mean(axis=1, keepdims=True)
    edge = rate // 20
    # The gain is undone as far as an autoencoder lets it be measured.
    assert np.abs(heard.stems["mix"] - wanted)[edge:-edge].max() < 0.02


def test_only_the_named_inputs_are_filled_in(double, engine_for):
    render(engine_for(double), request(song(8), 150_000, 200_000, caption="strings", seed=11))
    graph = list(double.graphs.values())[-1]
    assert graph["5"]["inputs"]["seed"] == 11
    assert graph["4"]["inputs"]["tags"] == "strings"
    assert (graph["3"]["inputs"]["start"], graph["3"]["inputs"]["end"]) == (3.12, 4.2)
    assert graph["2"]["inputs"]["audio"] in double.uploads
    assert graph["1"] == WORKFLOW["1"]


def test_what_is_told(double, engine_for):
    one = engine_for(double)
    found = one.describe()
    assert {task for task in Task if found.capability(task).available} == {
        Task.REPAINT,
        Task.COMPLETE,
    }
    report = render(one, request(song(8), 150_000, 200_000)).report
    assert report.weights == "ace_step_1.5.safetensors (named by the workflow, not verified)"
    assert report.figures["workflow"] == "mine.json"
    assert report.figures["reproducible"] is None
    assert any("depends on the workflow" in note for note in report.notes)


def test_what_a_workflow_is_run_for(double, engine_for):
    """A start and an end that nobody fills in would be those of the file."""
    graph = {number: node for number, node in WORKFLOW.items() if number != "3"}
    covers = engine_for(double, graph, start="", end="").describe()
    assert {task for task in Task if covers.capability(task).available} == {Task.COVER}
    assert "starts from a song" in covers.capability(Task.GENERATE).reason
    for one, task in (
        (engine_for(double), Task.COVER),
        (engine_for(double, end=""), Task.COVER),
        (engine_for(double, source="", start=""), Task.GENERATE),
    ):
        found = one.describe().capability(task)
        assert not found.available
        assert found.reason == "This workflow renders a region of a song."
        assert "without" in found.remedy


def test_a_new_song(double, engine_for):
    graph = {number: node for number, node in WORKFLOW.items() if number not in ("2", "3")}
    one = engine_for(double, graph, source="", start="", end="")
    assert one.describe().capability(Task.GENERATE).available
    assert not one.describe().capability(Task.REPAINT).available
    heard = render(one, request(None, 0, 240_000, Task.GENERATE))
    assert heard.stems["mix"].shape == (240_000, 2)


def test_what_made_no_difference_is_said(double, engine_for):
    said = ("for the prompt", "for the seed", "no lyrics", "no language", "no strength")

    def told(one: ComfyEngine, **changes: object) -> tuple[list[str], object]:
        report = render(one, request(song(8), 150_000, 200_000, **changes)).report
        notes = " ".join(report.notes)
        return [words for words in said if words in notes], report.figures["server_seed"]

    assert told(engine_for(double), seed=11) == ([], 11)
    everything = {"lyrics": "la la", "language": "en", "strength": 0.8}
    assert told(engine_for(double), **everything)[0] == ["no lyrics", "no language", "no strength"]
    deaf = engine_for(double, prompt="", seed="")
    assert told(deaf, **everything) == (list(said), None)
    assert told(deaf, caption="") == (["for the seed"], None)


def test_without_a_seed_there_is_one_take(double, engine_for):
    one = engine_for(double, seed="")
    assert "every take would be the same" in one.describe().one_take
    assert engine_for(double).describe().one_take == ""
    before = len(double.asked)
    with pytest.raises(CannotRender, match=r"comfyui\.seed.*every take would be the same"):
        render(one, request(song(8), 150_000, 200_000, takes=(1,)))
    assert len(double.asked) == before


def test_it_has_no_lyrics(double, engine_for):
    found = engine_for(double).describe()
    assert found.lyrics.tokens == 0
    assert (found.languages, found.lyric_tags) == ((), ())


@pytest.mark.parametrize("fault", ["shifts", "unrelated"])
def test_a_workflow_that_moves_the_song_is_caught(fault, engine_for):
    with ComfyDouble(fault) as other, pytest.raises(RenderRejected, match="likeness"):
        render(engine_for(other), request(song(8), 150_000, 200_000))


def test_failures_have_the_nodes_own_words(engine_for):
    for fault, told in (("fails", "KSampler: CUDA out of memory"), ("nothing", "saved no sound")):
        with ComfyDouble(fault) as other, pytest.raises(CannotRender) as caught:
            render(engine_for(other), request(song(8), 150_000, 200_000))
        assert told in caught.value.sentence


@pytest.mark.parametrize("old", [False, True])
def test_a_cancel_is_answered_at_once_and_stops_nobody_else(old, engine_for):
    with ComfyDouble() as other:
        other.old = old
        other.gate.clear()
        other.running.append("somebody else's")
        stopper = Stopper("rendering on the server")
        with pytest.raises(RenderStopped):
            render(engine_for(other), request(song(8), 150_000, 200_000), stopper.stop.is_set, stopper)
        assert time.monotonic() - stopper.at < AT_ONCE
        (job,) = other.graphs
        for _ in range(500):
            if job in other.cancelled and (not old or other.interrupted):
                break
            time.sleep(0.01)
        assert other.cancelled == {job}
        assert other.interrupted == ([job] if old else [])


def test_the_queue_of_others_is_shown(engine_for):
    with ComfyDouble() as other:
        other.busy = True
        other.running.append("somebody else's")
        stopper = Stopper("waiting on the server, 1 before this")
        with pytest.raises(RenderStopped):
            render(engine_for(other), request(song(8), 150_000, 200_000), stopper.stop.is_set, stopper)


def test_a_restarted_server_has_lost_the_job(engine_for):
    with ComfyDouble() as other:
        other.gate.clear()
        restart = Restart(other, "rendering on the server", other.restart)
        with pytest.raises(RenderLost, match="knows nothing of the workflow"):
            render(engine_for(other), request(song(8), 150_000, 200_000), on_progress=restart)
        assert restart.waited


def test_what_is_missing_is_named(double, engine_for):
    alien = {**WORKFLOW, "7": {"class_type": "SomebodysNode", "inputs": {}}}
    for one, told in (
        (engine_for(double, alien), "SomebodysNode"),
        (engine_for(double, source="the tune.audio"), "no node called 'the tune'"),
        (engine_for(double, start=""), "not told its start"),
        (ComfyEngine(ComfyConfig(double.address)), "has no workflow"),
    ):
        assert told in one.describe().capability(Task.REPAINT).reason
    with pytest.raises(NotLoaded):
        engine_for(double, alien).load(lambda _: None)
