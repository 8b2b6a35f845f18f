import numpy as np
import pytest

from clip_store.audio.audio import Encoding, quantise
from clip_store.measure.seams import measure_seams, rank_together
from clip_store.splice import splice, with_clip
from daw_protocol.requests import PROJECT_RATES
from daw_protocol.timeline.span import Span
from tests.clip_store.sounds import drums, noise, tone

RATE = 48000
REGION = Span(2 * RATE, 3 * RATE)


def audio(samples, rate=RATE):
    return quantise(samples, rate, Encoding.FLOAT).audio


def seams_of(song, render, fade):
    new = splice(song, render, REGION, fade)
    edges = [(REGION.start, REGION.start + new.fades[0]), (REGION.end, REGION.end - new.fades[1])]
    return measure_seams(song, with_clip(song, new.clip, REGION.start), 0, edges)


def faults(seam):
    return [kind for kind in ("level", "spectrum", "click") if getattr(seam, kind).stands_out]


def pad(frames, level=0.1, seed=0):
    """Tones with a little noise: no steps of its own."""
    return (
        tone(frames, hertz=220, level=level)
        + tone(frames, hertz=554, level=level)
        + noise(frames, 1, 0.001, seed)
    )


def test_an_untouched_song_has_the_steps_it_had():
    song = audio(noise(6 * RATE))
    seams = measure_seams(song, song, 0, [(2 * RATE, 2 * RATE + 480), (3 * RATE, 3 * RATE - 480)])
    for seam in seams:
        for step in (seam.level, seam.spectrum, seam.click):
            assert step.value == step.original
            assert not step.stands_out


def test_ranks_of_unchanged_places_are_spread_evenly():
    """The measure itself has no favourite: half of a song's own places rank above one half."""
    song = audio(noise(6 * RATE))
    places = np.random.default_rng(5).integers(RATE, 5 * RATE, 60)
    ranks = [
        seam.level.rank
        for seam in measure_seams(song, song, 0, [(int(place), int(place)) for place in places])
    ]
    assert 0.35 < np.mean(ranks) < 0.65


def test_similar_material_with_fades_is_not_noticed():
    song = audio(noise(6 * RATE))
    for seam in seams_of(song, noise(RATE, seed=4), 480):
        assert faults(seam) == []


def test_a_hard_cut_in_a_tone_is_a_click():
    song = audio(pad(6 * RATE))
    render = pad(RATE, seed=2) + 0.1
    for seam in seams_of(song, render, 0):
        assert seam.click.stands_out
        assert seam.click.rank == 1.0
    for seam in seams_of(song, render, 2400):
        assert not seam.click.stands_out


def test_a_jump_in_level_is_noticed():
    song = audio(noise(6 * RATE))
    for seam in seams_of(song, noise(RATE, level=0.8, seed=4), 480):
        assert seam.level.stands_out
        assert seam.level.value == pytest.approx(12.0, abs=2.5)


def test_another_sound_of_the_same_level_is_noticed():
    song = audio(pad(6 * RATE))
    hiss = noise(RATE, 1, 1.0)
    hiss *= np.sqrt((song.samples**2).mean() / (hiss**2).mean())
    for seam in seams_of(song, hiss, 480):
        assert seam.spectrum.stands_out
        assert not seam.level.stands_out


def test_a_drum_on_the_bar_line_is_no_fault():
    """The song has the same step there, however rare it is."""
    samples = pad(6 * RATE, 0.02)
    samples[: len(samples)] += drums(6 * RATE, RATE, RATE, 0)[0]
    song = audio(samples)
    fresh = pad(RATE, 0.02, seed=3) + drums(2 * RATE, RATE, RATE, 0, seed=8)[0][:RATE]
    entry, _ = seams_of(song, fresh, 0)
    assert entry.level.value > 6
    assert faults(entry) == []


@pytest.mark.parametrize("count", [1, 2, 5])
def test_an_untouched_song_ranks_at_fifty_at_its_own_bar_lines(count):
    """Drums on bar lines are steps as large as a song has: among instants anywhere they would rank at the top."""
    samples = pad(20 * RATE, 0.02) + drums(20 * RATE, RATE, RATE, 0)[0]
    song, lines = audio(samples), [second * RATE for second in range(1, 19)]
    random = np.random.default_rng(2)
    ranks = []
    for _ in range(16):
        edges = [(int(line), int(line) + 480) for line in random.choice(lines, count, replace=False)]
        ranks.append(rank_together(measure_seams(song, song, 0, edges, lines)))
    assert 0.35 < np.mean(ranks) < 0.65


