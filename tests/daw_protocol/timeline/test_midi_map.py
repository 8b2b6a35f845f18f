from __future__ import annotations

import io
import random
from fractions import Fraction
from itertools import pairwise

import mido
import pytest

from daw_protocol.timeline.bar_grid import MeterChange
from daw_protocol.timeline.bbt import Bbt
from daw_protocol.timeline.key import Key
from daw_protocol.timeline.meter import Meter
from daw_protocol.timeline.midi_map import (
    SONG_MAP_KINDS,
    SongEvent,
    SongMap,
    read_song_map,
    song_map_events,
)
from daw_protocol.timeline.tempo_map import TempoMap
from daw_protocol.timeline.tempo_point import TempoPoint

NANOSECONDS = 10**9


def through_a_file(events: list[SongEvent], ticks_per_quarter: int) -> mido.MidiFile:
    """The events as a real MIDI file, written out and read again, with a note on every quarter besides."""
    song = mido.MidiFile(ticks_per_beat=ticks_per_quarter)
    track = mido.MidiTrack()
    song.tracks.append(track)
    now = 0
    for tick, kind, values in sorted(events, key=lambda event: event[0]):
        names = {"set_tempo": ["tempo"], "key_signature": ["key"], "marker": ["text"]}
        fields = names.get(kind, ["numerator", "denominator"])
        track.append(mido.MetaMessage(kind, time=tick - now, **dict(zip(fields, values, strict=True))))
        now = tick
    notes = mido.MidiTrack()
    song.tracks.append(notes)
    for _ in range(400):
        notes.append(mido.Message("note_on", note=60, time=ticks_per_quarter))
    stored = io.BytesIO()
    song.save(file=stored)
    return mido.MidiFile(file=io.BytesIO(stored.getvalue()))


def events_of(song: mido.MidiFile) -> list[SongEvent]:
    """What a caller of read_song_map does: the file's own messages as (tick, kind, values)."""
    events: list[SongEvent] = []
    for track in song.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type in SONG_MAP_KINDS:
                values = [
                    value for name, value in message.dict().items() if name not in ("type", "time", "is_meta")
                ]
                events.append((now, message.type, tuple(values)))
    return events


def random_tempos(seed: int) -> list[SongEvent]:
    draw = random.Random(seed)
    ticks = sorted(draw.sample(range(1, 180_000), 150))
    return [(tick, "set_tempo", (draw.randint(150_000, 2_000_000),)) for tick in ticks]


@pytest.mark.parametrize("seed", [1, 2])
def test_notes_lie_where_mido_plays_them(seed: int) -> None:
    """mido adds up floats from event to event; over these quarters that keeps a microsecond, we more."""
    song = through_a_file(random_tempos(seed), 480)
    tempo_map = read_song_map(480, events_of(song)).tempo_map
    seconds, quarter, compared = 0.0, 0, 0
    for message in song:
        seconds += message.time
        if message.type == "note_on":
            quarter += 1
            ours = tempo_map.sample_at(Fraction(quarter), NANOSECONDS) / NANOSECONDS
            assert ours == pytest.approx(seconds, abs=1e-6)
            compared += 1
    assert compared == 400


def test_ticks_lie_where_mido_computes_them() -> None:
    tempo_map = read_song_map(960, [(0, "set_tempo", (471_327,))]).tempo_map
    for tick in (1, 959, 960, 123_456, 10_000_000):
        ours = tempo_map.sample_at(Fraction(tick, 960), NANOSECONDS) / NANOSECONDS
        assert ours == pytest.approx(mido.tick2second(tick, 960, 471_327), rel=1e-12, abs=1e-9)


def test_a_song_through_a_real_file() -> None:
    song = through_a_file(
        [
            (0, "time_signature", (4, 4)),
            (0, "key_signature", ("F#m",)),
            (960, "set_tempo", (500_000,)),
            (960, "marker", ("Verse",)),
            (1920, "time_signature", (7, 8)),
            (1920, "key_signature", ("Bb",)),
        ],
        480,
    )
    read = read_song_map(song.ticks_per_beat, events_of(song), first_bar=3, offset=Fraction(1, 2))
    assert read.keys == ((Fraction(0), Key("F#", "minor")), (Fraction(4), Key("Bb", "major")))
    assert read.markers == ((Fraction(2), "Verse"),)
    assert read.tempo_map.meters == (
        MeterChange(Fraction(0), Meter(4, 4)),
        MeterChange(Fraction(4), Meter(7, 8)),
    )
    assert read.tempo_map.sample_of(Bbt(4), 48000) == 24000 + 96000


