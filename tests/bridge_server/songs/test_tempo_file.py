import mido
import pytest

from bridge_server.songs.tempo_file import read_midi_map
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import Bbt, Key, Meter
from tests.refusals import refusal


@pytest.fixture
def midi_file(tmp_path):
    """120 bpm in 4/4, from bar 3 on 90 bpm in 3/4; D minor; a marker."""
    file = mido.MidiFile(ticks_per_beat=480)
    tempos, names = mido.MidiTrack(), mido.MidiTrack()
    tempos += [
        mido.MetaMessage("set_tempo", tempo=500_000),
        mido.MetaMessage("time_signature", numerator=4, denominator=4),
        mido.MetaMessage("key_signature", key="Dm"),
        mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(90), time=8 * 480),
        mido.MetaMessage("time_signature", numerator=3, denominator=4),
    ]
    names += [
        mido.Message("note_on", note=60, time=0),
        mido.MetaMessage("marker", text="Chorus", time=8 * 480),
        mido.Message("note_off", note=60, time=480),
    ]
    file.tracks += [tempos, names]
    path = tmp_path / "song.mid"
    file.save(path)
    return path


def test_tempo_meter_key_and_markers(midi_file):
    found = read_midi_map(midi_file)
    assert found.tempo_map.sample_of(Bbt(3), 48000) == 4 * 48000
    assert found.tempo_map.sample_of(Bbt(4), 48000) == 4 * 48000 + 2 * 48000  # three quarters at 90
    assert found.tempo_map.meter_at(found.tempo_map.quarters_of(Bbt(3))) == Meter(3, 4)
    assert [key for _, key in found.keys] == [Key("D", "minor")]
    assert [text for _, text in found.markers] == ["Chorus"]


def refused_map(path) -> ProtocolError:
    error = refusal(read_midi_map, path)
    assert error.field == "tempo_map"
    assert path.name in error.sentence
    return error


def test_missing(tmp_path):
    assert refused_map(tmp_path / "nothing.mid").code is ErrorCode.FILE_MISSING


@pytest.mark.parametrize("data", [b"", b"MThd", b"RIFF" + b"x" * 100, b"\x00" * 50, b"la la la" * 20])
def test_not_midi(tmp_path, data):
    (tmp_path / "song.mid").write_bytes(data)
    assert refused_map(tmp_path / "song.mid").code is ErrorCode.FILE_UNREADABLE


def test_a_folder(tmp_path):
    assert refused_map(tmp_path).code is ErrorCode.FILE_UNREADABLE


def test_cut_off_anywhere_it_is_read_or_refused_but_nothing_else(midi_file):
    data = midi_file.read_bytes()
    for length in range(len(data)):
        midi_file.write_bytes(data[:length])
        if length < 22:  # header, and the first track's name and size
            assert refused_map(midi_file).code is ErrorCode.FILE_UNREADABLE
            continue
        # What is missing is reported, unless only the mark of the end is, or a whole track.
        assert read_midi_map(midi_file).notes or length in range(63, 71), length