def test_a_cut_ranks_above_all_bar_lines():
    samples = pad(20 * RATE, 0.02) + drums(20 * RATE, RATE, RATE, 0)[0]
    song, lines = audio(samples), [second * RATE for second in range(1, 19)]
    cut = samples.copy()
    cut[10 * RATE : 11 * RATE] = noise(RATE, 1, 0.9)
    seams = measure_seams(song, audio(cut), 0, [(10 * RATE, 10 * RATE), (11 * RATE, 11 * RATE)], lines)
    assert rank_together(seams) > 0.95


def test_without_seams_there_is_no_rank():
    assert rank_together(()) is None


def test_silence_has_no_seams():
    song = audio(np.zeros((6 * RATE, 2)))
    for seam in seams_of(song, np.zeros((RATE, 2)), 480):
        assert (seam.level.value, seam.spectrum.value, seam.click.value) == (0.0, 0.0, 0.0)
        assert not seam.level.stands_out


@pytest.mark.parametrize("frames", [1, 2, 100, 2000])
def test_a_short_song_gives_measures_without_a_verdict(frames):
    song = audio(noise(frames))
    (seam,) = measure_seams(song, song, 0, [(frames // 2, frames // 2)])
    assert seam.level.rank is None
    assert seam.level.usual is None
    assert not seam.level.stands_out


@pytest.mark.parametrize("rate", PROJECT_RATES)
def test_every_rate(rate):
    song = audio(tone(4 * rate, rate), rate)
    (seam,) = measure_seams(song, song, 0, [(2 * rate, 2 * rate)])
    assert seam.level.value < 0.5
    assert 0 <= seam.level.rank <= 1


def test_a_hit_that_the_joined_sound_has_in_its_own_place_is_no_fault():
    """Where nothing played there before, as in a continuation, only the place it comes from shows the step."""
    rare = pad(20 * RATE, 0.02)
    hit = drums(2 * RATE, RATE, RATE, 0)[0][: RATE // 2]
    rare[4 * RATE : 4 * RATE + len(hit)] += hit
    song, place = audio(rare), 12 * RATE
    moved = rare.copy()
    moved[place : place + RATE] = rare[4 * RATE : 5 * RATE]
    edges = [(place, place)]
    (unknown,) = measure_seams(song, audio(moved), 0, edges)
    (known,) = measure_seams(song, audio(moved), 0, edges, shifts=[(4 * RATE - place,)])
    assert "level" in faults(unknown)
    assert faults(known) == []


def test_an_entry_after_silence_is_no_jump_where_the_music_has_an_offset():
    """As of a converter: it ends with the song, and begins again with what continues it."""
    played = pad(8 * RATE) + 0.1
    song = audio(np.concatenate([played, np.zeros_like(played[: 2 * RATE])]))
    swell = np.minimum(np.arange(len(played)) / 480, 1.0)[:, None]
    whole = audio(np.concatenate([song.samples, played * swell]))
    (entry,) = measure_seams(song, whole, 0, [(song.frames, song.frames + 480)])
    assert faults(entry) == []


def test_an_entry_after_silence_is_no_jump_but_a_cut_note_is_a_click():
    song = pad(8 * RATE)
    song[4 * RATE : 6 * RATE] = 0.0
    silent, place = audio(song), 5 * RATE
    swells, cut = song.copy(), song.copy()
    note = pad(RATE)
    swells[place : 6 * RATE] = note * np.minimum(np.arange(RATE) / 2400, 1.0)[:, None]
    cut[place : 6 * RATE] = pad(RATE + 24)[24:]  # begins within a period
    for sound, expected in ((swells, []), (cut, ["click"])):
        (seam,) = measure_seams(silent, audio(sound), 0, [(place, place)])
        assert faults(seam) == expected


def test_a_hole_in_a_song_that_plays_on_is_a_jump():
    song = audio(pad(8 * RATE))
    holed = song.samples.copy()
    holed[4 * RATE : 5 * RATE] = 0.0
    for seam in measure_seams(song, audio(holed), 0, [(4 * RATE, 4 * RATE), (5 * RATE, 5 * RATE)]):
        assert seam.level.stands_out
