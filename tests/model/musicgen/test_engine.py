"""MusicGen on the tiny checkpoints: exact pieces, equal bits, what it hears, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformers", reason="MusicGen needs transformers: pip install takebridge[musicgen]")

from model.engine import Piece, Task
from model.errors import CannotRender, NotLoaded
from model.library_checkpoint import UNTRAINED
from model.library_engine import LibraryConfig
from model.musicgen.engine import NEVER, MusicgenEngine
from model.musicgen.renderer import NO_ENDING, NOT_AFTER, NOT_COMMERCIAL, NOT_ON_BARS
from tests.model.library_engines import rendered, runs_out_of_memory, stops_when_asked, without_package
from tests.model.musicgen.musicgen_requests import RATE, SECONDS, request, song

MONO = {"checkpoint": "musicgen-melody"}


@pytest.fixture(scope="module")
def engine(musicgen_models: Path) -> MusicgenEngine:
    return MusicgenEngine(LibraryConfig(str(musicgen_models), device="cpu"))


ASKED = {
    "generate": lambda: request(rate=48_000, end=40_001, key="C minor"),
    "generate mono": lambda: request(channels=1, options=MONO),
    "two windows": lambda: request(end=3 * RATE + 5),
    "after the end": lambda: request(Task.COMPLETE, ending=True),
    "a gap": lambda: request(Task.COMPLETE, start=RATE, end=2 * RATE, options=MONO),
    "accompany": lambda: request(Task.ACCOMPANY, end=SECONDS * RATE),
}


@pytest.mark.parametrize("name", ASKED)
def test_every_task_is_exact_and_twice_the_same_bits(engine: MusicgenEngine, name: str):
    asked = ASKED[name]()
    stem = "backing" if asked.task is Task.ACCOMPANY else "mix"
    first, report = rendered(engine, asked, stem)
    assert first.shape == (asked.length, asked.channels)
    assert first.dtype == np.float32
    assert first.std() > 0.01
    again, _ = rendered(engine, replace(asked, takes=(0,)), stem)
    assert np.array_equal(first, again)
    other, _ = rendered(engine, replace(asked, takes=(1,)), stem)
    assert not np.array_equal(first, other)
    assert {NOT_COMMERCIAL, UNTRAINED} <= set(report.notes)
    assert (NOT_ON_BARS in report.notes) == (name == "accompany")
    assert (NOT_AFTER in report.notes) == (name == "a gap")
    assert (NO_ENDING in report.notes) == (name == "after the end")
    assert report.weights == ("musicgen-melody" if asked.options else "musicgen-stereo-melody")


def test_takes_of_one_request_are_those_of_requests_for_one(engine):
    found = [
        each
        for each in engine.render(request(takes=(0, 2)), lambda _: None, lambda: False)
        if isinstance(each, Piece)
    ]
    for take in (0, 2):
        together = np.concatenate([piece.samples for piece in found if piece.take == take])
        alone, _ = rendered(engine, request(takes=(take,)))
        assert np.array_equal(together, alone)


def test_handles_are_the_same_music_a_little_longer(engine):
    asked = request(Task.COMPLETE, handle=4_410)
    inside, _ = rendered(engine, asked)
    around, _ = rendered(engine, asked, "handles")
    assert len(around) == asked.length + 2 * asked.handle
    assert np.array_equal(around[asked.handle : -asked.handle], inside)
    early = request(Task.COMPLETE, start=4_000, end=20_000, handle=6_000)
    around, _ = rendered(engine, early, "handles")
    assert not around[:2_000].any(), "before the song there is silence"


def test_a_continuation_hears_what_comes_before_it_and_an_accompaniment_the_melody(engine):
    for task, stem in ((Task.COMPLETE, "mix"), (Task.ACCOMPANY, "backing")):
        one, _ = rendered(engine, request(task, song=song(5)), stem)
        two, _ = rendered(engine, request(task, song=song(6)), stem)
        assert not np.array_equal(one, two), task
    one, _ = rendered(engine, request(song=song(5)))
    two, _ = rendered(engine, request(song=song(6)))
    assert np.array_equal(one, two), "a new song hears none"


def test_how_far_back_it_hears_is_the_requests(engine):
    _, all_of_it = rendered(engine, request(Task.COMPLETE))
    assert all_of_it.figures["heard_before_seconds"] == 0.8
    _, none = rendered(engine, request(Task.COMPLETE, start=RATE // 2, end=RATE, context_seconds=0.0))
    assert none.figures["heard_before_seconds"] == 0.48
    with pytest.raises(CannotRender, match="nothing before the region"):
        rendered(engine, request(Task.COMPLETE, start=0, end=RATE))
    with pytest.raises(CannotRender, match="nothing before the region"):
        rendered(engine, request(Task.COMPLETE, start=-RATE, end=0))


@pytest.mark.parametrize("after", [1, 30, 300])
def test_it_stops_when_asked(engine: MusicgenEngine, after: int):
    stops_when_asked(engine, request(), after)


@pytest.mark.parametrize(
    "options",
    [
        {"guidance": 0.5}, {"guidance": "loud"}, {"guidance": True}, {"temperature": 0}, {"temperature": float("nan")},
        {"top_k": 1.5}, {"top_k": -1}, {"checkpoint": "large"},
    ],
)  # fmt: skip
def test_wrong_options_are_refused_before_anything_loads(musicgen_models: Path, options: dict[str, Any]):
    engine = MusicgenEngine(LibraryConfig(str(musicgen_models), device="cpu"))
    with pytest.raises(CannotRender) as refused:
        rendered(engine, request(options=options))
    assert refused.value.remedy
    assert engine._loaded is None


def test_options_change_what_is_played(engine):
    usual, _ = rendered(engine, request())
    for options in ({"guidance": 1}, {"temperature": 2}, {"top_k": 2}):
        changed, report = rendered(engine, request(options=options))
        assert not np.array_equal(usual, changed), options
        assert options.items() <= report.figures.items()


def test_what_it_cannot_do_has_a_reason_and_a_remedy(engine):
    described = engine.describe()
    for task in Task:
        capability = described.capability(task)
        assert capability.available is (task not in NEVER)
        assert capability.available or (capability.reason and capability.remedy)
    with pytest.raises(CannotRender, match="what came before"):
        rendered(engine, replace(request(Task.ACCOMPANY), task=Task.REPAINT))


def test_without_weights_or_packages_it_says_what_to_run(tmp_path, monkeypatch):
    for folder in ("", str(tmp_path), str(tmp_path / "absent")):
        empty = MusicgenEngine(LibraryConfig(folder))
        assert "takebridge models pull musicgen" in empty.describe().capability(Task.GENERATE).remedy
        with pytest.raises(NotLoaded, match="No MusicGen Melody checkpoint is here"):
            empty.load(lambda _: None)
    without_package(monkeypatch, "tokenizers")
    lacking = MusicgenEngine().describe().capability(Task.GENERATE)
    assert "tokenizers" in lacking.reason
    assert lacking.remedy == "pip install 'takebridge[musicgen]'"


@pytest.mark.parametrize("when", ["loading", "rendering"])
def test_too_little_memory_is_said_and_everything_is_freed(musicgen_models, monkeypatch, when: str):
    from model.musicgen.melody_network import MelodyNetwork

    engine = MusicgenEngine(LibraryConfig(str(musicgen_models), device="cpu"))
    method = "__init__" if when == "loading" else "generate"
    runs_out_of_memory(monkeypatch, engine, request(), MelodyNetwork, method)
