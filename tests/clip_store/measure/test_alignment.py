import math
import re
import time

import numpy as np
import pytest

from clip_store.audio.audio import Audio, Encoding, quantise
from clip_store.audio.audio_file import read_audio, write_wav
from clip_store.measure.alignment import is_silent, measure
from clip_store.measure.assembled import Assembled
from clip_store.splice import splice, stretch, with_clip
from daw_protocol.timeline.span import Span
from model.dsp.loudness import integrated
from tests.clip_store.sounds import drums, noise, song
from tests.clip_store.test_splice import REGIONS

RATE = 48000
REGION = Span(2 * RATE, 3 * RATE)


def measured(old, render, region=REGION, fade=480, grid=None):
    new = splice(old, render, region, fade)
    return measure(old, with_clip(old, new.clip, region.start), new.clip, region, new.fades, grid)


def changed_at(audio: Audio, frame: int) -> Audio:
    """One sample, one step of the encoding away."""
    samples = audio.samples.copy()
    samples[frame, 0] -= math.copysign(1 / audio.encoding.full_scale, samples[frame, 0])
    return Audio(samples, audio.rate, audio.encoding)


def longer(audio: Audio, frames: int) -> Audio:
    samples = np.concatenate([audio.samples, np.zeros((frames, audio.channels), audio.samples.dtype)])
    return Audio(samples, audio.rate, audio.encoding)


def test_a_good_take_has_no_problems():
    old = song(6 * RATE)
    result = measured(old, noise(RATE, seed=4))
    assert result.problems() == ()
    assert (result.position, result.length) == (REGION.start, RATE)
    assert result.exact
    assert result.outside_identical
    assert result.changed
    assert result.finite
    assert not result.silent
    assert abs(result.correlation) < 0.1
    assert len(result.seams) == 2
    assert result.inside_lufs == pytest.approx(result.replaced_lufs, abs=0.5)
    assert result.inside_lufs == pytest.approx(result.neighbours_lufs, abs=0.5)
    assert result.onsets is None


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS.keys())
@pytest.mark.parametrize("encoding", [Encoding.PCM_16, Encoding.PCM_24, Encoding.FLOAT])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_region_through_files(tmp_path, region, encoding, channels):
    old = song(3000, channels, 44100, encoding)
    new = splice(old, noise(region.length, channels, seed=5), region, 100)
    for name, audio in (("song", old), ("new", with_clip(old, new.clip, region.start)), ("clip", new.clip)):
        write_wav(tmp_path / f"{name}.wav", audio)
    read = [read_audio(tmp_path / f"{name}.wav", 10) for name in ("song", "new", "clip")]
    result = measure(*read, region, new.fades)
    assert result.exact
    assert result.outside_identical
    assert result.changed
    touched = sum(0 < edge < 3000 for edge in (region.start, region.end))
    assert touched <= len(result.seams) <= touched + 1


@pytest.mark.parametrize("frame", [0, REGION.start - 1, REGION.end, 6 * RATE - 1])
def test_one_bit_outside_is_noticed(frame):
    old = song(6 * RATE)
    new = splice(old, noise(RATE, seed=4), REGION, 480)
    whole = with_clip(old, new.clip, REGION.start)
    result = measure(old, changed_at(whole, frame), new.clip, REGION, new.fades)
    assert not result.outside_identical
    assert "outside the region has changed" in result.problems()[0]


