"""A whole accompaniment, from a voice to audio, MIDI and report."""

from __future__ import annotations

import functools
import io
import itertools
import time
from dataclasses import replace

import mido
import numpy as np
import pyloudnorm
import pytest

from model.blueprint import Blueprint
from model.engine import Attachment, Piece, Report, Song
from model.errors import CannotRender, RenderStopped
from model.given_chord import GivenChord
from model.sketch.band import accompany
from tests.model.sketch import folk_songs
from tests.model.sketch.questions import work_between_questions
from tests.model.sketch.singing_machine import (
    beat_seconds,
    make_grid,
    notes_of,
    perform,
    request_for,
    sing,
)
from tests.model.sketch.songs import make_song

RATE = 16000


@functools.cache
def singer(song=folk_songs.TWINKLE, rate=RATE):
    return perform(song, rate, cents=17.0)


def request(**changes):
    voice, grid = singer()
    values = {"key": "C major", **changes}
    return request_for(changes.get("song", voice), changes.get("grid", grid), **values)


@functools.cache
def cached(changes):
    return collect(request(**dict(changes)))


def rendered(**changes):
    """A render of the cached voice, made once per set of changes."""
    return cached(tuple(sorted(changes.items())))


def collect(asked, should_stop=lambda: False):
    """({stem: samples}, report, {name: bytes}, progress) of a render; pieces must follow each other."""
    stems, attachments, said = {}, {}, []
    report = None
    for result in accompany.render(asked, said.append, should_stop):
        assert report is None, "the report comes last"
        if isinstance(result, Piece):
            pieces = stems.setdefault(result.stem, [])
            position = asked.start - asked.handle * (result.stem == "handles")
            assert result.start == position + sum(len(piece) for piece in pieces)
            assert result.samples.dtype == np.float32
            pieces.append(result.samples)
        elif isinstance(result, Attachment):
            attachments[result.name] = result.data
        elif isinstance(result, Blueprint):
            attachments["blueprint"] = result
        else:
            assert isinstance(result, Report)
            report = result
    return {name: np.concatenate(pieces) for name, pieces in stems.items()}, report, attachments, said


def test_the_backing_covers_the_region_and_its_stems_sum_to_it():
    stems, report, _, _ = rendered()
    mix = stems["mix"]
    assert mix.shape == (singer()[0].frames, 2)
    assert np.isfinite(mix).all()
    parts = {name: samples for name, samples in stems.items() if name != "mix"}
    assert list(parts) == report.figures["instruments"] == ["drums", "bass", "keys", "pad"]
    assert np.abs(sum(parts.values()) - mix).max() <= 1e-6
    assert all(np.abs(samples).max() > 0.01 for samples in parts.values())


def test_it_lies_two_units_under_the_voice():
    mix = rendered()[0]["mix"]
    voice = singer()[0].samples
    meter = pyloudnorm.Meter(RATE)
    assert meter.integrated_loudness(mix) == pytest.approx(meter.integrated_loudness(voice) - 2.0, abs=0.3)


def test_the_report_says_what_was_done():
    _, report, _, _ = rendered(caption="dreamy pop")
    figures = report.figures
    assert figures["key"] == "C major"
    assert figures["key_given"]
    assert figures["preset"] == "pop"
    assert abs(figures["tuning_cents"] - 17) <= 8
    assert figures["melody_coverage"] > 0.8
    assert len(figures["chords"]) == 12
    assert figures["chords"][0] == figures["chords"][-1].split()[-1] == "C"
    assert any("dreamy" in note for note in report.notes)
    assert "no neural network" in report.method


def test_the_key_is_found_when_none_is_given():
    _, report, _, _ = rendered(key=None)
    assert report.figures["key"] == "C major"
    assert not report.figures["key_given"]
    assert any("C major" in note for note in report.notes)


def test_the_midi_file_has_the_tempo_the_bars_and_everybody():
    _, report, attachments, _ = rendered()
    file = mido.MidiFile(file=io.BytesIO(attachments["arrangement.mid"]))
    assert [track.name for track in file.tracks[1:]] == report.figures["instruments"]
    notes = sum(message.type == "note_on" for track in file.tracks for message in track)
    assert notes == pytest.approx(report.figures["notes_played"], abs=5)
    assert file.length == pytest.approx(singer()[0].frames / RATE, abs=0.01)


