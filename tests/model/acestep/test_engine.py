"""The engine over a folder of untrained models: what it renders is noise, in the right place, as long as asked for."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from tests.places import DEMO_SONG, PROJECT, TINY_LORA, TINY_PLANNER

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

import torch
from safetensors.torch import load_file, save_file

from model.acestep.delivered_pieces import HANDLES, MIX, RESIDUAL
from model.acestep.engine import WORD_TASKS, AceStepEngine, EngineConfig
from model.acestep.sampling.option_help import ADAPTERS, CHECKPOINT, PLANNER, PLANNER_HELP, VAE, strength_of
from model.acestep.sampling.render_settings import OPTIONS
from model.acestep.weights.capabilities import MODEL_TASK
from model.acestep.weights.checkpoint import Weights
from model.blueprint import Blueprint
from model.engine import (
    Attachment,
    Grid,
    Piece,
    Progress,
    Rendered,
    RenderRequest,
    Report,
    Song,
    SongWords,
    Task,
)
from model.errors import CannotRender, NotLoaded, RanOutOfMemory, RenderStopped
from tests.model.acestep.adapters import OTHER
from tests.model.acestep.tiny_folder import write_checkpoint, write_models

SONG_SECONDS = 6
PATIENCE = 300.0  # seconds another Python may take to start and import, on a machine with much else to do
FEW = {"steps": 2}
ADAPTER = ADAPTERS[0]
ADAPTER_STRENGTH = strength_of(ADAPTER)
BASE_TASKS = (Task.EXTRACT, Task.LEGO, Task.ACCOMPANY)


def engine_of(folder: Path, **more: Any) -> AceStepEngine:
    """An engine on the CPU with plenty of memory, so that the machine's load decides nothing."""
    return AceStepEngine(
        EngineConfig(str(folder), device="cpu", **{"memory_gb": 100, "precision": "float32", **more})
    )


@pytest.fixture(scope="module")
def engine(tiny_models: Path) -> Iterator[AceStepEngine]:
    """Has an untrained turbo and an untrained base checkpoint."""
    made = engine_of(tiny_models)
    yield made
    made.unload()


@cache
def song(rate: int) -> Song:
    """Some seconds of the demo song."""
    samples, stored = soundfile.read(DEMO_SONG, frames=SONG_SECONDS * 48_000, dtype="float32", always_2d=True)
    samples = np.ascontiguousarray(soxr.resample(samples, stored, rate), dtype=np.float32)
    samples.flags.writeable = False
    return Song(samples, rate, f"demo song at {rate}")