@pytest.mark.parametrize("frame", [0, RATE // 2, RATE - 1])
def test_one_bit_between_clip_and_song_is_noticed(frame):
    old = song(6 * RATE)
    new = splice(old, noise(RATE, seed=4), REGION, 480)
    whole = with_clip(old, new.clip, REGION.start)
    assert not measure(old, whole, changed_at(new.clip, frame), REGION, new.fades).exact
    result = measure(old, changed_at(whole, REGION.start + frame), new.clip, REGION, new.fades)
    assert not result.exact
    assert result.outside_identical
    assert "exactly" in result.problems()[0]


def test_a_clip_one_frame_off_is_noticed():
    old = song(6 * RATE)
    new = splice(old, noise(RATE, seed=4), REGION, 480)
    whole = with_clip(old, new.clip, REGION.start)
    shifted = whole.cut(Span(REGION.start + 1, REGION.end + 1))
    short = new.clip.cut(Span(0, RATE - 1))
    for clip in (shifted, short):
        result = measure(old, whole, clip, REGION, new.fades)
        assert not result.exact
        assert result.problems()


@pytest.mark.parametrize("region", [REGION, Span(5 * RATE, 7 * RATE), Span(7 * RATE, 8 * RATE)])
def test_a_song_that_grew_without_need_is_noticed(region):
    old = song(6 * RATE)
    new = splice(old, noise(region.length, seed=4), region, 480)
    whole = with_clip(old, new.clip, region.start)
    assert not measure(old, longer(whole, 1), new.clip, region, new.fades).outside_identical


@pytest.mark.parametrize(
    ("region", "place"), [(Span(7 * RATE, 8 * RATE), 6 * RATE + 5), (Span(-RATE, -RATE // 2), RATE - 5)]
)
def test_sound_in_the_gap_is_noticed(region, place):
    old = song(6 * RATE)
    new = splice(old, noise(region.length, seed=4), region, 480)
    whole = with_clip(old, new.clip, region.start)
    samples = whole.samples.copy()
    samples[place] = 0.5
    loud = Audio(samples, RATE, old.encoding)
    assert measure(old, whole, new.clip, region, new.fades).outside_identical
    assert not measure(old, loud, new.clip, region, new.fades).outside_identical


def test_a_take_that_changed_nothing_is_a_problem():
    old = song(6 * RATE)
    result = measured(old, stretch(old, REGION))
    assert not result.changed
    assert result.max_difference == 0.0
    assert result.correlation == 1.0
    assert result.problems() == ("The inside of the region has not changed.",)


def test_a_silent_take_is_a_problem():
    result = measured(song(6 * RATE), np.zeros((RATE, 2)), fade=0)
    assert result.silent
    assert "The take is silent." in result.problems()
    assert result.inside_lufs == result.peak_db == -math.inf


def test_clipping_is_a_problem_unless_the_song_clipped_there_as_much():
    old = song(6 * RATE, encoding=Encoding.PCM_16)
    loud = np.clip(noise(RATE, level=1.5, seed=4), -1, 1)
    result = measured(old, loud)
    assert result.clipped > 1000
    assert any("clips" in problem for problem in result.problems())
    hot = quantise(np.tile(loud, (6, 1)), RATE, Encoding.PCM_16).audio
    again = measured(hot, loud * 0.999)
    assert not any("clips" in problem for problem in again.problems())


def test_a_take_much_louder_than_its_place_is_a_warning():
    result = measured(song(6 * RATE, level=0.05), noise(RATE, level=0.3, seed=4))
    assert any("LU louder than the passage it replaces" in problem for problem in result.problems())
    assert any("The level jumps" in problem for problem in result.problems())
    silent_there = song(6 * RATE, level=0.05).samples.copy()
    silent_there[REGION.start : REGION.end] = 0
    old = Audio(silent_there, RATE, Encoding.PCM_24)
    result = measured(old, noise(RATE, level=0.005, seed=4))
    assert any("LU quieter than its neighbours" in problem for problem in result.problems())


def test_timing_is_measured_and_a_late_take_is_a_warning():
    samples = np.repeat(drums(6 * RATE, RATE, 6000)[0], 2, axis=1)
    old = quantise(samples, RATE, Encoding.PCM_24).audio
    grid = list(range(0, 6 * RATE, 6000))
    region = Span(RATE, 4 * RATE)
    good = np.repeat(drums(region.length, RATE, 12000, 0, seed=5)[0], 2, axis=1)
    result = measured(old, good, region, grid=grid)
    assert result.onsets.median_ms < 2.0
    assert result.replaced_onsets.median_ms < 2.0
    assert not any("off the grid" in problem for problem in result.problems())
    late = np.roll(good, round(0.04 * RATE), axis=0)
    result = measured(old, late, region, grid=grid)
    assert result.onsets.offset_ms == pytest.approx(40.0, abs=2.0)
    assert any(re.search("(39|40|41) ms off the grid", problem) for problem in result.problems())


def late_song(late):
    """Hits that lie `late` seconds behind the grid, and nothing more in the last second; with the grid's lines."""
    samples = np.repeat(drums(6 * RATE, RATE, 6000)[0], 2, axis=1)
    samples = np.roll(samples, round(late * RATE), axis=0)
    samples[-RATE:] = 0.0
    return quantise(samples, RATE, Encoding.PCM_24).audio, list(range(0, 12 * RATE, 6000))


def test_a_continuation_of_a_late_song_is_late_as_the_song_is():
    """Nothing is replaced there: the bars before show what the song's own drift is."""
    old, grid = late_song(0.03)
    region = Span(5 * RATE, 8 * RATE)
    behind = np.roll(np.repeat(drums(region.length, RATE, 6000)[0], 2, axis=1), round(0.03 * RATE), axis=0)
    result = measured(old, behind, region, grid=grid)
    assert result.replaced_onsets is None
    assert result.onsets.median_ms > 20.0
    assert not any("off the grid" in problem for problem in result.problems())


def test_a_late_continuation_of_a_song_on_the_grid_is_a_warning():
    old, grid = late_song(0.0)
    region = Span(5 * RATE, 8 * RATE)
    behind = np.roll(np.repeat(drums(region.length, RATE, 6000)[0], 2, axis=1), round(0.03 * RATE), axis=0)
    assert any("off the grid" in problem for problem in measured(old, behind, region, grid=grid).problems())


def test_joins_inside_are_measured_like_edges():
    old = quantise(noise(6 * RATE), RATE, Encoding.PCM_24).audio
    render = noise(RATE, seed=4)
    render[RATE // 2 :] *= 4.0
    new = splice(old, render, REGION, 480)
    join = (REGION.start + RATE // 2, REGION.start + RATE // 2 + 100)
    assembled = Assembled(((RATE // 2, RATE // 2 + 100),))
    whole = with_clip(old, new.clip, REGION.start)
    result = measure(old, whole, new.clip, REGION, new.fades, assembled=assembled)
    assert [seam.position for seam in result.joins] == [join[0]]
    assert any(f"at sample {join[0]}" in problem for problem in result.problems())


def test_a_click_is_a_warning():
    smooth = np.sin(np.arange(6 * RATE) * 0.02)[:, None] * 0.2
    old = quantise(smooth, RATE, Encoding.PCM_24).audio
    result = measured(old, np.full((RATE, 1), -0.2), fade=0)
    assert any("click" in problem for problem in result.problems())


@pytest.mark.slow
@pytest.mark.alone  # it keeps time
def test_measuring_ten_seconds_in_four_minutes_is_quick():
    """Processor time: 0.22 s on the machine this was written on; the bound leaves room for slower ones."""
    old = song(240 * RATE)
    region = Span(100 * RATE, 110 * RATE)
    new = splice(old, noise(region.length, seed=5), region, 480)
    whole = with_clip(old, new.clip, region.start)
    grid = list(range(0, 240 * RATE, 6000))
    times = []
    for _ in range(3):
        begin = time.process_time()
        measure(old, whole, new.clip, region, new.fades, grid)
        times.append(time.process_time() - begin)
    assert min(times) < 0.8


def test_a_song_that_goes_on_is_compared_with_the_loudness_it_was_matched_to() -> None:
    """After a last chord that rang out, a continuation is louder than what it replaces, and rightly so."""
    rate = 48000
    loud = 0.2 * np.random.default_rng(3).standard_normal((4 * rate, 1)).astype(np.float32)
    ringing = loud[: 2 * rate] * np.float32(0.02)
    song = quantise(np.concatenate([loud, ringing]), rate, Encoding.FLOAT).audio
    clip = quantise(loud[: 3 * rate], rate, Encoding.FLOAT).audio
    region = Span(4 * rate, 7 * rate)
    spliced = with_clip(song, clip, region.start)
    unaware = measure(song, spliced, clip, region, (0, 0))
    aware = measure(song, spliced, clip, region, (0, 0), reference_lufs=integrated(loud, rate))
    assert any("louder than the passage it replaces" in sentence for sentence in unaware.problems())
    assert not any("LU louder" in sentence for sentence in aware.problems())


@pytest.mark.parametrize(("swell", "told"), [(0, True), (2, False), (3, False)])
def test_a_take_that_comes_back_in_from_a_fade_is_judged_by_what_follows(swell: int, told: bool) -> None:
    """Its first two seconds are 12 dB down, as its engine says: what follows is as loud as the song was."""
    rate = 48000
    loud = 0.2 * np.random.default_rng(3).standard_normal((4 * rate, 1)).astype(np.float32)
    song = quantise(np.concatenate([loud, loud[: 2 * rate] * np.float32(0.1)]), rate, Encoding.FLOAT).audio
    back = loud[: 3 * rate] * np.repeat(np.float32([0.05, 0.05, 1.0]), rate)[:, None]
    clip = quantise(back if swell else back * np.float32(0.1), rate, Encoding.FLOAT).audio
    region = Span(6 * rate, 9 * rate)
    engine = Assembled(wanted_lufs=integrated(loud, rate), swell=swell * rate)
    found = measure(song, with_clip(song, clip, region.start), clip, region, (0, 0), assembled=engine)
    assert any("LU quieter than the song" in sentence for sentence in found.problems()) == told


@pytest.mark.parametrize(
    ("loudest", "clips"),
    [(0.9, True), (1.0, True), (1.5, False), (30.0, False)],
)
def test_a_float_song_that_was_above_full_scale_does_not_clip_by_that(loudest: float, clips: bool) -> None:
    samples = noise(6 * RATE, 1, 0.3)
    samples[100] = loudest  # outside the region
    old = quantise(samples, RATE, Encoding.FLOAT).audio
    result = measured(old, noise(RATE, 1, 1.4, seed=5))
    assert any("clips" in problem for problem in result.problems()) == clips


@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_silence_is_silent_whatever_its_offset(offset: float) -> None:
    assert is_silent(np.full((RATE, 2), offset), RATE)
    assert is_silent(np.full((RATE, 2), offset) + noise(RATE, 2, 5e-5), RATE)
    assert not is_silent(np.full((RATE, 2), offset) + noise(RATE, 2, 5e-4), RATE)


def test_a_few_samples_are_no_silence_because_they_stand_still() -> None:
    assert not is_silent(np.full((3, 2), 0.3), RATE)
    assert is_silent(np.zeros((3, 2)), RATE)


def test_an_offset_makes_a_passage_that_was_rearranged_no_likeness() -> None:
    old = quantise(noise(6 * RATE, 1, 0.05) + 0.5, RATE, Encoding.FLOAT).audio
    assert abs(measured(old, noise(RATE, 1, 0.05, seed=5) + 0.5).correlation) < 0.05


def test_an_offset_does_not_hide_a_step_in_level() -> None:
    quiet = noise(6 * RATE, 1, 0.001)
    plain, shifted = (quantise(quiet + offset, RATE, Encoding.FLOAT).audio for offset in (0.0, 0.5))
    loud = noise(RATE, 1, 0.2, seed=5)
    steps = [
        measured(old, loud + offset, fade=0).seams[0].level for old, offset in ((plain, 0.0), (shifted, 0.5))
    ]
    assert steps[1].value == pytest.approx(steps[0].value, rel=0.05)
    assert steps[1].stands_out
