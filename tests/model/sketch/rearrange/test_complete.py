"""Continuing: past the end, from inside, over a gap, out of a fade, to an ending."""

from __future__ import annotations

import json
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


FULL = re.compile(r"is at full level from (?:beat (\d) of )?bar (\d+) on")
BEFORE = re.compile(r"start the region at bar (\d+) or before")


def fading(made: Generated, seconds: float, decibels: float) -> Generated:
    """The song, faded out over its last seconds down to so many dB."""
    samples = made.song.samples.copy()
    count = round(seconds * made.song.rate)
    samples[-count:] *= np.geomspace(1.0, 10 ** (decibels / 20), count)[:, None].astype(np.float32)
    return replace(made, song=song_of(samples, made.song.rate))


def decibels(samples: Samples) -> float:
    return 20.0 * float(np.log10(rms(samples)))


def full_from(report: Report, made: Generated) -> int:
    """The frame from which on a take says that it is at full level."""
    found = [FULL.search(note) for note in report.notes]
    (told,) = (match for match in found if match is not None)
    lead = int(np.searchsorted(made.grid.seconds, -1e-9))
    bar = int(np.flatnonzero(made.grid.bar == int(told[2]))[0])
    return round(float(made.grid.seconds[bar + int(told[1] or 1) - 1]) * made.song.rate) if bar >= lead else 0


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("seconds", "down"), [(10.0, -13.0), (16.0, -25.0), (10.0, -40.0)])
def test_out_of_a_fade_the_music_comes_back_in_as_it_went(
    engine: SketchEngine, pop: Generated, seconds: float, down: float, seed: int
) -> None:
    made = fading(pop, seconds, down)
    mix, report = take(engine, after(made, 12, seed=seed))
    end = made.song.frames
    before = decibels(made.song.samples[-RATE:]), decibels(pop.song.samples[-RATE:])
    assert decibels(mix[:RATE]) - decibels(mix[-8 * RATE :]) == pytest.approx(before[0] - before[1], abs=6.0)
    swell = report.figures["swell_samples"]
    assert end + swell == pytest.approx(full_from(report, made), abs=RATE // 10)
    assert swell == pytest.approx(min(seconds, 8.0) * RATE, abs=2.0 * RATE), "as steep, four bars at most"
    levels = [decibels(mix[k * swell // 4 : (k + 1) * swell // 4]) for k in range(4)]
    assert levels == sorted(levels)
    plateau = loudness.integrated(made.song.samples[: round(end - seconds * RATE)][-12 * RATE :], RATE)
    assert loudness.integrated(mix[swell:], RATE) == pytest.approx(plateau, abs=0.3)
    bars = [int(re.findall(r"\d+", name)[-1]) for name in report.figures["source_bars"]]
    assert max(bars) <= 32 - seconds / 2 + 1, "nothing that fades is a source"


def test_two_seconds_after_a_swell_are_as_loud_as_the_song_was(engine: SketchEngine, pop: Generated) -> None:
    mix, report = take(engine, after(fading(pop, 10.0, -20.0), 2))
    settled = mix[report.figures["swell_samples"] :]
    assert len(settled) == pytest.approx(2 * RATE, abs=RATE // 10)
    assert loudness.integrated(settled, RATE) == pytest.approx(report.figures["wanted_lufs"], abs=0.3)


def test_who_wants_no_swell_starts_where_the_note_says(engine: SketchEngine, pop: Generated) -> None:
    made = fading(pop, 10.0, -20.0)
    _, report = take(engine, after(made))
    (told,) = (match for match in map(BEFORE.search, report.notes) if match is not None)
    start = made.bar_frame(int(told[1]) - 1)
    mix, report = take(engine, request_for(made, start, made.song.frames + 8 * RATE, Task.COMPLETE))
    assert not report.notes
    assert "swell_samples" not in report.figures
    assert decibels(mix[: 2 * RATE]) == pytest.approx(
        decibels(made.song.samples[start - 2 * RATE : start]), abs=2.0
    )


def test_a_region_within_a_fade_comes_back_from_there(engine: SketchEngine, pop: Generated) -> None:
    """Three bars of eight have faded by 9 dB: so it takes three bars."""
    made = fading(pop, 16.0, -24.0)
    start = made.bar_frame(27)
    mix, report = take(engine, request_for(made, start, made.song.frames + 8 * RATE, Task.COMPLETE))
    assert decibels(mix[:RATE]) == pytest.approx(decibels(made.song.samples[start - RATE : start]), abs=3.0)
    assert report.figures["swell_samples"] == pytest.approx(3 * 2 * RATE, abs=2 * RATE)


def test_within_a_fade_that_goes_on_a_take_fades_with_it(engine: SketchEngine, pop: Generated) -> None:
    made = fading(pop, 16.0, -24.0)
    start, end = made.bar_frame(26), made.bar_frame(30)
    mix, report = take(engine, request_for(made, start, end, Task.COMPLETE))
    assert any("fades with it" in note for note in report.notes)
    old = made.song.samples[start:end]
    for half in (slice(0, RATE), slice(-RATE, None)):
        assert decibels(mix[half]) == pytest.approx(decibels(old[half]), abs=3.0)
    assert not {"wanted_lufs", "swell_samples"} & set(report.figures), "it is judged by what it replaces"


@pytest.mark.parametrize(
    ("seconds", "down", "first", "beats", "rest"),
    [
        (16.0, -20.0, 110, 16, None),  # the song fades on for two beats
        (32.0, -26.0, 76, 48, None),  # twelve bars of sixteen
        (16.0, -20.0, 104, 16, 121),  # a beat without sound follows the region
    ],
)
def test_wherever_the_song_fades_on_a_take_meets_it(
    engine: SketchEngine,
    pop: Generated,
    seconds: float,
    down: float,
    first: int,
    beats: int,
    rest: int | None,
) -> None:
    made = fading(pop, seconds, down)
    if rest is not None:
        samples = made.song.samples.copy()
        samples[pop.beat_frame(rest) : pop.beat_frame(rest + 1)] = 0.0
        made = replace(made, song=song_of(samples, RATE))
    start, end = pop.beat_frame(first), pop.beat_frame(first + beats)
    mix, report = take(engine, request_for(made, start, end, Task.COMPLETE))
    assert any("fades with it" in note for note in report.notes)
    edge = RATE if rest is None else RATE // 2
    for part in (slice(0, edge), slice(-edge, None)):
        assert decibels(mix[part]) == pytest.approx(decibels(made.song.samples[start:end][part]), abs=5.0)


@pytest.mark.parametrize("ended", [True, False])
def test_the_figures_of_a_song_that_is_hardly_heard_are_json(
    engine: SketchEngine, pop: Generated, ended: bool
) -> None:
    made = fading(pop, 2.0 if ended else 10.0, -60.0 if ended else -20.0)
    made = replace(made, song=song_of(made.song.samples * np.float32(1e-4), RATE))
    _, report = take(engine, after(made, 4))
    assert report.notes
    json.dumps(dict(report.figures), allow_nan=False)


def test_a_take_of_quiet_bars_is_as_loud_as_the_song_was(engine: SketchEngine, pop: Generated) -> None:
    """Within the context is only the bar before the fade, 9 dB below the others; the server adds nothing there."""
    samples = fading(pop, 10.0, -20.0).song.samples.copy()
    begins = len(samples) - 10 * RATE
    samples[begins - 2 * RATE : begins] *= 10 ** (-9.0 / 20.0)
    made = replace(pop, song=song_of(samples, RATE))
    mix, report = take(engine, after(made, 8, context_seconds=12.0))
    assert report.figures["gain_db"] > 6.0
    settled = mix[report.figures["swell_samples"] :]
    assert loudness.integrated(settled, RATE) == pytest.approx(report.figures["wanted_lufs"], abs=1.0)


def test_a_gap_between_a_fade_and_a_new_start_is_filled_up_to_its_level(
    engine: SketchEngine, pop: Generated
) -> None:
    samples = pop.song.samples.copy()
    start, end = pop.bar_frame(20), pop.bar_frame(24)
    fade = 10 * RATE
    samples[start - fade : start] *= np.geomspace(1.0, 0.15, fade)[:, None].astype(np.float32)
    samples[start:end] = 0.0
    made = replace(pop, song=song_of(samples, RATE))
    mix, report = take(engine, request_for(made, start, end, Task.COMPLETE))
    assert report.figures["swell_samples"] <= (end - start) // 2
    assert decibels(mix[:RATE]) == pytest.approx(decibels(samples[start - RATE : start]), abs=4.0)
    assert decibels(mix[-2 * RATE :]) == pytest.approx(decibels(samples[end : end + 2 * RATE]), abs=2.0)


@pytest.mark.parametrize("beats", [1, 2, 4])
def test_a_short_region_is_half_swell(engine: SketchEngine, pop: Generated, beats: int) -> None:
    made = fading(pop, 10.0, -20.0)
    end = made.song.frames
    mix, report = take(engine, request_for(made, end, end + made.beat_frame(beats), Task.COMPLETE))
    assert 1 <= report.figures["swell_samples"] <= len(mix) // 2 + 1
    own = 6.0 if beats > 1 else 0.0  # within one beat a hit dies away
    assert decibels(mix[-len(mix) // 4 :]) > decibels(mix[: len(mix) // 4]) + own


def test_an_ending_after_a_fade_comes_back_in_before_it_ends(engine: SketchEngine, pop: Generated) -> None:
    made = fading(pop, 10.0, -20.0)
    mix, report = take(engine, after(made, 4, ending=True, key="C major"))
    assert report.figures["swell_samples"] <= len(mix) // 2
    assert np.abs(mix[-50:]).max() < 1e-3
    assert decibels(mix[:RATE]) < decibels(mix[len(mix) // 2 :][:RATE]) - 6.0


def test_the_handles_of_a_swell_are_as_loud_as_it(engine: SketchEngine, pop: Generated) -> None:
    request = replace(after(fading(pop, 10.0, -20.0)), handle=RATE // 2)
    pieces = [
        piece for piece in engine.render(request, lambda _: None, lambda: False) if isinstance(piece, Piece)
    ]
    mix, handles = (
        next(piece.samples for piece in pieces if piece.stem == stem) for stem in ("mix", "handles")
    )
    inside = handles[RATE // 2 : -RATE // 2]
    assert np.allclose(mix[RATE // 2 : -RATE // 2], inside[RATE // 2 : -RATE // 2], atol=1e-3)
    assert decibels(handles[: RATE // 2]) == pytest.approx(decibels(inside[:RATE]), abs=5.0)


@pytest.mark.parametrize("take_number", range(8))
def test_every_take_comes_back_in(engine: SketchEngine, pop: Generated, take_number: int) -> None:
    made = fading(pop, 10.0, -16.0)
    mix, report = take(engine, after(made, 8, takes=(take_number,), strength=0.9))
    assert decibels(mix[:RATE]) == pytest.approx(decibels(made.song.samples[-RATE:]), abs=5.0)
    plateau = loudness.integrated(made.song.samples[: -10 * RATE][-12 * RATE :], RATE)
    swell = report.figures["swell_samples"]
    assert loudness.integrated(mix[swell:], RATE) == pytest.approx(plateau, abs=0.3)


def test_a_fade_is_left_in_mono_and_where_the_tempo_changes(engine: SketchEngine) -> None:
    made = fading(make_song(32, bpm=(112.0, 118.0, 124.0), channels=1), 12.0, -18.0)
    end = made.song.frames
    mix, report = take(engine, request_for(made, end, end + 16 * RATE, Task.COMPLETE))
    assert end + report.figures["swell_samples"] == pytest.approx(full_from(report, made), abs=RATE // 10)
    assert decibels(mix[:RATE]) == pytest.approx(decibels(made.song.samples[-RATE:]), abs=5.0)


def test_after_a_fade_to_silence_the_music_begins_with_a_beat(engine: SketchEngine, pop: Generated) -> None:
    """There is no level left to come back from."""
    mix, report = take(engine, after(fading(pop, 10.0, -80.0)))
    assert any("fades out" in note and "at full level" in note for note in report.notes)
    assert "swell_samples" not in report.figures
    full = loudness.integrated(pop.song.samples[8 * RATE : 20 * RATE], RATE)
    assert loudness.integrated(mix, RATE) == pytest.approx(full, abs=1.0)


def test_a_last_chord_that_rings_is_left_to_ring_until_the_next_beat(
    engine: SketchEngine, pop: Generated
) -> None:
    samples = pop.song.samples.copy()
    beat = pop.beat_frame(1)
    last = pop.beat_frame(122)
    seconds = np.arange(len(samples) - last) / RATE
    chord = sum(np.sin(2 * np.pi * hz * seconds) for hz in (130.8, 261.6, 329.6, 392.0)) * 0.15
    samples[last:] = (chord * np.exp(-seconds / 0.6))[:, None].astype(np.float32)
    made = replace(pop, song=song_of(samples[: pop.beat_frame(126) + beat // 3], RATE))
    mix, report = take(engine, after(made))
    assert any("has ended here" in note for note in report.notes)
    assert "What rings out here is left to ring, and the music begins with the next beat." in report.notes
    begins = pop.beat_frame(127) - made.song.frames
    assert decibels(mix[begins : begins + RATE // 10]) > decibels(mix[: begins - RATE // 20]) + 12.0
    assert np.abs(np.diff(mix[: begins - RATE // 20, 0])).max() < 0.02, "it ends without a click"


@pytest.mark.parametrize("seconds", [-0.2, -0.02, 0.0, 0.01])
def test_what_rings_at_the_files_end_dies_away_in_the_take(
    engine: SketchEngine, pop: Generated, seconds: float
) -> None:
    """Wherever the region begins; after the file's end there is silence to begin from."""
    samples = pop.song.samples.copy()
    last = pop.beat_frame(122)
    time = np.arange(len(samples) - last) / RATE
    chord = sum(np.sin(2 * np.pi * hz * time) for hz in (130.8, 261.6, 329.6, 392.0)) * 0.15
    samples[last:] = (chord * np.exp(-time / 0.6))[:, None].astype(np.float32)
    end = pop.beat_frame(126) + round(0.65 * pop.beat_frame(1))
    made = replace(pop, song=song_of(samples[:end], RATE))
    start = end + round(seconds * RATE)
    mix, report = take(engine, request_for(made, start, start + 8 * RATE, Task.COMPLETE))
    assert any("has ended here" in note for note in report.notes)
    begins = pop.beat_frame(127) - start - RATE // 50
    before = samples[start - 1] if seconds <= 0.0 else np.zeros(2, np.float32)
    steps = np.diff(np.vstack([before, mix[:begins]]), axis=0)
    assert np.abs(steps).max() < 1.5 * np.abs(np.diff(samples[end - RATE : end], axis=0)).max()


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
