"""The engine as its host uses it: contract of pieces, progress, cancelling, memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.blueprint import Blueprint
from model.ears import CannotHear, HeardBeats
from model.engine import Piece, Progress, RenderRequest, Report, Task
from model.errors import RenderStopped
from model.sketch.analysis import analysis
from model.sketch.band import accompany
from model.sketch.engine import SketchConfig, SketchEngine
from tests.model.sketch.questions import work_between_questions
from tests.model.sketch.songs import Generated, grid_of, make_song, request_for, song_of
from tests.model.stems.test_engine import Plain
from tests.model.stems.test_published_stems import installed


@pytest.fixture(scope="module")
def made() -> Generated:
    return make_song(20)


@pytest.fixture(scope="module")
def engine() -> SketchEngine:
    engine = SketchEngine()
    engine.load(lambda progress: None)
    return engine


def rendered(engine: SketchEngine, request: RenderRequest) -> tuple[dict[str, Piece], Report]:
    *pieces, report = engine.render(request, lambda progress: None, lambda: False)
    assert isinstance(report, Report)
    return {piece.stem: piece for piece in pieces if isinstance(piece, Piece)}, report


@pytest.mark.parametrize("task", [Task.REPAINT, Task.COMPLETE])
def test_pieces_cover_exactly_the_region_and_its_handles(
    engine: SketchEngine, made: Generated, task: Task
) -> None:
    start, end, handle = made.bar_frame(8) + 17, made.bar_frame(12) + 5, 2205
    pieces, report = rendered(engine, request_for(made, start, end, task, handle=handle))
    mix, handles = pieces["mix"], pieces["handles"]
    assert (mix.start, mix.samples.shape, mix.samples.dtype) == (start, (end - start, 2), np.float32)
    assert (handles.start, handles.samples.shape) == (start - handle, (end - start + 2 * handle, 2))
    middle = slice(len(mix.samples) // 2, len(mix.samples) // 2 + 1000)
    assert np.array_equal(
        mix.samples[middle], handles.samples[middle.start + handle : middle.stop + handle]
    ), "inside, away from the edges, handles and mix are the same take"
    assert report.method.startswith("Sketch")
    assert "ACE" not in report.method
    assert report.figures["source_bars"]


def test_an_analysis_is_told_in_words_and_needs_no_grid_of_the_host(
    engine: SketchEngine, made: Generated
) -> None:
    request = request_for(made, 0, made.song.frames, Task.ANALYSE)
    found, report = engine.render(request, lambda progress: None, lambda: False)
    assert isinstance(found, Blueprint)
    assert isinstance(report, Report)
    truth = float(made.grid.quarters_per_minute[0])
    assert found.tempo is not None
    octaves = {found.tempo, found.other_tempo}
    assert any(one is not None and abs(one / truth - 1.0) < 0.005 for one in octaves), (octaves, truth)
    assert "tempogram" in report.method


def test_equal_requests_give_equal_samples_and_other_takes_do_not(
    engine: SketchEngine, made: Generated
) -> None:
    request = request_for(made, made.bar_frame(8), made.bar_frame(12))
    first = rendered(engine, request)[0]["mix"].samples
    again = rendered(SketchEngine(), request)[0]["mix"].samples
    other = rendered(engine, replace(request, takes=(1,)))[0]["mix"].samples
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("task", [Task.REPAINT, Task.COMPLETE, Task.ACCOMPANY])
def test_several_takes_of_one_request_equal_each_by_itself(made: Generated, task: Task) -> None:
    """Bit for bit, and everything that comes names its take."""
    start = made.bar_frame(8)
    request = replace(request_for(made, start, made.bar_frame(10), task), takes=(0, 1, 3))
    said: list[Progress] = []
    found = list(SketchEngine().render(request, said.append, lambda: False))
    assert [each.take for each in found if isinstance(each, Report)] == [0, 1, 3]
    assert {progress.take for progress in said} == {0, 1, 3}
    for take in request.takes:
        alone = SketchEngine().render(replace(request, takes=(take,)), lambda _: None, lambda: False)
        for one, other in zip([each for each in found if each.take == take], alone, strict=True):
            assert type(one) is type(other)
            if isinstance(one, Piece) and isinstance(other, Piece):
                assert (one.stem, one.start) == (other.stem, other.start)
                assert np.array_equal(one.samples, other.samples)


@pytest.mark.parametrize(("task", "layers"), [(Task.REPAINT, "drums only"), (Task.COMPLETE, "all")])
def test_equal_requests_give_equal_samples_whatever_was_rendered_before(task: Task, layers: str) -> None:
    """One engine has rendered for days, another begins the same job again after a crash: both give the same."""
    song = make_song(6, bpm=240.0, rate=22050, channels=1)
    used, bar = SketchEngine(), song.bar_frame(1)
    request = request_for(song, 3 * bar, 4 * bar, task, layers=layers)
    rendered(used, replace(request, start=2 * bar, seed=7))  # around the region asked for below
    rendered(used, replace(request, key="F# minor"))
    fresh, after = rendered(SketchEngine(), request)[0], rendered(used, request)[0]
    assert np.array_equal(fresh["mix"].samples, after["mix"].samples)


def test_three_regions_of_a_song_are_rendered_from_one_analysis(
    made: Generated, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, heard = SketchEngine(), []
    listen, on_grid = analysis.listen, analysis.on_grid
    monkeypatch.setattr(analysis, "listen", lambda *given: heard.append("audio") or listen(*given))
    monkeypatch.setattr(analysis, "on_grid", lambda *given: heard.append("grid") or on_grid(*given))
    for bar in (8, 2, 14):
        rendered(engine, request_for(made, made.bar_frame(bar), made.bar_frame(bar + 2), Task.REPAINT))
    assert heard == ["audio", "grid"]


def test_progress_rises_to_one_and_names_its_stages(engine: SketchEngine, made: Generated) -> None:
    said: list[Progress] = []
    request = request_for(made, made.bar_frame(8), made.bar_frame(12))
    list(SketchEngine().render(request, said.append, lambda: False))
    fractions = [progress.fraction for progress in said]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {"analysing the song", "choosing bars", "joining bars"} <= {progress.stage for progress in said}
    assert any(progress.seconds_left is not None for progress in said)


@pytest.mark.slow
def test_a_ten_minute_song_asks_whether_to_stop_all_the_time() -> None:
    noise = np.random.default_rng(3).normal(0.0, 0.1, (48000 * 60, 1)).astype(np.float32)
    long_song = song_of(np.tile(noise, (10, 2)), 48000)
    made = make_song(8)
    request = replace(request_for(made, 48000 * 60, 48000 * 64), song=long_song, rate=48000, channels=2)

    SketchEngine().load(lambda progress: None)  # imports what a first render needs

    def render(should_stop: Callable[[], bool]) -> None:
        list(SketchEngine().render(request, lambda progress: None, should_stop))

    work = work_between_questions(render)
    # The whole takes some three seconds, so this is the tenth of a second that an engine may stay silent: on a
    # machine of any speed.
    assert max(work) < sum(work) / 30


def test_stops_on_request(engine: SketchEngine, made: Generated) -> None:
    request = request_for(made, made.bar_frame(8), made.bar_frame(12))
    answers = iter([False] * 5 + [True])
    with pytest.raises(RenderStopped):
        list(SketchEngine().render(request, lambda progress: None, lambda: next(answers)))


def test_tasks_that_need_weights_are_described_with_the_remedy(engine: SketchEngine, made: Generated) -> None:
    with pytest.raises(AssertionError):
        list(engine.render(request_for(made, 0, 44100, Task.COVER), lambda progress: None, lambda: False))
    described = engine.describe()
    assert "ACE-Step weights" in described.capability(Task.COVER).remedy
    assert not described.neural
    assert not described.capability(Task.GENERATE).available
    assert described.capability(Task.REPAINT).available


@pytest.mark.alone  # it keeps time
def test_four_bars_of_an_analysed_four_minute_song_take_half_a_second_of_work(
    engine: SketchEngine, made: Generated
) -> None:
    rng = np.random.default_rng(1)
    rounds = [made.song.samples * rng.uniform(0.7, 1.0) for _ in range(6)]
    samples = np.concatenate(rounds) + rng.normal(0.0, 0.01, (240 * 44100, 1)).astype(np.float32)
    request = replace(
        request_for(made, made.bar_frame(12), made.bar_frame(16)),
        song=song_of(samples, 44100),
        grid=grid_of(np.arange(481) * 0.5),
    )
    list(engine.render(replace(request, seed=9), lambda progress: None, lambda: False))
    began = time.thread_time()
    *pieces, report = engine.render(request, lambda progress: None, lambda: False)
    assert time.thread_time() - began < 0.5
    assert isinstance(pieces[0], Piece)
    assert isinstance(report, Report)
    assert "drum_slices_changed" not in report.figures


def test_importing_the_engine_imports_nothing_heavy() -> None:
    code = (
        "import sys, model.sketch.engine; print([m for m in ('scipy', 'soxr', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_says_which_instruments_and_options_there_are(engine: SketchEngine) -> None:
    described = engine.describe()
    assert described.instruments == accompany.INSTRUMENTS
    assert set(described.options) == {"soundfont"}
    assert described.file_options == ("soundfont",)


def test_once_loaded_no_first_render_waits_for_imports() -> None:
    code = """