def request(task: Task = Task.REPAINT, rate: int = 48_000, **more: Any) -> RenderRequest:
    beats = np.arange(64)
    seconds = (SONG_SECONDS, SONG_SECONDS + 1) if task is Task.COMPLETE else (2.0, 3.0)
    values: dict[str, Any] = {
        "song": None if task is Task.GENERATE else song(rate),
        "start": round(seconds[0] * rate) + (0 if task is Task.COMPLETE else 7),
        "end": round(seconds[1] * rate) + 12,
        "grid": Grid(beats * 0.5, beats % 4, np.full(64, 4), beats // 4 + 1, np.full(64, 120.0)),
        "seed": 11,
        "caption": "warm tape",
        "options": FEW,
        "stems": ("drums",) if task in BASE_TASKS else (),
    }
    return RenderRequest(task=task, rate=rate, channels=2, **{**values, **more})


def rendered(engine: AceStepEngine, asked: RenderRequest) -> list[Rendered]:
    return list(engine.render(asked, lambda _: None, lambda: False))


def stem(found: list[Rendered], name: str, first: int) -> NDArray[np.float32]:
    """The pieces of a stem, which must follow each other from `first` on."""
    position, samples = first, []
    for piece in found:
        if isinstance(piece, Piece) and piece.stem == name:
            assert piece.start == position
            position += len(piece.samples)
            samples.append(piece.samples)
    return np.concatenate(samples)


def report(found: list[Rendered]) -> Report:
    last = found[-1]
    assert isinstance(last, Report)
    return last


# --- rendering ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("task", list(MODEL_TASK))
def test_every_task_covers_its_region_to_the_sample(engine: AceStepEngine, task: Task, rate: int) -> None:
    asked = request(task, rate)
    found = rendered(engine, asked)
    name = "drums" if task in (Task.EXTRACT, Task.LEGO) else MIX
    audio = stem(found, name, asked.start)
    assert audio.shape == (asked.length, 2)
    assert audio.dtype == np.float32
    assert np.isfinite(audio).all()
    assert 1e-5 < np.abs(audio).max() < 10
    needs_base = task in BASE_TASKS
    assert report(found).figures["checkpoint"] == f"acestep-v15-{'base' if needs_base else 'turbo'}"
    if task is Task.EXTRACT:
        assert asked.song is not None
        total = audio.astype(np.float64) + stem(found, RESIDUAL, asked.start)
        assert np.abs(total - asked.song.samples[asked.start : asked.end]).max() < 1e-6


def test_equal_seeds_give_equal_audio_in_any_engine(engine: AceStepEngine, tiny_models: Path) -> None:
    asked = request(handle=480)
    once, again = rendered(engine, asked), rendered(engine_of(tiny_models), asked)
    for name, first in ((MIX, asked.start), (HANDLES, asked.start - 480)):
        assert np.array_equal(stem(once, name, first), stem(again, name, first))
    assert report(once) == report(again)
    for changed in ({"seed": 12}, {"takes": (1,)}, {"caption": "cold glass"}):
        other = rendered(engine, request(handle=480, **changed))
        assert not np.array_equal(stem(once, MIX, asked.start), stem(other, MIX, asked.start)), changed


def test_progress_rises_and_the_report_says_where_it_ran(engine: AceStepEngine) -> None:
    reported: list[Progress] = []
    found = list(engine.render(request(), reported.append, lambda: False))
    fractions = [each.fraction for each in reported if not each.stage.startswith("loading")]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    figures = report(found).figures
    assert (figures["device"], figures["numbers"], figures["int8"]) == ("cpu", "float32", False)


def test_progress_rises_where_another_checkpoint_is_loaded(tiny_models: Path) -> None:
    """Loading it is the beginning of the render that needs it, and the render is the larger part."""
    fresh = engine_of(tiny_models)
    reported: list[Progress] = []
    list(fresh.render(request(), reported.append, lambda: False))
    first = len(reported)
    list(fresh.render(request(Task.EXTRACT), reported.append, lambda: False))
    for each in (reported[:first], reported[first:]):
        fractions = [update.fraction for update in each]
        assert fractions == sorted(fractions)
        assert any("loading" in update.stage for update in each)
        loaded = max(update.fraction for update in each if "loading" in update.stage)
        assert loaded == pytest.approx(0.15)
        assert fractions[-1] == pytest.approx(1.0)


def test_each_pass_of_an_extraction_is_named(engine: AceStepEngine) -> None:
    stages: dict[str, None] = {}
    asked = request(Task.EXTRACT, stems=("drums", "bass"), options={"steps": 1})
    list(engine.render(asked, lambda update: stages.setdefault(update.stage), lambda: False))
    generating = [stage for stage in stages if stage.startswith("generating")]
    assert generating == [
        "generating drums, pass 1 of 2, step 1 of 1",
        "generating bass, pass 2 of 2, step 1 of 1",
    ]


def test_a_stop_takes_effect_within_a_step(engine: AceStepEngine) -> None:
    rendered(engine, request())  # loads the checkpoint
    steps: list[float] = []
    asked = request(options={"steps": 8})

    def progress(reported: Progress) -> None:
        if reported.stage.startswith("generating"):
            steps.append(reported.fraction)

    with pytest.raises(RenderStopped):
        list(engine.render(asked, progress, lambda: len(steps) >= 3))
    assert len(steps) == 3
    assert rendered(engine, request()), "the engine can be used again"


def test_a_stop_takes_effect_while_another_checkpoint_is_loaded(tiny_models: Path) -> None:
    engine = engine_of(tiny_models)
    engine.load(lambda _: None)
    reported: list[Progress] = []
    asked = request(options={**FEW, CHECKPOINT: "base"})
    with pytest.raises(RenderStopped):
        list(engine.render(asked, reported.append, lambda: len(reported) >= 2))
    assert [each.stage for each in reported] == ["loading the libraries", "loading acestep-v15-base"]
    assert report(rendered(engine, asked)).figures["checkpoint"] == "acestep-v15-base"


def test_memory_that_runs_out_in_the_middle_is_explained(engine: AceStepEngine) -> None:
    def progress(reported: Progress) -> None:
        if reported.stage.startswith("generating"):
            torch.empty(2**58, dtype=torch.uint8)

    with pytest.raises(RanOutOfMemory, match="cpu ran out of memory during the render") as error:
        list(engine.render(request(), progress, lambda: False))
    assert "shorter region" in error.value.remedy
    assert rendered(engine, request()), "the engine can be used again"


def test_memory_that_runs_out_while_weights_are_loaded_is_explained(tiny_models: Path) -> None:
    def progress(reported: Progress) -> None:
        if reported.fraction > 0:
            torch.empty(2**58, dtype=torch.uint8)

    engine = engine_of(tiny_models)
    with pytest.raises(RanOutOfMemory, match="ran out of memory while loading acestep-v15-turbo") as error:
        engine.load(progress)
    assert "smaller checkpoint" in error.value.remedy
    assert rendered(engine, request()), "the engine can be used again"


def test_what_does_not_fit_is_refused_before_it_starts(tiny_models: Path) -> None:
    with pytest.raises(NotLoaded, match=r"needs .* GB .*, but the device has 0\.3 GB free"):
        engine_of(tiny_models, memory_gb=0.3).load(lambda _: None)


# --- choosing a checkpoint ----------------------------------------------------------------------------


def test_the_option_names_a_checkpoint(engine: AceStepEngine) -> None:
    for name in ("base", "acestep-v15-base"):
        found = rendered(engine, request(options={**FEW, CHECKPOINT: name}))
        assert report(found).figures["checkpoint"] == "acestep-v15-base"
        assert report(found).figures["guidance"] == 7.0
    with pytest.raises(CannotRender, match="no checkpoint called 'sft'") as error:
        rendered(engine, request(options={CHECKPOINT: "sft"}))
    assert error.value.remedy == "Available: acestep-v15-turbo, acestep-v15-base."


def test_a_damaged_checkpoint_that_was_named_is_told_and_none_takes_its_place(
    tiny_models: Path, tmp_path: Path
) -> None:
    models = Path(shutil.copytree(tiny_models, tmp_path / "models"))
    (models / "acestep-v15-base" / "config.json").write_text("{")
    assert rendered(engine_of(models), request())
    with pytest.raises(NotLoaded, match=r"base.config\.json cannot be read"):
        rendered(engine_of(models), request(options={CHECKPOINT: "base"}))
    with pytest.raises(NotLoaded, match=r"base.config\.json cannot be read"):
        engine_of(models, checkpoint="base").load(lambda _: None)
    turbo = request(options={CHECKPOINT: "turbo"})
    assert rendered(engine_of(models, checkpoint="base"), turbo), "another that is named can be used"


@pytest.mark.parametrize("task", BASE_TASKS)
def test_turbo_refuses_what_it_was_not_trained_for(engine: AceStepEngine, task: Task) -> None:
    with pytest.raises(CannotRender, match="only base checkpoints") as error:
        rendered(engine, request(task, options={CHECKPOINT: "turbo"}))
    assert "takebridge models pull acestep-v15-base" in error.value.remedy


def test_turbo_alone_says_so_in_its_description(tmp_path: Path) -> None:
    engine = engine_of(write_models(tmp_path, "acestep-v15-turbo"))
    able = {entry.task: entry for entry in engine.describe().tasks}
    assert {task for task, entry in able.items() if not entry.available} == {*BASE_TASKS, *WORD_TASKS}
    assert "models pull acestep-v15-base" in able[Task.EXTRACT].remedy
    with pytest.raises(CannotRender, match="only base checkpoints"):
        rendered(engine, request(Task.EXTRACT))


@pytest.mark.parametrize(
    ("names", "preferred", "first"),
    [
        (("acestep-v15-base", "acestep-v15-turbo", "acestep-v15-turbo-shift1"), "", "acestep-v15-turbo"),
        (("acestep-v15-base", "acestep-v15-xl-turbo", "another-turbo"), "", "acestep-v15-xl-turbo"),
        (("acestep-v15-base",), "", "acestep-v15-base"),
        (("acestep-v15-base", "acestep-v15-turbo"), "base", "acestep-v15-base"),
    ],
)
def test_the_first_checkpoint(tmp_path: Path, names: tuple[str, ...], preferred: str, first: str) -> None:
    folder = write_models(tmp_path, *names)
    assert engine_of(folder, checkpoint=preferred).describe().weights == first


def test_one_checkpoints_own_folder_is_enough(tiny_models: Path) -> None:
    engine = engine_of(tiny_models / "acestep-v15-base")
    assert engine.describe().weights == "acestep-v15-base"
    assert {entry.task for entry in engine.describe().tasks if entry.available} == set(MODEL_TASK)


# --- adapters -----------------------------------------------------------------------------------------


def test_an_adapter_changes_the_render_and_leaves_nothing_behind(engine: AceStepEngine) -> None:
    plain = request()
    worn = request(options={**FEW, ADAPTER: str(TINY_LORA), ADAPTER_STRENGTH: 0.5})
    whole = request(options={**FEW, ADAPTER: str(TINY_LORA)})
    before, half, all_of_it, after = (rendered(engine, asked) for asked in (plain, worn, whole, plain))
    first = plain.start
    assert np.array_equal(stem(before, MIX, first), stem(after, MIX, first))
    assert report(before) == report(after)
    distances = [
        np.abs(stem(found, MIX, first) - stem(before, MIX, first)).max() for found in (half, all_of_it)
    ]
    assert all(distance > 1e-4 for distance in distances)
    assert distances[0] != distances[1]
    figures = report(half).figures
    assert (figures["adapter"], figures["adapter_strength"]) == ("lora_single_file", 0.5)
    assert len(figures["adapter_digest"]) == len(figures["weights_digest"]) == 64
    assert report(half).weights == "acestep-v15-turbo with adapter lora_single_file"
    assert report(before).weights == "acestep-v15-turbo"
    assert report(before).figures["weights_digest"] == figures["weights_digest"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({ADAPTER_STRENGTH: 0.5}, "needs an adapter"),
        ({ADAPTER: str(TINY_LORA), ADAPTER_STRENGTH: 2.5}, "adapter_strength cannot be 2.5"),
        ({"adapter_3_strength": 1.0}, "The option adapter_3_strength needs an adapter"),
        ({ADAPTER: str(TINY_LORA), "adapter_2": str(TINY_LORA)}, "lora_single_file is given twice"),
        ({ADAPTER: str(TINY_LORA), ADAPTER_STRENGTH: True}, "adapter_strength cannot be True"),
        ({ADAPTER: str(DEMO_SONG)}, "not a complete safetensors file"),
    ],
)
def test_adapters_that_cannot_be_worn(engine: AceStepEngine, options: dict[str, Any], words: str) -> None:
    with pytest.raises(CannotRender, match=words) as error:
        rendered(engine, request(options={**FEW, **options}))
    assert error.value.remedy
    assert rendered(engine, request()), "the engine can be used again"


