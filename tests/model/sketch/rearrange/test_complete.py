"""Continuing: past the end, from inside, over a gap, out of a fade, to an ending."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from model.dsp import loudness
from model.engine import Piece, RenderRequest, Report, Samples, Task
from model.sketch.engine import SketchEngine
from model.sketch.rearrange import joins
from tests.model.sketch.songs import Generated, make_song, request_for, song_of

RATE = 44100


@pytest.fixture(scope="module")
def engine() -> SketchEngine:
    return SketchEngine()


@pytest.fixture(scope="module")
def pop() -> Generated:
    return make_song(32)


def take(engine: SketchEngine, request: RenderRequest) -> tuple[Samples, Report]:
    *pieces, report = engine.render(request, lambda progress: None, lambda: False)
    assert isinstance(report, Report)
    mix = next(piece.samples for piece in pieces if isinstance(piece, Piece))
    assert mix.shape == (request.length, request.channels)
    return mix, report


def after(made: Generated, bars: int = 8, **changes: object) -> RenderRequest:
    end = made.song.frames
    return request_for(made, end, end + bars * 2 * RATE, Task.COMPLETE, **changes)


@pytest.mark.parametrize("strength", [0.5, 0.9])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_verbatim_run_is_longer_than_the_cap(
    engine: SketchEngine, pop: Generated, strength: float, seed: int
) -> None:
    _, report = take(engine, after(pop, 16, strength=strength, seed=seed))
    assert report.figures["longest_verbatim_bars"] <= (2 if strength > 0.7 else 4)


def test_continuation_starts_where_the_song_stopped(engine: SketchEngine, pop: Generated) -> None:
    mix, _ = take(engine, after(pop))
    own_steps = np.abs(np.diff(pop.song.samples[-RATE:], axis=0)).max()
    assert np.abs(mix[0] - pop.song.samples[-1]).max() <= 1.5 * own_steps


def test_continuation_has_the_songs_level_and_chords(engine: SketchEngine, pop: Generated) -> None:
    mix, _ = take(engine, after(pop))
    last = loudness.integrated(pop.song.samples[-12 * RATE :], RATE)
    assert loudness.integrated(mix, RATE) == pytest.approx(last, abs=1.0)


def test_a_gap_is_filled_from_both_sides(engine: SketchEngine, pop: Generated) -> None:
    start, end = pop.bar_frame(12), pop.bar_frame(16)
    samples = pop.song.samples.copy()
    samples[start:end] = 0.0
    gap = replace(pop, song=song_of(samples, RATE))
    mix, report = take(engine, request_for(gap, start, end, Task.COMPLETE))
    context = loudness.integrated(samples[start - 8 * RATE : start], RATE)
    assert loudness.integrated(mix, RATE) == pytest.approx(context, abs=1.5)
    steps = np.abs(np.diff(pop.song.samples, axis=0)).max()
    assert np.abs(mix[-1] - samples[end]).max() <= 1.5 * steps
    bars = [int(re.findall(r"\d+", name)[0]) for name in report.figures["source_bars"]]
    assert not any(13 <= bar <= 16 for bar in bars), "the silence is no source"


def test_starting_inside_the_song_goes_on_from_there(engine: SketchEngine, pop: Generated) -> None:
    request = request_for(pop, pop.bar_frame(28), pop.song.frames + 8 * RATE, Task.COMPLETE)
    mix, _ = take(engine, request)
    assert joins.likeness(mix[: 8 * RATE], pop.song.samples[request.start : request.start + 8 * RATE]) < 0.98


def test_a_fade_out_is_continued_from_before_it(engine: SketchEngine, pop: Generated) -> None:
    samples = pop.song.samples.copy()
    fade = 10 * RATE
    samples[-fade:] *= np.geomspace(1.0, 0.01, fade)[:, None].astype(np.float32)
    faded = replace(pop, song=song_of(samples, RATE))
    mix, report = take(engine, after(faded))
    assert any("fades out" in note for note in report.notes)
    full = loudness.integrated(samples[8 * RATE : 24 * RATE], RATE)
    assert loudness.integrated(mix, RATE) == pytest.approx(full, abs=2.0)


def test_a_song_that_has_rung_out_starts_again_at_full_level(engine: SketchEngine, pop: Generated) -> None:
    samples = pop.song.samples.copy()
    beat = pop.beat_frame(1)
    samples[-3 * beat :] *= np.geomspace(0.2, 0.01, 3 * beat)[:, None].astype(np.float32)
    samples[-beat:] = 0.0
    mix, report = take(engine, after(replace(pop, song=song_of(samples, RATE))))
    assert any("has ended here" in note for note in report.notes)
    full = loudness.integrated(samples[8 * RATE : 24 * RATE], RATE)
    assert loudness.integrated(mix[: 2 * beat], RATE) == pytest.approx(full, abs=3.0)


def test_its_level_is_that_of_twelve_seconds_not_of_the_last_bars_alone(
    engine: SketchEngine, pop: Generated
) -> None:
    """The four bars before the end are 8 s here, and 6 dB louder than the song."""
    samples, beat = pop.song.samples.copy(), pop.beat_frame(1)
    end = len(samples) - 3 * beat
    samples[end - 16 * beat : end] *= 2.0
    samples[end:] *= np.geomspace(0.2, 0.01, 3 * beat)[:, None].astype(np.float32)
    samples[-beat:] = 0.0
    mix, report = take(engine, after(replace(pop, song=song_of(samples, RATE))))
    assert any("has ended here" in note for note in report.notes)
    wanted = loudness.integrated(samples[end - 12 * RATE : end], RATE)
    assert loudness.integrated(mix, RATE) == pytest.approx(wanted, abs=0.5)


def ending_in_silence(made: Generated) -> Generated:
    """The song cut 0.3 of a beat after beat 125, its last 0.8 of a beat silent."""
    beat = made.beat_frame(1)
    samples = made.song.samples[: made.beat_frame(125) + round(0.3 * beat)].copy()
    samples[-round(0.8 * beat) :] = 0.0
    return replace(made, song=song_of(samples, RATE))


def rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_after_silence_the_music_begins_with_a_beat_and_its_attack(
    engine: SketchEngine, pop: Generated, seed: int
) -> None:
    made = ending_in_silence(pop)
    mix, report = take(engine, after(made, seed=seed))
    assert "The song is silent here, so the music begins with the next beat." in report.notes
    begins = int(np.argmax(np.abs(mix).max(axis=1) > 1e-3))
    assert begins / RATE == pytest.approx((pop.beat_frame(126) - made.song.frames) / RATE, abs=0.02)
    assert rms(mix[begins : begins + RATE // 20]) > 0.7 * rms(mix), "at once, not faded in"
    assert not any("faded in" in note for note in report.notes)


def test_handles_are_silent_where_the_music_has_not_begun(engine: SketchEngine, pop: Generated) -> None:
    made = ending_in_silence(pop)
    request = replace(after(made), handle=1000)
    pieces = [
        piece for piece in engine.render(request, lambda _: None, lambda: False) if isinstance(piece, Piece)
    ]
    mix, handles = (
        next(piece.samples for piece in pieces if piece.stem == stem) for stem in ("mix", "handles")
    )
    lead = int(np.argmax(mix.any(axis=1)))
    assert lead > 0.6 * pop.beat_frame(1)
    assert not handles[: 1000 + lead - RATE // 100].any()
    assert 0.0 < np.abs(handles[1000 + lead]).max() < 0.05, "it begins as the mix does"
    assert np.allclose(mix[lead : lead + 20], handles[1000 + lead : 1020 + lead], atol=1e-3)


def test_one_held_chord_is_faded_in_after_silence_and_says_so(engine: SketchEngine, pop: Generated) -> None:
    """None of its last twenty seconds begins with a note."""
    made = ending_in_silence(pop)
    seconds = np.arange(made.song.frames) / RATE
    chord = sum(np.sin(2 * np.pi * hz * seconds + hz) for hz in (220.0, 277.18, 329.63)) * 0.08
    samples = np.repeat(np.asarray(chord, np.float32)[:, None], 2, axis=1)
    samples[-RATE // 2 :] = 0.0
    mix, report = take(engine, after(replace(made, song=song_of(samples, RATE)), context_seconds=20.0))
    assert any("faded in within held notes" in note for note in report.notes)
    begins = int(np.argmax(np.abs(mix).max(axis=1) > 1e-4))
    assert rms(mix[begins : begins + RATE // 20]) < 0.2 * rms(mix)


def test_where_music_sounds_to_the_end_it_goes_on_at_once(engine: SketchEngine, pop: Generated) -> None:
    cut = pop.song.samples[: pop.beat_frame(125) + round(0.3 * pop.beat_frame(1))]
    mix, report = take(engine, after(replace(pop, song=song_of(cut, RATE))))
    assert not any("silent here" in note for note in report.notes)
    assert rms(mix[: RATE // 20]) > 0.1 * rms(mix)


def test_a_song_that_does_not_fade_is_not_said_to(engine: SketchEngine, pop: Generated) -> None:
    _, report = take(engine, after(pop))
    assert not any("fades out" in note for note in report.notes)


def test_an_ending_lands_on_the_tonic_and_fades_to_silence(engine: SketchEngine, pop: Generated) -> None:
    mix, report = take(engine, after(pop, 8, ending=True, key="C major"))
    assert np.abs(mix[-50:]).max() < 1e-3
    last = int(re.findall(r"\d+", report.figures["source_bars"][-1])[0])
    assert pop.chords[(last - 1) * 4] == 0, "a C major bar"
    assert np.abs(mix[-2 * RATE : -RATE]).max() > 0.02, "it rings"


def test_takes_differ_and_repeat(engine: SketchEngine, pop: Generated) -> None:
    mixes = [take(engine, after(pop, 4, takes=(k,)))[0] for k in range(4)]
    for first in range(4):
        for second in range(first):
            assert joins.likeness(mixes[first], mixes[second]) < 0.99, (first, second)
    assert np.array_equal(mixes[2], take(SketchEngine(), after(pop, 4, takes=(2,)))[0])


def test_a_two_bar_song_loops_and_says_so(engine: SketchEngine) -> None:
    short = make_song(2)
    mix, report = take(engine, after(short, 4))
    assert mix.any()
    assert any("loops" in note for note in report.notes)


def test_region_after_a_pause_keeps_the_bar(engine: SketchEngine, pop: Generated) -> None:
    start = pop.song.frames + 4 * RATE
    mix, _ = take(engine, request_for(pop, start, start + 8 * RATE, Task.COMPLETE))
    first = np.abs(mix[: RATE // 10]).max()
    assert first > 0.1, "a downbeat at the region's start"
