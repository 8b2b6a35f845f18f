"""The MIDI file, read back by mido, and by the bridge's own reader as a tempo map for the next request."""

import io
from fractions import Fraction

import mido
import pytest

from bridge_server.songs.tempo_file import read_midi_map
from clip_store.errors import StoreError
from clip_store.exports.arrange import song_project
from clip_store.exports.formats import Format
from clip_store.exports.midi_tempo import midi_bytes
from clip_store.exports.write import write_export
from clip_store.take import Attachment
from daw_protocol.timeline import Meter, MeterChange, TempoMap, TempoPoint
from daw_protocol.timeline.midi_file import decode_text
from tests.clip_store.exports.songs import describe
from tests.clip_store.exports.test_arrange import TITLES


def events(project):
    """(seconds, tick, message) of everything in the file, timed by its own tempos."""
    file = mido.MidiFile(file=io.BytesIO(midi_bytes(project)))
    assert (file.type, len(file.tracks)) == (1, 1)
    tempo, seconds, tick, found = 500_000, 0.0, 0, []
    for message in file.tracks[0]:
        seconds += mido.tick2second(message.time, file.ticks_per_beat, tempo)
        tick += message.time
        if message.type == "set_tempo":
            tempo = message.tempo
        found.append((seconds, tick, message))
    return found


def test_markers_lie_on_their_samples(full):
    made, project = full
    markers = [(seconds, message.text) for seconds, _, message in events(project) if message.type == "marker"]
    assert len(markers) == len(project.markers)
    for (seconds, text), marker in zip(markers, project.markers, strict=True):
        assert text == marker.name
        # A tick at 960 to the quarter is half a millisecond: a marker is at the nearest.
        assert abs(seconds - marker.position / made.rate) < 0.6e-3


def test_tempo_and_meters(full):
    _made, project = full
    for seconds, tick, message in events(project):
        if message.type in ("set_tempo", "time_signature"):
            at = project.tempo_map.sample_at(Fraction(tick, 960), 10**9) / 10**9
            assert abs(seconds - at) < 25e-6, "a sample at 44.1 kHz"
    meters = [
        (Fraction(tick, 960), message.numerator, message.denominator)
        for _, tick, message in events(project)
        if message.type == "time_signature"
    ]
    assert meters == [
        (change.quarter, change.meter.numerator, change.meter.denominator)
        for change in project.tempo_map.meters
    ]
    keys = [message.key for _, _, message in events(project) if message.type == "key_signature"]
    assert keys == ["F#m"]


def test_the_bridge_reads_it_as_a_tempo_map(full, tmp_path):
    made, project = full
    written = write_export(project, made.store.blobs, Format.MIDI, tmp_path, "1")
    found = read_midi_map(written.main).tempo_map
    for beat in project.tempo_map.bars_between(
        type(made.store.index.list()[0].region)(0, 15 * made.rate), made.rate
    ):
        quarter = project.tempo_map.quarters_at(beat.sample, made.rate)
        assert abs(found.sample_at(quarter, made.rate) - beat.sample) <= 3  # 25 us at 96 kHz


@pytest.mark.parametrize("title", TITLES)
def test_nasty_titles(shelf, title):
    made = shelf(title=title)
    made.add(10, 100)
    project = song_project(made.store, made.song.digest, describe)
    names = [
        decode_text(message.name.encode("latin-1"))  # its bytes, as mido reads them
        for _, _, message in events(project)
        if message.type == "track_name"
    ]
    assert names == [project.title]


def test_the_arrangement_of_a_backing_comes_along(shelf, tmp_path):
    made = shelf()
    midi = Attachment("band.mid", "audio/midi", made.store.blobs.put_bytes(b"MThd"))
    made.add(10, 100, task="accompany", stem="piano", attachments=(midi,))
    project = song_project(made.store, made.song.digest, describe)
    written = write_export(project, made.store.blobs, Format.MIDI, tmp_path, "1")
    assert len(written.files) == 2
    assert written.files[1].read_bytes() == b"MThd"


def test_a_bar_line_between_two_ticks_is_refused_with_a_way_out(shelf, tmp_path):
    odd = TempoMap(
        (TempoPoint(Fraction(0), Fraction(120)),),
        (MeterChange(Fraction(0), Meter(4, 4)), MeterChange(Fraction(10, 7), Meter(3, 4), cuts_bar=True)),
    )
    made = shelf(tempo_map=odd)
    made.add(0, 100)
    project = song_project(made.store, made.song.digest, describe)
    with pytest.raises(StoreError, match="between two ticks") as raised:
        write_export(project, made.store.blobs, Format.MIDI, tmp_path, "1")
    assert "dawproject" in raised.value.remedy
    assert list(tmp_path.glob("*.mid")) == []