import sys
from tests.model.sketch.questions import work_between_questions
from tests.model.sketch.songs import make_song, request_for
from model.engine import Task
from model.sketch.engine import SketchEngine
engine, made = SketchEngine(), make_song(6)
engine.load(lambda _: None)
before = set(sys.modules)
for task in (Task.ACCOMPANY, Task.EXTRACT, Task.REPAINT, Task.COMPLETE):
    list(engine.render(request_for(made, 0, made.bar_frame(1), task), lambda _: None, lambda: False))
print(sorted(name for name in set(sys.modules) - before if name.split(".")[0] in ("model", "scipy", "soxr", "mido")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class _Tracker:
    """Ears that hear these beats, or cannot."""

    def __init__(self, heard: HeardBeats | CannotHear) -> None:
        self._heard = heard

    def hear(self, *_: object) -> HeardBeats:
        if isinstance(self._heard, CannotHear):
            raise self._heard
        return self._heard


@pytest.mark.parametrize(
    ("hears", "method", "note"),
    [
        (CannotHear(), "tempograms", ""),
        (CannotHear("No weights yet."), "tempograms", "No weights yet."),
        (HeardBeats(np.zeros(0), np.zeros(0)), "tempograms", "no even beats"),
        ("true", "Beat This!", ""),
    ],
)
def test_an_analysis_goes_by_the_tracker_where_it_hears_beats_and_says_where_not(
    engine: SketchEngine,
    made: Generated,
    monkeypatch: pytest.MonkeyPatch,
    hears: object,
    method: str,
    note: str,
) -> None:
    beats = made.grid.seconds[
        (made.grid.seconds > -1e-9) & (made.grid.seconds < made.song.frames / made.song.rate)
    ]
    if not isinstance(hears, (CannotHear, HeardBeats)):
        hears = HeardBeats(beats, beats[2::4])  # bars two beats later than ours would be
    monkeypatch.setattr(engine, "_ears", _Tracker(hears))
    request = request_for(made, 0, made.song.frames, Task.ANALYSE)
    found, report = engine.render(request, lambda progress: None, lambda: False)
    assert isinstance(found, Blueprint)
    assert isinstance(report, Report)
    assert method in report.method
    assert len(report.notes) == bool(note)
    assert note in "".join(report.notes)
    assert found.downbeat is not None
    assert (abs(found.downbeat - float(beats[2])) < 0.02) is (method == "Beat This!")


def test_layers_come_from_the_network_in_the_folder_of_models(
    made: Generated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.stems.separator.Networks", Plain)
    monkeypatch.setattr(Plain, "missing_packages", staticmethod(list))
    asked = request_for(made, made.bar_frame(8), made.bar_frame(9), Task.REPAINT, layers="keep vocals")
    models = str(installed(tmp_path, 0))
    engine = SketchEngine(SketchConfig(models))
    _, trained = rendered(engine, asked)
    assert trained.figures["separation"] == "HTDemucs 955717e8"
    assert "HTDemucs 955717e8, a neural network" in trained.method
    (Path(models) / "HTDemucs" / "955717e8.safetensors").unlink()
    _, without = rendered(engine, asked)
    assert without.figures["separation"] == "rules", "no take is cut from stems that were kept of the network"


def test_the_rules_separate_where_the_engine_was_set_up_so(tmp_path: Path) -> None:
    engine = SketchEngine(SketchConfig(str(installed(tmp_path, 0)), separation="rules"))
    assert engine._separation.network == ""


def test_a_separation_it_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="separation must be auto or rules"):
        SketchConfig(separation="magic")