def test_the_blueprint_has_the_chords_that_are_played():
    _, report, attachments, _ = rendered()
    blueprint, (_, grid) = attachments["blueprint"], singer()
    assert (blueprint.key, blueprint.meter) == ("C major", "4/4")
    assert blueprint.tempo == grid.quarters_per_minute[0]
    chart = " ".join(report.figures["chords"]).split()
    played = [name for name, before in zip(chart, [None, *chart], strict=False) if name != before]
    assert [chord.name for chord in blueprint.chords] == played
    assert (
        blueprint.chords[0].time == grid.seconds[np.flatnonzero(grid.bar == report.figures["first_bar"])[0]]
    )
    assert {chord.time for chord in blueprint.chords} <= set(grid.seconds)


def test_the_same_request_gives_the_same_samples():
    again = collect(request())[0]
    for name, samples in rendered()[0].items():
        np.testing.assert_array_equal(again[name], samples)


def test_takes_differ():
    short = {"end": 6 * RATE}
    mixes = [rendered(takes=(take,), **short)[0]["mix"] for take in range(4)]
    for one, other in itertools.combinations(mixes, 2):
        alike = np.sum(one * other) / np.sqrt(np.sum(one**2) * np.sum(other**2))
        assert alike < 0.97


def test_takes_bring_other_chords_too():
    takes = (0, 1, 3, 5, 7)
    charts = {
        rendered(takes=(take,), end=15 * RATE, stems=("bass",))[1].figures["chord_chart"] for take in takes
    }
    assert len(charts) >= 3


def test_only_the_instruments_asked_for_play():
    stems, report, _, _ = rendered(stems=("guitar", "bass"), end=6 * RATE)
    assert set(stems) == {"mix", "bass", "guitar"}
    assert report.figures["instruments"] == ["bass", "guitar"]
    assert np.abs(stems["bass"] + stems["guitar"] - stems["mix"]).max() <= 1e-6


@pytest.mark.parametrize(
    ("start", "end"), [(RATE * 3 + 7, RATE * 9 + 1), (-2 * RATE, RATE), (25 * RATE, 33 * RATE), (0, 1)]
)
def test_any_region_is_covered_to_the_frame(start, end):
    stems, _, _, _ = rendered(start=start, end=end)
    assert {len(samples) for samples in stems.values()} == {end - start}


@pytest.mark.parametrize("channels", [1, 2])
def test_handles_lie_around_the_region(channels):
    stems, _, _, _ = rendered(start=4 * RATE, end=6 * RATE, handle=500, channels=channels)
    assert stems["handles"].shape == (2 * RATE + 1000, channels)
    np.testing.assert_array_equal(stems["handles"][500:-500], stems["mix"])


@pytest.mark.parametrize(
    "tempi",
    [[100.0] * 16 + [140.0] * 16, list(np.linspace(90, 130, 32))],
    ids=["step", "ramp"],
)
def test_the_drums_follow_the_hosts_tempo(tempi):
    song = folk_songs.TWINKLE
    grid = make_grid(8, 4, tempi)
    end = beat_seconds(grid, 32)
    notes = [note for note in notes_of(song, grid) if note.start < end - 0.1]
    voice = Song(sing(notes, end, RATE)[0], RATE, "tempo")
    stems, _, _, _ = collect(
        request_for(voice, grid, key="C major", stems=("drums",), caption="rock", end=voice.frames)
    )
    drums = np.abs(stems["drums"]).max(axis=1)
    step = RATE // 1000
    level = np.array([drums[i : i + step].max() for i in range(0, len(drums) - step, step)])
    late = []
    for beat in range(28):
        at = round(1000 * beat_seconds(grid, beat))
        window = level[max(0, at - 30) : at + 40]
        rise = np.diff(np.log(window + 1e-3))
        late.append(int(np.argmax(rise)) + 1 - min(30, at))
    assert np.median(np.abs(late)) <= 2
    assert np.percentile(np.abs(late), 90) <= 5


@pytest.mark.parametrize(
    ("song", "caption"),
    [(folk_songs.AMAZING_GRACE, "waltz"), (folk_songs.GREENSLEEVES, "folk")],
    ids=["waltz", "folk"],
)
def test_steady_singing_mostly_meets_the_band(song, caption):
    """The report's chart under a song in three: a chord per bar, the singer's notes in it on downbeats."""
    voice, grid = perform(song, RATE, cents=-20.0)
    asked = request_for(voice, grid, key=song.key, caption=caption, stems=("bass",))
    _, report, _, _ = collect(asked)
    assert report.figures["preset"] == caption
    assert len(report.figures["chords"]) == song.melody.count("|") + 1
    assert all(" " not in chord for chord in report.figures["chords"])


