"""The demo song: a well-formed score, files that are its render, a MIDI file with the exact tempo map."""

from __future__ import annotations

import mido
import numpy as np
import pyloudnorm
import pytest
import soundfile

from examples.demo_song import render, score
from tests.places import DEMO_SONG

FOLDER = DEMO_SONG.parent


@pytest.fixture(scope="module")
def rendered():
    return render.render_song()


@pytest.fixture(scope="module")
def song():
    samples, rate = soundfile.read(FOLDER / "demo_song.flac", dtype="int16", always_2d=True)
    assert rate == render.RATE
    return samples


@pytest.fixture(scope="module")
def midi():
    return mido.MidiFile(FOLDER / "demo_song.mid")


def test_every_bar_of_the_score_is_there_and_full():
    for bars in (score.CHORDS, score.LEAD, score.BASS, score.DRUMS, score.COMP, score.DYNAMICS):
        assert len(bars) == score.BARS
    for bars in (score.CHORDS, score.LEAD, score.BASS):
        for bar, text in enumerate(bars):
            assert list(render.spans(text, bar))
    with pytest.raises(ValueError, match="Bar 3"):
        list(render.spans("C4:1 D4:2", 2))
    for pattern in score.DRUM_PATTERNS.values():
        assert {len(steps) for steps in pattern.values()} == {16}


@pytest.mark.parametrize("which", [0, 1])
def test_the_score_renders_to_the_files_in_the_repository(rendered, which):
    name = ("demo_song.flac", "demo_lead.flac")[which]
    kept, rate = soundfile.read(FOLDER / name, dtype="int16", always_2d=True)
    assert rate == render.RATE
    assert kept.shape == rendered[which].shape
    difference = np.abs(kept.astype(int) - rendered[which])
    # Another processor's sine may differ in its last bit, which can turn one rounding to 16 bits in
    # thousands.
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 1e-3


def test_the_midi_file_in_the_repository_is_the_scores():
    assert (FOLDER / "demo_song.mid").read_bytes() == render.song_midi()


def test_level_and_peak(song):
    audio = song / 32768.0
    assert np.abs(audio).max() < 10 ** (-1 / 20)
    assert pyloudnorm.Meter(render.RATE).integrated_loudness(audio) == pytest.approx(-16.0, abs=0.3)


def test_no_clicks(song):
    """No step between samples that a drum could not make, and silence at the end."""
    audio = song / 32768.0
    assert np.abs(np.diff(audio, axis=0)).max() < 0.35
    assert np.abs(audio[-10:]).max() < 1e-3


def test_the_files_are_small_enough_to_be_kept_in_git():
    assert sum(file.stat().st_size for file in FOLDER.glob("demo_*")) < 4_500_000


def test_the_midi_tempo_map_is_the_renders(midi):
    """Every bar line by mido's arithmetic and by ours: the same to a microsecond."""
    seconds, tick, tempo, bar_seconds = 0.0, 0, 500000, {}
    ticks_per_bar = score.BEATS_PER_BAR * midi.ticks_per_beat
    events = [(time, message) for time, message in absolute(midi.tracks[0])]
    for bar in range(score.BARS + 1):
        while events and events[0][0] <= bar * ticks_per_bar:
            time, message = events.pop(0)
            seconds += mido.tick2second(time - tick, midi.ticks_per_beat, tempo)
            tick = time
            tempo = message.tempo if message.type == "set_tempo" else tempo
        at_bar = seconds + mido.tick2second(bar * ticks_per_bar - tick, midi.ticks_per_beat, tempo)
        bar_seconds[bar] = at_bar
        assert at_bar == pytest.approx(render.seconds_at(bar * score.BEATS_PER_BAR), abs=1e-6)
    assert bar_seconds[9] == pytest.approx(9 * 4 * 60 / 104, abs=1e-5)
    assert bar_seconds[20] == pytest.approx(
        9 * 4 * 60 / 104 + 11 * 4 * 60 / 112, abs=2e-5
    )  # whole microseconds


def absolute(track):
    tick = 0
    for message in track:
        tick += message.time
        yield tick, message


def test_the_midi_file_says_meter_key_and_markers(midi):
    conductor = [message for _, message in absolute(midi.tracks[0])]
    meter = next(message for message in conductor if message.type == "time_signature")
    assert (meter.numerator, meter.denominator) == (4, 4)
    assert next(message.key for message in conductor if message.type == "key_signature") == "G"
    assert [message.text for message in conductor if message.type == "marker"] == [
        t for _, t in score.MARKERS
    ]


def test_the_midi_file_has_every_note(midi):
    for track, (name, events) in zip(midi.tracks[1:], render.parts().items(), strict=True):
        assert track.name == name
        assert sum(message.type == "note_on" for message in track) == len(events)


def test_the_band_hits_the_downbeats(song):
    """The loudness jumps within 3 ms of every downbeat that has a kick after a quieter sixteenth."""
    mono = np.abs(song.mean(axis=1)) / 32768.0
    for bar in score.CRASH_BARS:
        at = round(render.seconds_at((bar - 1) * score.BEATS_PER_BAR) * render.RATE)
        before = mono[at - 480 : at - 48]
        after = mono[at : at + 144]
        assert after.max() > 1.3 * before.max(), f"nothing new at bar {bar}"