# --- planning -----------------------------------------------------------------------------------------


def test_several_adapters_act_at_once_and_leave_nothing_behind(engine: AceStepEngine) -> None:
    both = request(
        options={**FEW, ADAPTER: str(TINY_LORA), "adapter_2": str(OTHER), "adapter_2_strength": -0.5}
    )
    swapped = request(
        options={**FEW, ADAPTER: str(OTHER), ADAPTER_STRENGTH: -0.5, "adapter_2": str(TINY_LORA)}
    )
    plain, worn, again = (rendered(engine, asked) for asked in (request(), both, swapped))
    first = stem(worn, MIX, both.start)
    assert np.array_equal(first, stem(again, MIX, both.start)), "in any order"
    assert not np.array_equal(first, stem(plain, MIX, both.start))
    assert np.array_equal(stem(plain, MIX, both.start), stem(rendered(engine, request()), MIX, both.start))
    figures = report(worn).figures
    assert [figures[name] for name in (ADAPTER, "adapter_2", "adapter_2_strength")] == [
        "lora_single_file", "tiny_adapter_b", -0.5,
    ]  # fmt: skip
    assert report(worn).weights == "acestep-v15-turbo with adapter lora_single_file + tiny_adapter_b"


def test_adapters_are_switched_without_reading_the_whole_transformer_again(
    engine: AceStepEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered(engine, request())

    def loaded_again(*_: object) -> NoReturn:
        raise AssertionError("the base was loaded again")

    monkeypatch.setattr(Weights, "load_dit", loaded_again)
    for options in ({ADAPTER: str(TINY_LORA)}, {ADAPTER: str(OTHER)}, {}):
        rendered(engine, request(options={**FEW, **options}))


def test_an_edit_keeps_the_song_and_a_silent_one_is_refused(engine: AceStepEngine) -> None:
    words = SongWords("warm tape", "old words")
    asked = request(Task.COVER, edit=words, lyrics="new words")
    found = rendered(engine, asked)
    figures = report(found).figures
    assert (figures["model_task"], figures["edit_start"], figures["edit_end"], figures["edit_draws"]) == (
        "cover-nofsq", 0.0, 1.0, 1,
    )  # fmt: skip
    assert np.array_equal(stem(found, MIX, asked.start), stem(rendered(engine, asked), MIX, asked.start))
    same = request(Task.COVER, edit=replace(words, lyrics="new words"), lyrics="new words")
    unchanged, other = stem(rendered(engine, same), MIX, asked.start), stem(found, MIX, asked.start)
    kept = stem(rendered(engine, replace(same, options={**FEW, "edit_start": 1.0})), MIX, asked.start)
    near, far = (np.abs(each - kept).max() for each in (unchanged, other))
    assert near < 0.1 * far, "equal words leave the song, as it comes through the autoencoder"
    quiet = Song(np.zeros((SONG_SECONDS * 48_000, 2), np.float32), 48_000, "silence")
    with pytest.raises(CannotRender, match="nothing to edit"):
        rendered(engine, replace(asked, song=quiet))


def test_a_retake_of_a_take_is_near_it(engine: AceStepEngine) -> None:
    of_third = {**FEW, "retake_of": "3"}
    third = stem(rendered(engine, request(takes=(2,))), MIX, request().start)
    same = rendered(engine, request(takes=(0,), options={**of_third, "variance": 0.0}))
    near = rendered(engine, request(takes=(0,), options={**of_third, "variance": 0.1, "variation": "7"}))
    assert np.array_equal(third, stem(same, MIX, request().start))
    assert not np.array_equal(third, stem(near, MIX, request().start))
    figures = report(near).figures
    assert (figures["variance"], figures["variation"], figures["retake_of"]) == ([0.1], [7], 3)


def test_another_autoencoder_can_be_chosen_by_name(tiny_models: Path, tmp_path: Path) -> None:
    models = shutil.copytree(tiny_models, tmp_path / "models")
    other = shutil.copytree(models / "vae", models / "scragvae") / "diffusion_pytorch_model.safetensors"
    save_file({name: value * 1.01 for name, value in load_file(other).items()}, other)
    at = engine_of(models)
    own, chosen, again = (
        rendered(at, request(options={**FEW, **options}))
        for options in ({}, {"vae": "scragvae"}, {"vae": "official"})
    )
    start = request().start
    assert not np.array_equal(stem(own, MIX, start), stem(chosen, MIX, start))
    assert np.array_equal(stem(own, MIX, start), stem(again, MIX, start))
    assert report(chosen).figures["vae"] == "scragvae"
    assert len(report(chosen).figures["vae_digest"]) == 64
    assert "vae" not in report(again).figures
    with pytest.raises(CannotRender, match="no autoencoder called 'best'") as refused:
        rendered(at, request(options={"vae": "best"}))
    assert refused.value.remedy == "Available: official, scragvae, vae."


def with_planner(models: Path, folder: Path) -> Path:
    """The same checkpoints with the tiny planner beside them."""
    shutil.copytree(models, folder)
    shutil.copytree(TINY_PLANNER, folder / "acestep-5Hz-lm-1.7B")
    return folder


def test_a_song_is_planned_before_it_is_composed(tiny_models: Path, tmp_path: Path) -> None:
    engine = engine_of(with_planner(tiny_models, tmp_path / "models"))
    asked = request(Task.GENERATE, caption="calm piano", options={**FEW, PLANNER: "on"})
    reported: list[Progress] = []
    found = list(engine.render(asked, reported.append, lambda: False))
    (written,) = [each for each in found if isinstance(each, Attachment)]
    blueprint = json.loads(written.data)
    assert (written.name, len(blueprint["audio_codes"])) == ("blueprint.json", 50)  # ten seconds at least
    assert (blueprint["facts"]["bpm"], blueprint["facts"]["timesignature"]) == (120, "4")  # the host's
    assert blueprint["facts"]["keyscale"].split()[1] in ("major", "minor")  # the planner's
    (words,) = [each for each in found if isinstance(each, Blueprint)]
    assert (words.key, words.caption, words.tempo) == (blueprint["facts"]["keyscale"], "calm piano", None)
    assert words.fit == blueprint["fit"]
    assert set(words.fit) == {"total", "caption", "facts"}
    assert report(found).figures["planned_codes"] == 50
    stages = [each.stage for each in reported]
    assert stages.index("planning the song") < stages.index("generating, step 1 of 2")
    fractions = [each.fraction for each in reported if not each.stage.startswith("loading acestep")]
    assert fractions == sorted(fractions)
    first = asked.start
    once, again = stem(found, MIX, first), stem(rendered(engine, asked), MIX, first)
    assert np.array_equal(once, again)
    assert not np.array_equal(once, stem(rendered(engine, replace(asked, options=FEW)), MIX, first))
    other = rendered(engine, replace(asked, seed=12))
    assert json.loads(next(each for each in other if isinstance(each, Attachment)).data) != blueprint
    with pytest.raises(CannotRender, match="plans new songs"):
        rendered(engine, request(options={**FEW, PLANNER: "on"}))


@pytest.mark.parametrize("task", [Task.REPAINT, Task.GENERATE])
def test_several_takes_of_one_request_equal_each_by_itself(engine: AceStepEngine, task: Task) -> None:
    """Bit for bit: a take must not depend on which others are rendered with it."""
    asked = request(task, takes=(0, 2, 3))
    told: list[Progress] = []
    found = list(engine.render(asked, told.append, lambda: False))
    reports = [each for each in found if isinstance(each, Report)]
    assert [each.take for each in reports] == [0, 2, 3]
    assert {each.take for each in told} == {0, 2, 3}
    mixes = []
    for take in asked.takes:
        mine = [each for each in found if isinstance(each, Piece) and each.take == take]
        mixes.append(stem(mine, MIX, asked.start))
        alone = rendered(engine, replace(asked, takes=(take,)))
        assert np.array_equal(mixes[-1], stem(alone, MIX, asked.start))
    assert not np.array_equal(mixes[0], mixes[1])


def test_planning_without_a_planner(engine: AceStepEngine) -> None:
    with pytest.raises(CannotRender, match="No planner is installed next to acestep-v15-turbo") as error:
        rendered(engine, request(Task.GENERATE, options={**FEW, PLANNER: "on"}))
    assert "acestep-5Hz-lm" in error.value.remedy
    with pytest.raises(CannotRender, match="planner cannot be 'perhaps'"):
        rendered(engine, request(Task.GENERATE, options={**FEW, PLANNER: "perhaps"}))


# --- describing and loading ---------------------------------------------------------------------------


def test_the_description_names_every_switch(engine: AceStepEngine) -> None:
    about = engine.describe()
    strengths = map(strength_of, ADAPTERS)
    assert set(about.options) == {*OPTIONS, CHECKPOINT, *ADAPTERS, *strengths, PLANNER, *PLANNER_HELP, VAE}
    assert about.file_options == ADAPTERS
    assert about.neural
    assert about.max_seconds == 600.0
    assert [entry.task for entry in about.tasks] == list(Task)


def unusable(engine: AceStepEngine) -> tuple[str, str]:
    """Why nothing can be done and the remedy: the same in the description of every task and on loading."""
    about = engine.describe()
    assert not any(entry.available for entry in about.tasks)
    (reported,) = {(entry.reason, entry.remedy) for entry in about.tasks}
    for attempt in (lambda: engine.load(lambda _: None), lambda: rendered(engine, request())):
        with pytest.raises(NotLoaded) as error:
            attempt()
        assert (error.value.sentence, error.value.remedy) == reported
    return reported


def test_without_weights_it_says_what_to_do(tmp_path: Path) -> None:
    reason, remedy = unusable(AceStepEngine())
    assert reason == "No ACE-Step weights are configured."
    assert "takebridge models pull turbo" in remedy
    assert "There is nothing at" in unusable(engine_of(tmp_path / "nowhere"))[0]
    assert "There is no ACE-Step model in" in unusable(engine_of(tmp_path))[0]
    write_checkpoint(tmp_path / "acestep-v15-turbo")
    assert "is missing its VAE and its text encoder" in unusable(engine_of(tmp_path))[0]


def test_a_device_that_is_not_there_is_refused(tiny_models: Path) -> None:
    with pytest.raises(NotLoaded, match="no device type"):
        AceStepEngine(EngineConfig(str(tiny_models), device="abacus")).load(lambda _: None)


def test_loading_and_unloading(tiny_models: Path) -> None:
    engine = engine_of(tiny_models)
    reported: list[Progress] = []
    engine.load(reported.append)
    assert reported[-1] == Progress("loading acestep-v15-turbo", 1.0)
    reported.clear()
    rendered_progress: list[Progress] = []
    list(engine.render(request(), rendered_progress.append, lambda: False))
    assert not [each for each in rendered_progress if each.stage.startswith("loading")]
    engine.unload()
    engine.unload()
    assert rendered(engine, request()), "loads again by itself"


def test_nothing_is_fetched(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> NoReturn:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    engine = engine_of(tiny_models)
    engine.load(lambda _: None)
    assert rendered(engine, request())


DESCRIBE = """
import sys
from model.acestep.engine import AceStepEngine, EngineConfig
for folder, able in (("", 0), (sys.argv[1], 7)):
    tasks = AceStepEngine(EngineConfig(folder)).describe().tasks
    assert sum(entry.available for entry in tasks) == able, tasks
    assert len(tasks) == 10, "without a planner what is in words is refused"
assert not {"torch", "transformers", "safetensors"} & set(sys.modules)
"""


def test_describing_needs_no_torch(tiny_models: Path) -> None:
    command = [sys.executable, "-c", DESCRIBE, str(tiny_models)]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == 0, ended.stderr


HIDE_TORCH = """
import importlib.machinery as machinery
import sys

find = machinery.PathFinder.find_spec

class Hiding:
    @staticmethod
    def find_spec(name, *rest):
        return None if name in ("torch", "transformers") else find(name, *rest)

sys.meta_path = [Hiding if finder is machinery.PathFinder else finder for finder in sys.meta_path]

from model.acestep.engine import AceStepEngine, EngineConfig

first = AceStepEngine(EngineConfig(sys.argv[1])).describe().tasks[0]
print(first.reason, first.remedy)
"""


def test_missing_packages_are_named(tiny_models: Path) -> None:
    command = [sys.executable, "-c", HIDE_TORCH, str(tiny_models)]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.stdout.strip() == (
        "ACE-Step needs packages that are not installed: torch, transformers. pip install 'takebridge[acestep]'"
    ), ended.stderr
