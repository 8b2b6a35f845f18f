"""The pitch tracker against a singer whose pitch is known, and against what librosa finds."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest

from model.sketch.band import melody
from tests.model.sketch import folk_songs
from tests.model.sketch.questions import work_between_questions
from tests.model.sketch.singing_machine import beat_seconds, make_grid, notes_of, sing
from tests.places import LIBROSA_NUMBERS

RATE = 22050
COMPARED = [(folk_songs.GREENSLEEVES, 17.0), (folk_songs.SAINTS, -24.0)]


@functools.cache
def sung(song, cents=0.0, seed=1, transpose=0, bars=8):
    """The first `bars` bars: (voice, true pitch line)."""
    grid = make_grid(bars, song.beats, song.tempo)
    end = beat_seconds(grid, bars * song.beats)
    notes = [note for note in notes_of(song, grid, transpose) if note.start < end - 0.1]
    return sing(notes, end, RATE, cents, seed)


def truth_at(line, frames, hop_seconds=melody.HOP_SECONDS):
    at = np.minimum((np.arange(frames) * hop_seconds * RATE).astype(int), len(line) - 1)
    return line[at]


@pytest.mark.parametrize(
    ("song", "cents", "transpose"),
    [
        (folk_songs.GREENSLEEVES, 17.0, 0),
        (folk_songs.SAINTS, -24.0, -12),
        (folk_songs.DRUNKEN_SAILOR, 0.0, -19),
        (folk_songs.AMAZING_GRACE, 31.0, 7),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_line_is_the_one_sung(song, cents, transpose):
    voice, line = sung(song, cents, 1, transpose)
    found = melody.track(voice, RATE)
    truth = truth_at(line, len(found.pitch))
    there = np.isfinite(truth)
    right = np.abs(found.pitch - truth) < 0.5
    assert right[there].mean() > 0.95
    assert abs(100 * melody.tuning_semitones(found) - cents) <= 8.0


def test_a_pure_tone_is_found_to_a_few_cents():
    for hertz in (70.0, 110.0, 261.63, 440.0, 880.0):
        tone = 0.3 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)
        found = melody.track(tone.astype(np.float32)[:, None], RATE).pitch[10:-10]
        wanted = 69 + 12 * np.log2(hertz / 440)
        assert np.abs(found - wanted).max() < 0.06, hertz


def test_silence_and_noise_have_no_melody():
    silent = melody.track(np.zeros((RATE, 2), np.float32), RATE)
    assert not silent.voiced.any()
    assert silent.coverage == 0.0
    assert melody.tuning_semitones(silent) == 0.0
    hiss = np.random.RandomState(0).normal(0, 0.1, (3 * RATE, 1)).astype(np.float32)
    assert melody.track(hiss, RATE).coverage < 0.05


def test_pauses_are_not_sung():
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(3 * RATE) / RATE)
    tone[RATE : 2 * RATE] = 0.0
    voiced = melody.track(tone.astype(np.float32)[:, None], RATE).voiced
    assert voiced[10:95].all()
    assert not voiced[106:194].any()


@pytest.mark.parametrize("rate", [16000, 44100, 48000, 96000])
def test_rate_and_channels_do_not_matter(rate):
    tone = 0.2 * np.sin(2 * np.pi * 330 * np.arange(rate) / rate)
    stereo = np.stack([tone, tone], axis=1).astype(np.float32)
    found = melody.track(stereo, rate)
    assert len(found.pitch) == 101
    assert np.nanmedian(found.pitch) == pytest.approx(69 + 12 * np.log2(330 / 440), abs=0.03)


def test_glides_are_left_out_and_vibrato_is_averaged():
    t = np.arange(200) * melody.HOP_SECONDS
    vibrato = 60 + 0.4 * np.sin(2 * np.pi * 5.5 * t)
    steady = melody.steady_pitch(melody.Melody(vibrato, np.ones(200)))
    assert np.nanmax(np.abs(steady[20:-20] - 60)) < 0.12
    glide = np.concatenate([np.full(50, 60.0), np.linspace(60, 67, 12), np.full(50, 67.0)])
    kept = melody.steady_pitch(melody.Melody(glide, np.ones(len(glide))))
    assert np.isnan(kept[53:59]).all()
    assert np.isfinite(kept[:48]).all()


def test_it_asks_often_whether_to_stop():
    voice, _ = sung(folk_songs.GREENSLEEVES, 17.0)
    melody.track(voice, RATE)  # imports done
    work = work_between_questions(lambda should_stop: melody.track(voice, RATE, should_stop))
    assert max(work) < 0.1
    assert len(work) > 5


@pytest.mark.parametrize(("song", "cents"), COMPARED, ids=lambda value: getattr(value, "name", value))
def test_finds_as_much_as_librosa(song, cents):
    """Its share comes from `python -m benchmarks.librosa_numbers`."""
    theirs = json.loads(LIBROSA_NUMBERS.read_text(encoding="utf-8"))["pyin"][song.name]
    voice, line = sung(song, cents)
    found = melody.track(voice, RATE)
    truth = truth_at(line, len(found.pitch))
    ours = np.mean(np.abs(found.pitch - truth)[np.isfinite(truth)] < 0.5)
    assert ours >= theirs - 0.02
