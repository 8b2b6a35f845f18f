"""Stable Audio on the tiny checkpoint: exact pieces, equal bits, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("diffusers", reason="Stable Audio needs diffusers: pip install takebridge[stable-audio]")

from model.engine import Progress, Task
from model.errors import CannotRender, NotLoaded, RenderStopped
from model.library_checkpoint import UNTRAINED
from model.library_engine import LibraryConfig
from model.stable_audio.engine import NEVER, StableAudioEngine
from model.stable_audio.renderer import LICENSED, NOT_ON_BARS
from tests.model.library_engines import rendered, runs_out_of_memory, stops_when_asked, without_package
from tests.model.stable_audio.sound_requests import request, song


@pytest.fixture(scope="module")
def engine(stable_models: Path) -> StableAudioEngine:
    return StableAudioEngine(LibraryConfig(str(stable_models), device="cpu"))


ASKED = {
    "generate": lambda: request(Task.GENERATE, rate=48_000, key="C minor"),
    "generate mono": lambda: request(Task.GENERATE, channels=1),
    "repaint": lambda: request(handle=4_410),
    "repaint at 192 kHz": lambda: request(rate=192_000, strength=1.0),
    "repaint one sample of mono": lambda: request(channels=1, end=4 * 44_100 + 2),
}


@pytest.mark.parametrize("name", ASKED)
def test_every_task_is_exact_and_twice_the_same_bits(engine: StableAudioEngine, name: str):
    asked = ASKED[name]()
    first, report = rendered(engine, asked)
    assert first.shape == (asked.length, asked.channels)
    assert first.dtype == np.float32
    again, _ = rendered(engine, replace(asked, takes=(0,)))
    assert np.array_equal(first, again)
    other, _ = rendered(engine, replace(asked, takes=(1,)))
    assert not np.array_equal(first, other)
    assert {LICENSED, UNTRAINED, NOT_ON_BARS} <= set(report.notes)
    assert report.weights == "stable-audio-open-1.0"


def test_handles_are_the_same_sound_a_little_longer_and_the_song_around_it(engine):
    asked = request(handle=4_410)
    inside, _ = rendered(engine, asked)
    around, _ = rendered(engine, asked, "handles")
    assert len(around) == asked.length + 2 * asked.handle
    assert np.array_equal(around[asked.handle : -asked.handle], inside)


def test_a_repaint_hears_the_song_and_a_new_sound_does_not(engine):
    one, two = (rendered(engine, request(song=song(seed=seed)))[0] for seed in (5, 6))
    assert not np.array_equal(one, two)
    one, two = (rendered(engine, request(Task.GENERATE, song=song(seed=seed)))[0] for seed in (5, 6))
    assert np.array_equal(one, two)


def test_what_a_prompt_has_too_much_is_named(engine):
    _, report = rendered(engine, request(caption="funk brushes " * 20))
    (lost,) = [note for note in report.notes if "exceeds the model's limit (24 tokens" in note]
    assert "the last" in lost
    _, report = rendered(engine, request(options={"steps": 10, "avoid": "rain " * 30}))
    (lost,) = [note for note in report.notes if "exceeds the model's limit (24 tokens" in note]
    assert lost.startswith("What is to be avoided")
    assert "the last 7 words" in lost


@pytest.mark.parametrize("after", [1, 30, 150])
def test_it_stops_when_asked(engine: StableAudioEngine, after: int):
    stops_when_asked(engine, request(), after)


def test_it_stops_between_the_networks_it_loads(stable_models):
    told: list[Progress] = []
    fresh = StableAudioEngine(LibraryConfig(str(stable_models), device="cpu"))
    with pytest.raises(RenderStopped):
        list(fresh.render(request(), told.append, lambda: len(told) == 3))
    assert told[-1].stage == "loading the network"
    assert told[-1].fraction > 0


def test_progress_rises_to_the_end_and_names_what_is_done(stable_models):
    told: list[Progress] = []
    fresh = StableAudioEngine(LibraryConfig(str(stable_models), device="cpu"))
    list(fresh.render(request(), told.append, lambda: False))
    stages = list(dict.fromkeys(update.stage for update in told))
    assert stages == [
        "loading the libraries", "loading the network", "listening to the song", "reading the prompt", "generating",
        "decoding", "ready",
    ]  # fmt: skip
    rendering = [update.fraction for update in told if not update.stage.startswith("loading")]
    assert rendering == sorted(rendering)
    assert rendering[-1] == 1.0


def test_wrong_options_are_refused_before_anything_loads(stable_models):
    fresh = StableAudioEngine(LibraryConfig(str(stable_models), device="cpu"))
    for options in ({"steps": 1}, {"checkpoint": "large"}, {"avoid": 3}, {"noise": 0}):
        with pytest.raises(CannotRender) as refused:
            rendered(fresh, request(options=options))
        assert refused.value.remedy
    assert fresh._loaded is None


def test_what_it_cannot_do_has_a_reason_and_a_remedy(engine):
    described = engine.describe()
    assert described.max_seconds == 3.9
    for task in Task:
        capability = described.capability(task)
        assert capability.available is (task in (Task.REPAINT, Task.GENERATE)) is (task not in NEVER)
        assert capability.available or (capability.reason and capability.remedy)
    with pytest.raises(CannotRender, match="not trained to go on"):
        rendered(engine, replace(request(), task=Task.COMPLETE))


def test_without_weights_or_packages_it_says_what_to_run(tmp_path, monkeypatch):
    for folder in ("", str(tmp_path), str(tmp_path / "absent")):
        empty = StableAudioEngine(LibraryConfig(folder))
        assert "takebridge models pull stable-audio-open" in empty.describe().capability(Task.REPAINT).remedy
        assert empty.describe().max_seconds == 47.5
        with pytest.raises(NotLoaded, match="No Stable Audio Open checkpoint is here"):
            empty.load(lambda _: None)
    without_package(monkeypatch, "diffusers")
    lacking = StableAudioEngine().describe().capability(Task.GENERATE)
    assert "diffusers" in lacking.reason
    assert lacking.remedy == "pip install 'takebridge[stable-audio]'"


@pytest.mark.parametrize("when", ["__init__", "encode", "draw"])
def test_too_little_memory_is_said_and_everything_is_freed(stable_models, monkeypatch, when: str):
    from model.stable_audio.audio_network import AudioNetwork

    fresh = StableAudioEngine(LibraryConfig(str(stable_models), device="cpu"))
    error = runs_out_of_memory(monkeypatch, fresh, request(), AudioNetwork, when)
    assert "Stable Audio Open" in error.sentence