def test_an_empty_file_plays_at_120_in_common_time() -> None:
    assert read_song_map(480, []) == SongMap(TempoMap.constant(120), has_tempo=False)


def test_a_tempo_that_comes_late_leaves_120_before_it() -> None:
    read = read_song_map(480, [(960, "set_tempo", (1_000_000,))])
    assert read.tempo_map.points == (
        TempoPoint(Fraction(0), Fraction(120)),
        TempoPoint(Fraction(2), Fraction(60)),
    )


def test_the_last_of_several_at_one_tick_wins() -> None:
    read = read_song_map(
        480,
        [
            (480, "set_tempo", (400_000,)),
            (480, "set_tempo", (600_000,)),
            (0, "time_signature", (3, 4)),
            (0, "time_signature", (6, 8, 24, 8)),
            (0, "key_signature", ("C",)),
            (0, "key_signature", ("Am",)),
            (0, "marker", ("two",)),
            (0, "marker", ("one",)),
        ],
    )
    assert read.tempo_map.points[1] == TempoPoint(Fraction(1), Fraction(100))
    assert read.tempo_map.meters == (MeterChange(Fraction(0), Meter(6, 8)),)
    assert read.keys == ((Fraction(0), Key("A", "minor")),)
    assert read.markers == ((Fraction(0), "two"), (Fraction(0), "one"))


def test_order_in_the_file_does_not_matter() -> None:
    events = random_tempos(5)
    assert read_song_map(480, events[::-1]) == read_song_map(480, events)


def test_a_meter_inside_a_bar_ends_it_early() -> None:
    read = read_song_map(480, [(3 * 480, "time_signature", (3, 4))])
    assert read.tempo_map.meters[1] == MeterChange(Fraction(3), Meter(3, 4), cuts_bar=True)
    assert read.tempo_map.bar_at(Fraction(3)) == 2


@pytest.mark.parametrize("division", [-6120, 0xE728])
def test_smpte_files_are_refused(division: int) -> None:
    with pytest.raises(ValueError, match=r"counts time in SMPTE frames"):
        read_song_map(division, [])


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        ((7, "set_tempo", (0,)), "MIDI event at tick 7: set_tempo must be between 1"),
        (
            (7, "set_tempo", (16_000_000,)),
            "its tempo in bar 1 is 3.75 BPM, and tempos from 5 to 1000 BPM are read",
        ),
        ((7, "set_tempo", ()), "MIDI event at tick 7: expected 1 value, got 0"),
        ((7, "time_signature", (4,)), "MIDI event at tick 7: expected 2 values, got 1"),
        (
            (7, "time_signature", (4, 64)),
            "it has a time signature of 4/64, and up to 64 beats",
        ),
        ((7, "key_signature", ("H",)), "MIDI event at tick 7: key 'H'"),
        ((7, "lyrics", ("la",)), "MIDI event at tick 7: unknown kind 'lyrics'"),
        ((-1, "marker", ("x",)), "tick must be between 0"),
    ],
)
def test_events_out_of_range(event: SongEvent, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_song_map(480, [event])


def test_events_of_the_wrong_kind() -> None:
    with pytest.raises(TypeError, match="MIDI event at tick 7: set_tempo must be a whole number"):
        read_song_map(480, [(7, "set_tempo", ("fast",))])
    with pytest.raises(TypeError, match="MIDI event at tick 7: expected text"):
        read_song_map(480, [(7, "marker", (3,))])
    with pytest.raises(TypeError, match="ticks_per_quarter must be a whole number"):
        read_song_map("480", [])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="tempo_map must be a TempoMap"):
        SongMap(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"keys\[0\] must hold a Key"):
        SongMap(TempoMap.constant(120), ((Fraction(0), "C"),))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"markers\[1\] quarter 0 is before"):
        SongMap(TempoMap.constant(120), markers=((Fraction(1), "b"), (Fraction(0), "a")))


def test_what_was_read_is_written_again_unchanged() -> None:
    """Tempos that came from MIDI are whole microseconds, so nothing needs rounding or correcting."""
    events = [
        (0, "time_signature", (4, 4)),
        (0, "set_tempo", (500_000,)),
        *random_tempos(9),
        (1920, "time_signature", (7, 8)),
        (1920, "key_signature", ("F#m",)),
        (2000, "marker", ("Verse",)),
    ]
    song_map = read_song_map(480, events)
    assert sorted(song_map_events(song_map, 480)) == sorted(events)
    assert read_song_map(480, events_of(through_a_file(song_map_events(song_map, 480), 480))) == song_map


