"""Inputs a producer will send sooner or later: exact lengths, sound edges, or a clear refusal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.dsp import loudness
from model.engine import Piece, RenderRequest, Report, Samples, Task
from model.errors import CannotRender
from model.sketch.engine import SketchEngine
from tests.model.sketch.songs import Generated, make_song, request_for, song_of

BARS = 16


@pytest.fixture(scope="module")
def made() -> Generated:
    return make_song(BARS)


@pytest.fixture(scope="module")
def engine() -> SketchEngine:
    return SketchEngine()


def render(engine: SketchEngine, request: RenderRequest) -> tuple[Samples, Report]:
    *pieces, report = engine.render(request, lambda progress: None, lambda: False)
    mix = next(piece for piece in pieces if isinstance(piece, Piece) and piece.stem == "mix")
    assert isinstance(report, Report)
    assert mix.start == request.start
    assert mix.samples.shape == (request.length, request.channels)
    assert mix.samples.dtype == np.float32
    assert np.isfinite(mix.samples).all()
    return mix.samples, report


def with_samples(made: Generated, samples: Samples, rate: int | None = None) -> Generated:
    return replace(made, song=song_of(samples, rate or made.song.rate))


def largest_step(samples: Samples) -> float:
    return float(np.abs(np.diff(samples, axis=0)).max())


def assert_edges_continue_the_song(request: RenderRequest, mix: Samples) -> None:
    """The step over either edge is no larger than the song's own steps there."""
    song = request.song
    assert song is not None
    padded = np.pad(song.samples, ((1, max(request.end - song.frames, 0) + 1), (0, 0)))
    before, after = padded[request.start], padded[request.end + 1]
    near = song.samples[max(request.start - 2000, 0) : request.start + 2000]
    near_end = song.samples[max(request.end - 2000, 0) : request.end + 2000]
    allowed = 1.5 * max(largest_step(near), largest_step(near_end) if len(near_end) > 1 else 0.0) + 1e-4
    assert np.abs(mix[0] - before).max() <= allowed
    if request.end < song.frames:
        assert np.abs(after - mix[-1]).max() <= allowed


@pytest.mark.parametrize(("rate", "channels"), [(44100, 1), (48000, 2), (88200, 1), (96000, 2), (192000, 1)])
def test_rates_and_channel_counts(engine: SketchEngine, rate: int, channels: int) -> None:
    made = make_song(8, rate=rate, channels=channels)
    request = request_for(made, made.bar_frame(3), made.bar_frame(4))
    mix, report = render(engine, request)
    assert_edges_continue_the_song(request, mix)
    assert report.figures["source_bars"]


def test_level_rate_and_channels_change_no_choice(engine: SketchEngine, made: Generated) -> None:
    request = request_for(made, made.bar_frame(8), made.bar_frame(10))
    quiet = with_samples(made, made.song.samples * 1e-4)
    mono = with_samples(made, made.song.samples.mean(axis=1, keepdims=True))
    choices = [
        render(engine, replace(request, song=song, channels=song.channels))[1].figures["source_bars"]
        for song in (made.song, quiet.song, mono.song)
    ]
    assert choices[0] == choices[1] == choices[2]


def test_silence_stays_silence(engine: SketchEngine, made: Generated) -> None:
    silent = with_samples(made, np.zeros_like(made.song.samples))
    mix, _ = render(engine, request_for(silent, silent.bar_frame(8), silent.bar_frame(10)))
    assert not mix.any()


@pytest.mark.parametrize("kind", ["noise", "dc", "nan-free tiny"])
def test_odd_signals_render(engine: SketchEngine, made: Generated, kind: str) -> None:
    shape = made.song.samples.shape
    signal = {
        "noise": np.random.default_rng(0).normal(0.0, 0.2, shape),
        "dc": np.full(shape, 0.5),
        "nan-free tiny": np.full(shape, 1e-30),
    }[kind]
    odd = with_samples(made, signal.astype(np.float32))
    mix, _ = render(engine, request_for(odd, odd.bar_frame(8), odd.bar_frame(10)))
    assert np.abs(mix).max() <= np.abs(odd.song.samples).max() * 1.5 + 1e-6


def test_silent_region_is_filled_at_the_level_of_its_context(engine: SketchEngine, made: Generated) -> None:
    start, end = made.bar_frame(8), made.bar_frame(10)
    samples = made.song.samples.copy()
    samples[start:end] = 0.0
    hole = with_samples(made, samples)
    mix, _ = render(engine, request_for(hole, start, end))
    context = loudness.integrated(samples[made.bar_frame(4) : start], made.song.rate)
    assert loudness.integrated(mix, made.song.rate) == pytest.approx(context, abs=1.5)


@pytest.mark.parametrize("seconds", [0.05, 0.3])
@pytest.mark.parametrize("offset", [0.0, 0.21])
def test_very_short_regions_are_warned_about(
    engine: SketchEngine, made: Generated, seconds: float, offset: float
) -> None:
    start = made.bar_frame(8) + round(offset * 44100)
    request = request_for(made, start, start + round(seconds * 44100))
    mix, report = render(engine, request)
    assert_edges_continue_the_song(request, mix)
    warned = any("too short to repaint musically" in note for note in report.notes)
    assert warned == (seconds < 0.25)


