"""Files of many programs, whole and damaged: what they say of the song's map, and what is left out with a note."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from daw_protocol.timeline import Key, Meter, MidiFileError, SongMap, read_midi_events, read_song_map
from daw_protocol.timeline.midi_file import decode_text
from tests.daw_protocol.timeline.midi_bytes import (
    END,
    chunk,
    header,
    key,
    meta,
    meter,
    midi,
    number,
    tempo,
    track,
)

NOTE = b"\x00\x90\x3c\x40" + number(480) + b"\x80\x3c\x40"
RUNNING = b"\x00\x90\x3c\x40" + number(480) + b"\x3c\x00" + number(0) + b"\x40\x40"
GOOD = (tempo(100), meter(3, 2), key(-2, 1), meta(0x06, b"Verse"))


def song_of(data: bytes) -> SongMap:
    found = read_midi_events(data)
    return read_song_map(found.division, found.events, left_out=found.left_out, notes=found.notes)


# Each has 100 BPM, 3/4, G minor and a marker, whatever else there is; none of it is worth a note.
HARMLESS = {
    "as it should be": midi(track(*GOOD)),
    "notes in a second track": midi(track(*GOOD), track(NOTE)),
    "the tempo behind the notes": midi(track(NOTE), track(*GOOD)),
    "type 0": midi(track(*GOOD, NOTE), kind=0),
    "an unknown type": midi(track(*GOOD), kind=7),
    "too many tracks stated": midi(track(*GOOD), tracks=9),
    "no tracks stated": midi(track(*GOOD), tracks=0),
    "a long header": header(size=10, more=b"more") + track(*GOOD),
    "a header of size 0": header(size=0) + track(*GOOD),
    "a header of an absurd size": header(size=0x7FFFFFFF) + track(*GOOD),
    "alien chunks": header() + chunk(b"XFIH", b"yamaha") + track(*GOOD) + chunk(b"XFKM", b"lyrics"),
    "an alien chunk that is cut off": header() + track(*GOOD) + chunk(b"CASM", b"styles", 9999),
    "rubbish behind the last track": midi(track(*GOOD)) + b"\0\x1a rubbish",
    "rubbish between tracks": midi(track(NOTE)) + b"\0\0\0" + track(*GOOD),
    "in a RIFF file": b"RIFF\x40\0\0\0RMIDdata\x38\0\0\0" + midi(track(*GOOD)),
    "behind a Macintosh header": bytes(128) + midi(track(*GOOD)),
    "running status": midi(track(*GOOD, RUNNING)),
    "running status across a meta event": midi(track(b"\0\x90\x3c\x40", *GOOD, b"\0\x3c\0")),
    "system exclusive": midi(track(b"\0\xf0" + number(5) + b"\x7e\x7f\x09\x01\xf7", *GOOD)),
    "system exclusive in pieces": midi(track(b"\0\xf0\x02\x7e\x7f", b"\0\xf7\x02\x09\xf7", *GOOD)),
    "system exclusive without a length": midi(track(b"\0\xf0\x7e\x7f\x09\x01" + b"\x11" * 40 + b"\xf7", *GOOD)),
    "real-time messages": midi(track(b"\0\xf8\0\xfa\0\xf2\x01\x02\0\xf1\x01", *GOOD)),
    "data bytes beyond 127": midi(track(b"\0\xb0\x07\xff", *GOOD)),
    "unknown meta events": midi(track(meta(0x60, b"x" * 300), meta(0x7F, b""), meta(0x0F, b"?"), *GOOD)),
    "short meta events of other kinds": midi(track(meta(0x20), meta(0x21), meta(0x54, b"\1"), meta(0), *GOOD)),
    "texts in Latin-1 and Shift-JIS": midi(track(meta(3, b"Gr\xf6\xdfe"), meta(1, b"\x83\x8d\x81"), *GOOD)),
    "a meter of two bytes": midi(track(tempo(100), meta(0x58, b"\3\2"), key(-2, 1), meta(0x06, b"Verse"))),
    "no end of track": midi(track(*GOOD, end=b"")),
    "no end of track but another track": midi(track(NOTE, end=b""), track(*GOOD)),
    "a track's size of 0": midi(track(NOTE, size=0), track(*GOOD, size=0)),
    "a track's size too large": midi(track(NOTE, size=99_999), track(*GOOD)),
    "a track's size too small": midi(track(NOTE, size=3), track(*GOOD)),
    "sizes unknown": midi(track(NOTE, size=0xFFFFFFFF), track(*GOOD, size=0xFFFFFFFF)),
    "something behind the end of a track": midi(track(*GOOD, END, b"rubbish")),
    "one tempo ten thousand times": midi(track(*GOOD, *[tempo(100, 10)] * 12_000)),
    "one meter on every bar": midi(track(*GOOD, *[meter(3, 2, 3 * 480)] * 12_000)),
    "twice at one place": midi(track(tempo(33), meter(5, 3), key(3), *GOOD)),
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_what_does_not_matter_spoils_nothing(name: str) -> None:
    found = song_of(HARMLESS[name])
    assert [(point.quarter, point.bpm) for point in found.tempo_map.points] == [(0, 100)]
    assert [(change.quarter, change.meter) for change in found.tempo_map.meters] == [(0, Meter(3, 4))]
    assert [value for _, value in found.keys] == [Key("G", "minor")]
    assert [text for _, text in found.markers] == ["Verse"]
    assert (found.has_tempo, found.notes) == (True, ())


BROKEN = {
    "8 sharps": (track(tempo(100), key(8)), "A key signature of the MIDI file, in bar 1, cannot be understood"),
    "128 flats": (track(tempo(100), key(-128)), "A key signature"),
    "mode 255": (track(tempo(100), key(0, 255)), "A key signature"),
    "a short key": (track(tempo(100), meta(0x59, b"\0")), "A key signature"),
    "an empty key": (track(tempo(100), meta(0x59)), "A key signature"),
    "three bad keys": (track(tempo(100), *[key(9, 0, 4 * 480)] * 3), "3 key signatures of the MIDI file, the first in"),
    "a meter of 0": (track(tempo(100), meter(0, 2)), "A time signature"),
    "a meter of one byte": (track(tempo(100), meta(0x58, b"\4")), "A time signature"),
    "a meter of 2**200ths": (track(tempo(100), meter(4, 200)), "A time signature"),
    "a tempo of 0": (track(tempo(100), meta(0x51, b"\0\0\0", 480 * 8)), "A tempo of the MIDI file, in bar 3,"),
    "a tempo in 32 bits": (track(tempo(100), meta(0x51, b"\0\x07\xa1\x20", 480 * 8)), "A tempo of the MIDI file"),
    "a tempo of two bytes": (track(tempo(100), meta(0x51, b"\7\xa1")), "A tempo"),
    "an empty tempo": (track(tempo(100), meta(0x51)), "A tempo"),
    "a track that ends within an event": (track(tempo(100), b"\0\x90", end=b""), "A track of the MIDI file ends early"),
    "a meta event longer than the track": (track(tempo(100), meta(1, b"x", length=99), end=b""), "ends early"),
    "a cut track": (track(tempo(100), size=5000, end=b""), "ends early"),
    "data without a status": (track(tempo(100), b"\0\x3c\x40"), "A track of the MIDI file is damaged"),
    "a delta time without end": (track(tempo(100), b"\xff\xff\xff\xff\xff"), "is damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_left_out_and_named(name: str) -> None:
    body, note = BROKEN[name]
    found = song_of(midi(body))
    assert [(point.quarter, point.bpm) for point in found.tempo_map.points] == [(0, 100)]
    assert [change.meter for change in found.tempo_map.meters] == [Meter(4, 4)]
    assert found.keys == ()
    assert len(found.notes) == 1
    assert note in found.notes[0]


NOT_MIDI = {
    "nothing": (b"", "not a Standard MIDI File"),
    "text": (b"la la la" * 100, "not a Standard MIDI File"),
    "a header alone": (b"MThd\0\0\0\6\0\1", "ends within its header"),
    "no tracks": (header(), "no tracks"),
    "only alien chunks": (header() + chunk(b"XFIH", b"x"), "no tracks"),
    "SMPTE, 25 frames": (midi(track(*GOOD), division=0xE728), "SMPTE"),
    "SMPTE, 30 frames": (midi(track(*GOOD), division=0xE250), "SMPTE"),
    "no resolution": (midi(track(*GOOD), division=0), "0 ticks"),
    "a tempo of 60 million": (midi(track(meta(0x51, b"\0\0\1"))), "in bar 1 is 60,000,000.00 BPM"),
    "a tempo of 3.6": (midi(track(tempo(100), meta(0x51, b"\xff\xff\xff", 480 * 16))), "in bar 5 is 3.58 BPM"),
    "a meter of 4/64": (midi(track(meter(4, 6))), "a time signature of 4/64"),
    "a meter of 100/4": (midi(track(meter(100, 2))), "a time signature of 100/4"),
    "12,000 tempos": (midi(track(*[tempo(100 + index % 2, 10) for index in range(12_000)])), "12,001 tempo changes"),
    "hours and hours": (midi(track(*[tempo(100, 0x0FFFFFFF)] * 20)), "quarter notes far"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_MIDI)
def test_what_is_no_map_is_refused_with_a_remedy(name: str) -> None:
    data, words = NOT_MIDI[name]
    with pytest.raises(MidiFileError, match=words) as caught:
        song_of(data)
    assert caught.value.remedy


LONGER = {
    "tempo": (meta(0x51, b"\x09\x27\xc0\0"), "has 4 bytes where the standard has 3"),
    "time signature": (meta(0x58, b"\3\2\x18\x08\0\0"), "has 6 bytes where the standard has 4"),
    "key signature": (meta(0x59, b"\xfe\1\0"), "has 3 bytes where the standard has 2"),
}


@pytest.mark.parametrize("kind", LONGER)
def test_longer_events_are_read_by_their_first_bytes(kind: str) -> None:
    """As the standard asks for, and as mido does."""
    event, words = LONGER[kind]
    found = song_of(midi(track(tempo(100), meter(3, 2), key(-2, 1), event, event)))
    assert [note for note in found.notes if f"A {kind} in the MIDI file {words}" in note] == list(found.notes)
    assert len(found.notes) == 1
    assert [point.bpm for point in found.tempo_map.points] == [100]
    assert [change.meter for change in found.tempo_map.meters] == [Meter(3, 4)]
    assert [str(name) for _, name in found.keys] == ["G minor"]


@pytest.mark.parametrize(
    "data", [midi(track(meter(3, 2), NOTE)), midi(track(end=b"")), midi(track(meta(0x51, b"\0\0\0")))]
)
def test_no_tempo_is_not_120(data: bytes) -> None:
    found = song_of(data)
    assert not found.has_tempo
    at_100 = found.at_bpm("100")
    assert [point.bpm for point in at_100.points] == [100]
    assert at_100.meters == found.tempo_map.meters


def test_a_tempo_that_comes_late_is_reported() -> None:
    found = song_of(midi(track(NOTE, tempo(100, 480 * 15))))
    assert found.has_tempo
    assert [(point.quarter, point.bpm) for point in found.tempo_map.points] == [(0, 120), (16, 100)]
    assert "first tempo is in bar 5" in found.notes[0]


def test_of_separate_sequences_the_first_is_read() -> None:
    found = song_of(midi(track(tempo(100)), track(tempo(150)), track(tempo(90)), kind=2))
    assert [point.bpm for point in found.tempo_map.points] == [100]
    assert found.notes == ("The MIDI file holds 3 separate sequences; the first one was read.",)
    assert not song_of(midi(track(NOTE), track(tempo(150)), kind=2)).has_tempo


@pytest.mark.parametrize("size", [None, 4])  # of its track; 4 is not true
def test_of_files_joined_byte_by_byte_the_first_is_read(size: int | None) -> None:
    first = midi(chunk(b"MTrk", tempo(97) + END, size))
    found = song_of(first + midi(track(tempo(180))))
    assert [point.bpm for point in found.tempo_map.points] == [Fraction(60_000_000, round(60_000_000 / 97))]
    assert found.notes == ("Another MIDI file lies behind the first one in it; the first one was read.",)


def test_equal_neighbours_fall_together_and_no_others() -> None:
    found = song_of(midi(track(tempo(100), tempo(100, 480), tempo(90, 480), tempo(90, 480), tempo(100, 480))))
    assert [(point.quarter, point.bpm) for point in found.tempo_map.points] == [
        (0, 100),
        (2, Fraction(60_000_000, 666_667)),
        (4, 100),
    ]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"Chorus", "Chorus"), ("Größe".encode(), "Größe"), (b"Gr\xf6\xdfe", "Größe"), ("サビ".encode(), "サビ"),
        ("サビ".encode("utf-16"), "サビ"), ("A".encode("utf-8-sig"), "A"), (b"end\0", "end"), (b"\x81\x8d", "\x81\x8d"),
        (b"", ""), (b"\xff\xfe\x00", "ÿþ"),
    ],
)  # fmt: skip
def test_texts_in_any_encoding(body: bytes, text: str) -> None:
    assert decode_text(body) == text


def test_damaged_files_are_read_or_refused_but_nothing_else() -> None:
    whole = midi(track(*GOOD, NOTE, tempo(90, 480)), track(RUNNING, b"\0\xf0\x02\x7e\xf7", meta(1, b"text")))
    noise = random.Random(13)
    for _ in range(3_000):
        data = bytearray(whole)
        for _ in range(noise.randint(1, 5)):
            at = noise.randrange(len(data))
            if noise.random() < 0.7:
                data[at] = noise.choice([0, 0x7F, 0x80, 0xFF, noise.randrange(256)])
            else:
                del data[at : at + noise.randint(1, 6)]
        try:
            song_of(bytes(data))
        except MidiFileError as refusal:
            assert refusal.remedy  # noqa: PT017 - most are read


def test_too_many_time_signatures_have_no_ramps_to_thin() -> None:
    with pytest.raises(MidiFileError, match="12,001 time signature changes") as caught:
        song_of(midi(track(*[meter(3 + index % 2, 2, 1920) for index in range(12_000)])))
    assert "ramp" not in caught.value.remedy
