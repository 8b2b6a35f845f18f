"""The engine end to end on the tiny checkpoint: every task, equal bits, and what v1 never had."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformers", reason="prompts need transformers: pip install takebridge[acestep]")

from model.acestep_v1.engine import AceStepV1Engine, V1Config
from model.engine import Piece, RenderRequest, Report, Task
from model.errors import CannotRender, NotLoaded, RenderStopped
from tests.model.acestep_v1.golden_v1 import TINY_V1_LORA
from tests.model.acestep_v1.tiny_v1 import write_v1
from tests.model.acestep_v1.v1_requests import FAST, RATE, request, song


@pytest.fixture(scope="module")
def engine(v1_models: Path) -> AceStepV1Engine:
    return AceStepV1Engine(V1Config(str(v1_models), device="cpu", precision="float32"))


def rendered(engine: AceStepV1Engine, asked: RenderRequest) -> tuple[np.ndarray[Any, Any], Report]:
    found = list(engine.render(asked, lambda _: None, lambda: False))
    pieces = [each for each in found if isinstance(each, Piece) and each.stem == "mix"]
    position = asked.start
    for piece in pieces:
        assert piece.start == position
        position += len(piece.samples)
    assert position == asked.end
    (report,) = (each for each in found if isinstance(each, Report))
    return np.concatenate([piece.samples for piece in pieces]), report


def asked(name: str) -> RenderRequest:
    return {
        "generate": partial(request, Task.GENERATE, song=None, start=0, end=RATE, lyrics="[Verse 1]\nab"),
        "repaint": partial(request, strength=1.0),
        "after the end": partial(request, Task.COMPLETE, start=6 * RATE, end=7 * RATE, ending=True),
        "before the start": partial(request, Task.COMPLETE, start=-RATE, end=0),
        "a gap": partial(request, Task.COMPLETE),
        "cover": partial(request, Task.COVER),
        "new words": partial(request, Task.COVER, lyrics="b", options={**FAST, "edit": "lyrics", "old_lyrics": "a"}),
        "remix": partial(request, Task.COVER, options={**FAST, "steps": 5, "edit": "remix", "old_prompt": "jazz"}),
    }[name]()  # fmt: skip


NAMES = ("generate", "repaint", "after the end", "before the start", "a gap", "cover", "new words", "remix")


@pytest.mark.parametrize("name", NAMES)
def test_every_task_twice_the_same_bits(engine: AceStepV1Engine, name: str):
    first, report = rendered(engine, asked(name))
    second, _ = rendered(engine, replace(asked(name), takes=(0,)))
    assert np.array_equal(first, second)
    assert np.isfinite(first).all()
    assert first.any()
    assert report.method.startswith("Noise from untrained weights (ACE-Step-v1-3.5B)")
    assert report.figures["weights_digest"]


def test_takes_and_seeds_differ_and_a_take_does_not_depend_on_others(engine: AceStepV1Engine):
    plain = request(strength=1.0)
    zero, _ = rendered(engine, plain)
    one, _ = rendered(engine, replace(plain, takes=(1,)))
    other, _ = rendered(engine, replace(plain, seed=2))
    assert not np.array_equal(zero, one)
    assert not np.array_equal(zero, other)
    both = [
        each
        for each in engine.render(replace(plain, takes=(0, 1)), lambda _: None, lambda: False)
        if isinstance(each, Piece) and each.stem == "mix" and each.take == 1
    ]
    assert np.array_equal(np.concatenate([piece.samples for piece in both]), one)


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 1), (48_000, 1), (96_000, 2)])
def test_other_rates_and_channels(engine: AceStepV1Engine, rate: int, channels: int):
    start, end = 2 * rate + 5, 3 * rate + 2
    given = request(
        song=song(6, rate, channels), rate=rate, channels=channels, start=start, end=end, handle=rate // 10
    )
    samples, _ = rendered(engine, given)
    assert samples.shape == (end - start, channels)


def test_no_strength_gives_the_song_back_through_the_codec(engine: AceStepV1Engine):
    """Every variance below one step: two takes are then the same."""
    quiet = request(strength=0.0)
    assert np.array_equal(rendered(engine, quiet)[0], rendered(engine, replace(quiet, takes=(1,)))[0])


def test_chosen_steps_and_solvers_make_other_songs(engine: AceStepV1Engine):
    new = request(Task.GENERATE, song=None, start=0, end=RATE // 10, lyrics="")
    found = [
        rendered(engine, replace(new, options=options))[0].tobytes()
        for options in ({"steps": 2}, {"chosen_steps": "1,3"}, {"steps": 2, "solver": "heun"})
    ]
    assert len(set(found)) == 3


def test_an_adapter_changes_the_sound_and_is_named(engine: AceStepV1Engine):
    plain, _ = rendered(engine, request(strength=1.0))
    adapted = request(strength=1.0, options={**FAST, "adapter": str(TINY_V1_LORA), "adapter_strength": 2})
    changed, report = rendered(engine, adapted)
    assert not np.array_equal(plain, changed)
    assert report.weights == "ACE-Step-v1-3.5B with adapter lora"
    assert np.array_equal(rendered(engine, request(strength=1.0))[0], plain)


@pytest.mark.parametrize(
    "task",
    [task for task in Task if task not in (Task.REPAINT, Task.COMPLETE, Task.GENERATE, Task.COVER)],
)
def test_what_v1_never_had_is_refused_with_a_remedy(engine: AceStepV1Engine, task: Task):
    capability = engine.describe().capability(task)
    assert not capability.available
    assert capability.remedy
    with pytest.raises(CannotRender, match="ACE-Step v1"):
        rendered(engine, request(task))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"steps": 0}, "steps"), ({"adapter_strength": 1}, "adapter"),
        ({"adapter": "x", "adapter_strength": 9}, "adapter_strength"), ({"checkpoint": "v2"}, "v2"),
    ],
)  # fmt: skip
def test_wrong_options_are_named(engine: AceStepV1Engine, options: dict[str, Any], word: str):
    with pytest.raises(CannotRender, match=word):
        rendered(engine, request(options=options))


def test_lyrics_need_their_vocabulary_but_an_instrumental_does_not(tmp_path: Path):
    bare = AceStepV1Engine(
        V1Config(str(write_v1(tmp_path, vocabulary=False)), device="cpu", precision="float32")
    )
    new = request(Task.GENERATE, song=None, start=0, end=RATE // 10)
    assert len(rendered(bare, new)[0])
    with pytest.raises(CannotRender, match="vocabulary") as refused:
        rendered(bare, replace(new, lyrics="ab"))
    assert "models pull v1-lyrics" in refused.value.remedy


def test_a_render_stops_when_asked(engine: AceStepV1Engine):
    with pytest.raises(RenderStopped):
        list(engine.render(request(), lambda _: None, lambda: True))


def test_without_weights_it_says_how_to_get_them(tmp_path: Path):
    for folder in ("", str(tmp_path), str(tmp_path / "absent")):
        bare = AceStepV1Engine(V1Config(folder))
        described = bare.describe()
        assert not described.capability(Task.GENERATE).available
        assert "models pull v1" in described.capability(Task.GENERATE).remedy
        with pytest.raises(NotLoaded):
            bare.load(lambda _: None)


def test_the_description_and_unloading(engine: AceStepV1Engine):
    described = engine.describe()
    assert described.weights == "ACE-Step-v1-3.5B"
    assert {"zh", "en", "unknown"} <= set(described.languages)
    assert described.capability(Task.COVER).available
    engine.unload()
    assert rendered(engine, request())[0].any()
