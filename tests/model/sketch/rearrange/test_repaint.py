"""Repainting as music: harmony, level, groove, novelty, takes, strength, layers, against a known truth."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from model.dsp import loudness
from model.engine import Piece, RenderRequest, Report, Samples
from model.sketch import parameters as p
from model.sketch.engine import SketchEngine
from model.sketch.rearrange import joins
from tests.model.sketch.songs import Generated, make_song, request_for, song_of

LEAD_BEATS = 8  # beats of the grid before the song's first
LOOP = ("C", "G", "Am", "F")


@pytest.fixture(scope="module")
def engine() -> SketchEngine:
    return SketchEngine()


@pytest.fixture(scope="module")
def pop() -> Generated:
    return make_song(32)


@pytest.fixture(scope="module")
def loop() -> Generated:
    return make_song(16, exact_loop=True, progression=LOOP)


def take(engine: SketchEngine, request: RenderRequest) -> tuple[Samples, Report]:
    *pieces, report = engine.render(request, lambda progress: None, lambda: False)
    assert isinstance(report, Report)
    return next(piece.samples for piece in pieces if isinstance(piece, Piece)), report


def region(made: Generated, first: int = 12, last: int = 16, **changes: object) -> RenderRequest:
    return request_for(made, made.bar_frame(first), made.bar_frame(last), **changes)


def source_beats(report: Report) -> list[int]:
    """Song beats (0 = first) at which the runs of a report start."""
    starts = []
    for name in report.figures["source_bars"]:
        words = name.replace("-", " ").split()
        beat = int(words[-1]) - 1 if "beat" in words else 0
        starts.append((int(words[1]) - 1) * 4 + beat)
    return starts


def pitch_classes(samples: Samples, rate: int) -> NDArray[np.float64]:
    """A plain chroma of one passage, independent of the engine's own."""
    mono = samples.mean(axis=1)
    power = np.square(np.abs(np.fft.rfft(mono * np.hanning(len(mono)))))
    hz = np.fft.rfftfreq(len(mono), 1 / rate)
    use = (hz > 60) & (hz < 1500)
    pitch = np.rint(69 + 12 * np.log2(hz[use] / 440)).astype(int) % 12
    chroma = np.sqrt(np.bincount(pitch, power[use], minlength=12))
    return np.asarray(chroma / np.linalg.norm(chroma))


def test_every_bar_keeps_its_harmony(engine: SketchEngine, pop: Generated) -> None:
    request = region(pop)
    mix, _ = take(engine, request)
    bar = (request.end - request.start) // 4
    for k in range(4):
        ours = pitch_classes(mix[k * bar : (k + 1) * bar], 44100)
        old = pitch_classes(pop.song.samples[request.start + k * bar : request.start + (k + 1) * bar], 44100)
        assert float(ours @ old) >= 0.92, f"bar {k}"


def test_loudness_is_that_of_what_was_replaced(engine: SketchEngine, pop: Generated) -> None:
    request = region(pop)
    mix, report = take(engine, request)
    old = loudness.integrated(pop.song.samples[request.start : request.end], 44100)
    assert loudness.integrated(mix, 44100) == pytest.approx(old, abs=0.5)
    assert report.figures["loudness_lufs"] == pytest.approx(old, abs=0.5)


def test_the_take_is_new_audio_in_the_same_groove(engine: SketchEngine, pop: Generated) -> None:
    request = region(pop)
    mix, report = take(engine, request)
    old = pop.song.samples[request.start : request.end]
    assert joins.likeness(mix, old) < 0.98
    drums = pop.stems["drums"][request.start : request.end, 0]
    for beat in range(1, 15):
        at = pop.beat_frame(48 + beat) - request.start
        if np.abs(drums[at : at + 400]).max() > 0.05:
            window = np.abs(mix[at - 1500 : at + 1500]).max(axis=1)
            onset = int(np.argmax(window > 0.5 * window.max())) - 1500
            assert abs(onset) < 0.02 * 44100, f"the hit on beat {beat} moved"
    assert 0.0 < report.figures["correlation_with_replaced"] < 0.98


def joined_at(engine: SketchEngine, made: Generated) -> set[int]:
    """Beats of the song that begin a run inside bars 12 to 16, of four seeds."""
    found = set()
    for seed in (1, 2, 3, 4):
        beats = take(engine, region(made, seed=seed))[1].figures["source_beats"]
        found |= {two - LEAD_BEATS for one, two in itertools.pairwise(beats) if two != one + 1}
    return found