def test_mid_beat_edges(engine: SketchEngine, made: Generated) -> None:
    request = request_for(made, made.bar_frame(6) + 9000, made.bar_frame(9) - 7000)
    mix, _ = render(engine, request)
    assert_edges_continue_the_song(request, mix)


def test_a_quiet_intro_stays_quiet(engine: SketchEngine, made: Generated) -> None:
    samples = made.song.samples.copy()
    intro = made.bar_frame(4)
    samples[:intro] *= 0.4
    quiet = with_samples(made, samples)
    mix, _ = render(engine, request_for(quiet, 0, made.bar_frame(2)))
    old = loudness.integrated(samples[: made.bar_frame(2)], 44100)
    assert loudness.integrated(mix, 44100) == pytest.approx(old, abs=1.0)


def test_region_at_the_end_of_the_song(engine: SketchEngine, made: Generated) -> None:
    request = request_for(made, made.bar_frame(14), made.song.frames)
    mix, _ = render(engine, request)
    assert_edges_continue_the_song(request, mix)


@pytest.mark.parametrize(("first", "last"), [(0, BARS), (2, BARS)])
def test_too_little_song_left_is_refused_with_a_remedy(
    engine: SketchEngine, made: Generated, first: int, last: int
) -> None:
    end = made.song.frames if last == BARS else made.bar_frame(last)
    with pytest.raises(CannotRender) as refused:
        render(engine, request_for(made, made.bar_frame(first), end))
    assert "4" in refused.value.sentence
    assert refused.value.remedy


def test_without_song_or_with_other_rate_never_comes_here(engine: SketchEngine, made: Generated) -> None:
    request = request_for(made, 0, 44100)
    for wrong in (replace(request, song=None), replace(request, rate=48000), replace(request, end=0)):
        with pytest.raises(AssertionError):
            render(engine, wrong)


def test_clipped_input_does_not_get_louder(engine: SketchEngine, made: Generated) -> None:
    clipped = with_samples(made, np.clip(made.song.samples * 4.0, -1.0, 1.0))
    mix, _ = render(engine, request_for(clipped, clipped.bar_frame(8), clipped.bar_frame(12)))
    ceiling = max(loudness.true_peak(clipped.song.samples), 10 ** (-1 / 20))
    assert loudness.true_peak(mix) <= ceiling * 1.001


@pytest.mark.parametrize("late", [0.12, -0.05, 0.1])
def test_playing_off_the_grid_is_measured_and_reported(engine: SketchEngine, late: float) -> None:
    made = make_song(12, late_seconds=late)
    request = request_for(made, made.bar_frame(5), made.bar_frame(7))
    mix, report = render(engine, request)
    assert report.figures["phase_shift_ms"] == pytest.approx(1000.0 * late, abs=9.0)
    assert_edges_continue_the_song(request, mix)


def test_tempo_steps_are_stretched_to_the_grid(engine: SketchEngine) -> None:
    made = make_song(18, bpm=(100.0, 108.0, 126.0), lead=False)
    start, end = made.bar_frame(8), made.bar_frame(11)
    mix, _ = render(engine, request_for(made, start, end))
    old = made.song.samples[start:end]
    kicks = [made.beat_frame(32 + k) - start for k in range(1, 11)]
    for beat in kicks:
        strike = np.abs(mix[beat : beat + 2200]).max()
        before = np.abs(mix[beat - 2200 : beat - 440]).max()
        assert strike > before, "an attack on every beat"
    assert loudness.integrated(mix, 44100) == pytest.approx(loudness.integrated(old, 44100), abs=0.7)


def test_solo_voice_without_any_drums(engine: SketchEngine) -> None:
    made = make_song(16, drums=False)
    solo = with_samples(made, made.stems["lead"])
    request = request_for(solo, solo.bar_frame(6), solo.bar_frame(8))
    mix, _ = render(engine, request)
    assert mix.any()
    assert_edges_continue_the_song(request, mix)


def test_waltz_keeps_its_bars(engine: SketchEngine) -> None:
    made = make_song(20, bpm=90.0, bar_beats=3)
    request = request_for(made, made.bar_frame(8, 3), made.bar_frame(12, 3))
    mix, report = render(engine, request)
    assert_edges_continue_the_song(request, mix)
    assert not any("from beat 2" in name for name in report.figures["source_bars"][:1])


def test_context_limits_the_sources(engine: SketchEngine, made: Generated) -> None:
    request = request_for(made, made.bar_frame(8), made.bar_frame(10), context_seconds=6.0)
    _, report = render(engine, request)
    bars = [int(name.split()[1].split("-")[0]) for name in report.figures["source_bars"]]
    assert all(6 <= bar <= 13 for bar in bars), bars


@pytest.mark.parametrize("task", [Task.REPAINT, Task.COMPLETE])
def test_grid_that_starts_before_and_region_past_the_song(
    engine: SketchEngine, made: Generated, task: Task
) -> None:
    request = request_for(made, made.bar_frame(14), made.song.frames + 88200, task)
    mix, _ = render(engine, request)
    assert mix.any()