def error_in_seconds(song_map: SongMap, until: int, parts: int = 32) -> float:
    """The largest distance between a map and what its events read back to, on a fine grid of quarters."""
    back = read_song_map(960, song_map_events(song_map, 960, Fraction(until))).tempo_map
    start = song_map.tempo_map.sample_at(Fraction(0), NANOSECONDS)
    return (
        max(
            abs(
                song_map.tempo_map.sample_at(quarter, NANOSECONDS)
                - start
                - back.sample_at(quarter, NANOSECONDS)
            )
            for quarter in (Fraction(index, parts) for index in range(until * parts))
        )
        / NANOSECONDS
    )


def test_a_tempo_midi_cannot_write_stays_within_its_bound() -> None:
    """127.3 bpm is 471327.57 us: rounded once, it would be off by half a millisecond after these bars."""
    song_map = SongMap(TempoMap.constant("127.3", offset=3))
    assert error_in_seconds(song_map, 1200, parts=2) <= 20e-6
    # One correction's length is one event: nothing is said twice.
    assert song_map_events(song_map, until=Fraction(40)) == [
        (0, "time_signature", (4, 4)),
        (0, "set_tempo", (471_328,)),
    ]


def test_many_odd_tempos_do_not_add_up_their_rounding() -> None:
    draw = random.Random(4)
    points = tuple(TempoPoint(Fraction(3 * i), Fraction(draw.randint(6000, 18000), 100)) for i in range(200))
    assert error_in_seconds(SongMap(TempoMap(points)), 600, parts=2) <= 20e-6


def test_a_gentle_ramp_stays_within_its_bound() -> None:
    points = (TempoPoint(Fraction(0), Fraction(100), ramp=True), TempoPoint(Fraction(16), Fraction(110)))
    assert error_in_seconds(SongMap(TempoMap(points)), 20) <= 8e-6


def test_a_steep_ramp_stays_within_its_bound() -> None:
    # 60 to 240 bpm in two quarters: a step of 1/8 quarter lasts at most 1/8 s, and changes the tempo by at
    # most half of it where it is slowest: 120 * 2 / 300 = 0.8 s for 180 bpm is 28 bpm in the first 1/8 s.
    points = (TempoPoint(Fraction(0), Fraction(60), ramp=True), TempoPoint(Fraction(2), Fraction(240)))
    assert error_in_seconds(SongMap(TempoMap(points)), 3) <= (1 / 8) * (1 / 8) * (28 / 60)


def test_ticks_ascend_and_tempos_stay_legal_for_points_closer_than_a_tick() -> None:
    points = tuple(TempoPoint(Fraction(i, 5000), Fraction(100 + i)) for i in range(50))
    events = song_map_events(SongMap(TempoMap(points)), 96)
    assert all(one[0] <= following[0] for one, following in pairwise(events))
    assert all(60_000 <= values[0] <= 0xFFFFFF for _, kind, values in events if kind == "set_tempo")
    assert events[-1][2] == (round(60_000_000 / 149),)


def test_keys_midi_has_no_name_for() -> None:
    def written(key: Key) -> tuple[int | str, ...]:
        events = song_map_events(SongMap(TempoMap.constant(120), keys=((Fraction(0), key),)))
        return next(values for _, kind, values in events if kind == "key_signature")

    assert written(Key("D", "dorian")) == ("C",)
    assert written(Key("F#", "dorian")) == ("E",)
    assert written(Key("Bb", "minor")) == ("Bbm",)
    with pytest.raises(ValueError, match="G# major needs more than seven accidentals"):
        written(Key("G#", "major"))


def test_places_midi_cannot_reach() -> None:
    with pytest.raises(ValueError, match="quarter -1 is before the first bar"):
        song_map_events(SongMap(TempoMap.constant(120), markers=((Fraction(-1), "count-in"),)))
    cut = (MeterChange(Fraction(0), Meter(4, 4)), MeterChange(Fraction(1, 7), Meter(3, 4), cuts_bar=True))
    with pytest.raises(ValueError, match="the 3/4 at quarter 1/7 falls between two ticks"):
        song_map_events(SongMap(TempoMap((TempoPoint(Fraction(0), Fraction(120)),), cut)))
