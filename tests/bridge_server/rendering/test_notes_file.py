"""The notes of a take as a MIDI file: where they lie on the tempo map, what it is called, what is refused."""

from fractions import Fraction
from types import SimpleNamespace

import mido
import pytest

from bridge_server.handlers.exports import project_of
from bridge_server.rendering import notes_file
from bridge_server.rendering.notes_file import HEARD, NO_NOTES, placed_notes, write_notes
from clip_store.errors import StoreError
from clip_store.exports.note_track import NoteFrom
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import TempoMap
from model.errors import NotLoaded
from model.notes.transcriber import HeardNote
from tests.clip_store.exports.songs import MOVING, Shelf

RATE = 8_000


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    monkeypatch.setattr(notes_file, "refuse_without_package", lambda: None)
    found = Shelf(tmp_path / "shelf", rate=RATE, position=4_000, tempo_map=MOVING)
    yield found
    found.connection.close()


def written(shelf, take, folder, notes):
    project = project_of(shelf.store, "take", take.id)
    return write_notes(take, project, shelf.store.blobs, folder, lambda _: None, lambda path, check: notes)


def test_they_lie_where_the_stem_lies_also_where_the_tempo_moves(shelf, tmp_path):
    (stem,) = shelf.stems(2_000, 8_000, "bass")
    found = written(shelf, stem, tmp_path, [HeardNote(0.25, 0.75, 40, 90), HeardNote(0.75, 0.9, 43, 70)])
    assert found.main.name == "Song (bass).notes.mid"
    assert found.notes == (HEARD,)
    seconds = 0.0
    starts = []
    for message in mido.MidiFile(found.main):  # in seconds, by the file's own tempo map
        seconds += message.time
        if message.type == "note_on" and message.velocity:
            starts.append((seconds, message.note))
    assert [pitch for _, pitch in starts] == [40, 43]
    expected = [(stem.position / RATE) + 0.25, (stem.position / RATE) + 0.75]
    assert [at for at, _ in starts] == pytest.approx(expected, abs=0.002)


def test_nothing_is_overwritten_and_no_notes_are_said(shelf, tmp_path):
    (stem,) = shelf.stems(2_000, 8_000, "drums")
    first, second = (written(shelf, stem, tmp_path, []) for _ in range(2))
    assert second.main.name == "Song (drums).notes-2.mid"
    assert NO_NOTES in second.notes
    assert first.main.read_bytes() == second.main.read_bytes()


def test_notes_before_the_timelines_zero_are_cut():
    take = SimpleNamespace(position=-RATE, rate=RATE)
    notes = [HeardNote(0.2, 0.9, 60, 90), HeardNote(0.9, 1.5, 62, 80), HeardNote(2.0, 2.5, 64, 70)]
    half = Fraction(1, 2)
    assert placed_notes(notes, take, TempoMap.constant(60)) == (
        NoteFrom(Fraction(0), half, 62, 80), NoteFrom(Fraction(1), Fraction(3, 2), 64, 70),
    )  # fmt: skip


def test_what_ends_it_and_what_is_missing(shelf, tmp_path, monkeypatch):
    (stem,) = shelf.stems(2_000, 8_000, "bass")
    project = project_of(shelf.store, "take", stem.id)

    def cancelled(fraction):
        raise ProtocolError(ErrorCode.NOT_ALLOWED, "The export was cancelled.", "Begin it again.")

    def find(path, check):
        check()

    with pytest.raises(ProtocolError):
        write_notes(stem, project, shelf.store.blobs, tmp_path, cancelled, find)
    (tmp_path / "a file").write_text("in the way")
    with pytest.raises(StoreError):
        written(shelf, stem, tmp_path / "a file", [])

    def missing():
        raise NotLoaded("onnxruntime is missing.", "Install it.")

    monkeypatch.setattr(notes_file, "refuse_without_package", missing)
    with pytest.raises(ProtocolError, match="missing") as caught:
        written(shelf, stem, tmp_path, [])
    assert (caught.value.code, caught.value.remedy) == (ErrorCode.ENGINE_NOT_READY, "Install it.")
    assert list(tmp_path.glob("*.mid")) == []