def test_the_band_ends_with_the_singer():
    """After the last sung bar comes one chord, if there is room for its bar, and nothing more."""
    voice, grid = singer()
    bar = 4 * 60 / folk_songs.TWINKLE.tempo
    for seconds_more, held_bar in ((0.4 * bar, 11), (2.5 * bar, 12)):
        silence = np.zeros((round(seconds_more * RATE), 1), np.float32)
        longer = Song(np.concatenate([voice.samples, silence]), RATE, f"longer {seconds_more}")
        asked = request_for(longer, grid, key="C major", stems=("keys",))
        data = collect(asked)[2]["arrangement.mid"]
        seconds, starts = 0.0, []
        for message in mido.MidiFile(file=io.BytesIO(data)):
            seconds += message.time
            if message.type == "note_on":
                starts.append(seconds)
        assert max(starts) == pytest.approx(held_bar * bar, abs=0.01)
        assert starts.count(max(starts)) == 3


def test_silence_is_refused_with_a_remedy():
    voice, grid = singer()
    silent = Song(np.zeros_like(voice.samples), RATE, "silence")
    with pytest.raises(CannotRender, match="silent") as refusal:
        collect(request_for(silent, grid))
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": 400 * RATE, "end": 401 * RATE}, "tempo map"),
        ({"caption": "no drums, no bass, no keys, no pad"}, "all instruments"),
    ],
)
def test_the_impossible_is_refused_with_a_remedy(changes, words):
    with pytest.raises(CannotRender, match=words) as refusal:
        collect(replace(request(), **changes))
    assert refusal.value.remedy


@functools.cache
def band(bars=6):
    return make_song(bars, lead=False, drums=False, rate=RATE, progression=("Am", "F", "C", "G"))


def test_a_mix_is_named_and_its_own_chords_are_played():
    made = band()
    _, report, files, _ = collect(request_for(made.song, made.grid, stems=("bass",)))
    (note,) = [note for note in report.notes if "mix" in note]
    assert "% of what sounds belongs to one clear pitch" in note
    assert report.figures["chords"] == ["Am", "F", "C", "G", "Am", "F"]
    assert (report.figures["source"], report.figures["chords_from"]) == ("mix", "the recording")
    assert {"arrangement.mid", "chords.mid"} <= set(files)