def test_no_run_begins_with_a_hit_that_nothing_replaced_has(
    pop: Generated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every beat that began a run gets a short hit of which a 22 kHz copy shows little: other beats begin them then."""
    before = joined_at(SketchEngine(), pop)
    noise = np.diff(np.random.default_rng(5).normal(0.0, 0.05, 1003), 3) * np.linspace(1.0, 0.0, 1000)
    samples = pop.song.samples.copy()
    for beat in before:
        samples[pop.beat_frame(beat) :][:1000] += noise[:, None].astype(np.float32)
    struck = replace(pop, song=song_of(samples, pop.song.rate))
    assert not joined_at(SketchEngine(), struck) & before
    monkeypatch.setattr(p, "ACCENT_COST", 0.0)
    assert joined_at(SketchEngine(), struck) & before, (
        "the planner would have heard the hits without that cost"
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_eight_takes_are_eight_different_results(engine: SketchEngine, pop: Generated, seed: int) -> None:
    mixes = [take(engine, region(pop, seed=seed, takes=(k,)))[0] for k in range(8)]
    for first in range(8):
        for second in range(first):
            assert joins.likeness(mixes[first], mixes[second]) < 0.995, (first, second)


def test_takes_of_an_exact_loop_differ_too(engine: SketchEngine, loop: Generated) -> None:
    mixes = [take(engine, region(loop, 6, 8, takes=(k,)))[0] for k in range(3)]
    assert joins.likeness(mixes[0], mixes[1]) < 0.995
    assert joins.likeness(mixes[0], mixes[2]) < 0.995
    assert joins.likeness(mixes[1], mixes[2]) < 0.995


def test_more_strength_is_never_more_similar(engine: SketchEngine, pop: Generated) -> None:
    for first in (4, 13):
        likeness = [
            take(engine, region(pop, first, first + 4, strength=strength))[1].figures["beat_correlation"]
            for strength in (0.0, 0.25, 0.5, 0.75, 1.0)
        ]
        assert all(later <= earlier + 1e-6 for earlier, later in itertools.pairwise(likeness))
        assert likeness[-1] < likeness[0] - 0.03, "strength must be audible"


def test_exact_loop_gets_new_drums_over_the_same_chords(engine: SketchEngine, loop: Generated) -> None:
    request = region(loop, 6, 8)
    mix, report = take(engine, request)
    assert report.figures["drum_slices_changed"] > 0.0
    assert any("is an exact loop" in note for note in report.notes)
    old = loop.song.samples[request.start : request.end]
    assert joins.likeness(mix, old) < 0.98
    assert float(pitch_classes(mix, 44100) @ pitch_classes(old, 44100)) > 0.85


def test_tracks_together_in_an_exact_loop_get_other_beats(engine: SketchEngine, loop: Generated) -> None:
    request = region(loop, 6, 8)
    assert request.song is not None
    four = np.concatenate([request.song.samples, request.song.samples[::, ::-1] / 2], axis=1)
    mix, report = take(engine, replace(request, channels=4, song=replace(request.song, samples=four)))
    assert mix.shape == (request.length, 4)
    assert "drum_slices_changed" not in report.figures
    assert any("render each track by itself" in note for note in report.notes)


def test_drums_only_leaves_the_rest_as_it_is(engine: SketchEngine, pop: Generated) -> None:
    request = region(pop, layers="drums only")
    mix, report = take(engine, request)
    old = pop.song.samples[request.start : request.end]
    difference = mix - old
    assert np.abs(difference).max() > 0.01
    held = pop.stems["chords"][request.start : request.end]
    assert abs(joins.likeness(difference, held)) < 0.2, "what changed is not the chords"
    assert report.figures["layers"] == "drums only"


def test_no_drums_takes_the_drums_out(engine: SketchEngine, pop: Generated) -> None:
    request = region(pop, layers="no drums")
    mix, _ = take(engine, request)
    middle = slice(4410, -4410)

    def clatter(samples: Samples) -> float:
        return float(np.square(np.diff(samples[middle], axis=0)).sum())

    old = pop.song.samples[request.start : request.end]
    assert clatter(mix) < 0.35 * clatter(old)


def test_a_fill_changes_the_last_half_bar_most(engine: SketchEngine, pop: Generated) -> None:
    request = region(pop, 12, 14, layers="fill", strength=0.2)
    mix, report = take(engine, request)
    difference = np.square(mix - pop.song.samples[request.start : request.end]).sum(axis=1)
    quarter = len(difference) // 4
    assert difference[-quarter:].mean() > difference[:-quarter].mean()
    assert report.figures["drum_slices_changed"] > 0.1


def test_keep_vocals_says_when_there_is_no_vocal(engine: SketchEngine, pop: Generated) -> None:
    silent_lead = replace(pop, song=make_song(12, lead=False).song)
    _, report = take(engine, region(silent_lead, 4, 6, layers="keep vocals"))
    found = report.figures["vocal_share"] >= 0.08
    assert found or any("No vocal was found" in note for note in report.notes)


def test_a_layer_it_does_not_describe_never_comes_here(engine: SketchEngine, pop: Generated) -> None:
    with pytest.raises(AssertionError, match="kazoo"):
        take(engine, region(pop, layers="kazoo"))


def test_caption_words_without_effect_are_listed(engine: SketchEngine, pop: Generated) -> None:
    _, report = take(engine, region(pop, caption="dreamy shoegaze"))
    assert any("dreamy, shoegaze" in note for note in report.notes)


def test_chosen_sources_lie_outside_the_region(engine: SketchEngine, pop: Generated) -> None:
    for k in range(4):
        _, report = take(engine, region(pop, takes=(k,)))
        assert all(not 48 <= beat < 64 for beat in source_beats(report))