def test_a_voice_with_long_rests_is_no_mix():
    voice, grid = singer()
    rests = voice.samples.copy()
    rests[len(rests) // 4 :] = 0.0
    asked = request_for(Song(rests, RATE, "rests"), grid, key="C major", stems=("bass",))
    _, report, _, _ = collect(asked)
    assert report.figures["melody_coverage"] < 0.5 < 0.8 < report.figures["line_share"]
    assert not any("mix" in note for note in [*report.notes, *rendered()[1].notes])


GIVEN = (
    GivenChord(1 * 4, "Am7", 9, 9, (0, 3, 7, 10)),
    GivenChord(2 * 4 + 2, "F/C", 5, 0, (0, 4, 7)),
    GivenChord(4 * 4, "N.C."),
    GivenChord(5 * 4, "Gsus4", 7, 7, (0, 5, 7)),
)


def test_given_chords_are_played_named_and_written_down():
    voice, grid = singer()
    short = Song(voice.samples[: 14 * RATE], RATE, "short")
    asked = request_for(short, grid, chords=GIVEN, stems=("bass", "keys"), caption="sparse")
    _, report, files, _ = collect(asked)
    assert report.figures["chords"][:5] == ["Am7", "Am7 F/C", "F/C", "N.C.", "Gsus4"]
    assert report.figures["chords_from"] == "the request"
    assert not any("vamp" in note or "key" in note for note in report.notes)
    track = sounding(files["chords.mid"], "chords")
    for beat, classes in ((0, {9, 0, 4, 7}), (5, {9, 0, 4, 7}), (6, {0, 5, 9}), (12, set()), (16, {7, 0, 2})):
        assert track(beat + 0.5) == classes
    band_notes = sounding(files["arrangement.mid"], "keys")
    assert band_notes(0.5) == {9, 0, 4, 7}
    assert band_notes(6.5) == {0, 5, 9}
    assert band_notes(13.0) == set()


def sounding(data, name):
    """beat -> pitch classes that sound there in a track of a MIDI file."""
    file = mido.MidiFile(file=io.BytesIO(data))
    (track,) = [track for track in file.tracks if track.name == name]
    spans, open_notes, now = [], {}, 0
    for message in track:
        now += message.time
        if message.type == "note_on":
            open_notes[message.note] = now
        elif message.type == "note_off":
            spans.append((open_notes.pop(message.note), now, message.note % 12))
    return lambda beat: {n for a, b, n in spans if a <= beat * file.ticks_per_beat < b}


def test_given_chords_are_played_to_the_end_of_a_song_whose_singer_stops_before():
    voice, grid = singer()
    fading = voice.samples[: 14 * RATE].copy()
    fading[4 * RATE :] = 0.0
    asked = request_for(Song(fading, RATE, "stops"), grid, chords=GIVEN, stems=("bass",))
    data = collect(asked)[2]["arrangement.mid"]
    assert sounding(data, "bass")(16.5) == {7}
    assert collect(replace(asked, chords=()))[1].figures["chords_from"] == "the melody"


def test_a_band_plays_on_where_a_mix_has_no_clear_pitch():
    made = band()
    unclear = made.song.samples.copy()
    noise = np.random.default_rng(0).normal(0.0, 0.3, unclear.shape).astype(np.float32)
    unclear[len(unclear) // 2 :] += noise[len(unclear) // 2 :]
    asked = request_for(Song(unclear, RATE, "unclear"), made.grid, stems=("bass",))
    stems, report, _, _ = collect(asked)
    assert report.figures["source"] == "mix"
    last = stems["bass"][-3 * RATE :]
    assert np.abs(last).max() > 0.02


def test_drums_alone_play_no_chords_and_say_so():
    voice, grid = singer()
    short = Song(voice.samples[: 4 * RATE], RATE, "four seconds")
    _, report, _, _ = collect(request_for(short, grid, chords=GIVEN, stems=("drums",)))
    assert any("drums alone" in note for note in report.notes)


def test_without_a_melody_it_says_so_and_vamps():
    _, grid = singer()
    hiss = np.random.RandomState(0).normal(0, 0.05, (8 * RATE, 1)).astype(np.float32)
    _, report, _, _ = collect(request_for(Song(hiss, RATE, "hiss"), grid, key="A minor"))
    assert any("No clear melody" in note for note in report.notes)
    assert set(report.figures["chords"]) <= {"Am", "F", "C", "G", "E"}


def test_what_it_may_not_look_at_does_not_matter():
    voice, grid = singer()
    other = voice.samples.copy()
    other[12 * RATE :] = 0.2
    region = {"key": "C major", "start": 0, "end": 5 * RATE, "context_seconds": 2.0}
    one = collect(request_for(voice, grid, **region))[0]["mix"]
    two = collect(request_for(Song(other, RATE, "other"), grid, **region))[0]["mix"]
    np.testing.assert_array_equal(one, two)


def test_progress_rises_and_speaks_to_musicians():
    said = rendered()[3]
    fractions = [progress.fraction for progress in said]
    assert fractions == sorted(fractions)
    assert fractions[-1] > 0.9
    assert {"analysing the voice", "choosing chords", "playing the backing"} <= {p.stage for p in said}


def test_it_stops_when_asked_and_asks_often():
    asked = request(end=10 * RATE)
    collect(asked)  # what is imported late is there now
    work = work_between_questions(functools.partial(collect, asked))
    assert max(work) < 0.1
    for after in (1, len(work) // 2, len(work) - 2):
        answers = itertools.count()
        with pytest.raises(RenderStopped):
            collect(asked, lambda answers=answers, after=after: next(answers) >= after)


@pytest.mark.slow
@pytest.mark.alone  # it keeps time
def test_it_is_fast():
    """Under a tenth of real time at 48 kHz, on the processor time of one core."""
    voice, grid = perform(folk_songs.GREENSLEEVES, 48000, cents=10.0)
    asked = request_for(voice, grid, key="A minor")
    collect(replace(asked, end=48000))
    began = time.process_time()
    collect(asked)
    share = (time.process_time() - began) / (voice.frames / 48000)
    print(f"accompaniment: {share:.3f} of real time")
    assert share < 0.1
