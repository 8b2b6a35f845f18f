"""What is claimed of files, and that a reader of C2PA calls each of them valid, wherever it lies."""

import errno
import io
import logging
import tempfile
import zipfile

import pytest

from bridge_server.provenance.sealing import Sealing, sealing_of
from bridge_server.provenance.signer import FileFormat
from clip_store.audio.audio_file import read_audio
from clip_store.audio.riff import walk
from clip_store.errors import StoreError
from clip_store.exports import Format, write_export
from clip_store.exports.arrange import song_project
from clip_store.exports.ledger_files import ledger_from_files
from clip_store.exports.stems import write_stems
from clip_store.exports.write import UNSIGNED
from clip_store.mix.accepted import accepted_in
from clip_store.mix.song_ledger import ledger_of
from clip_store.mix.write_mix import MixFormat, SongToWrite, write_mix
from clip_store.source_type import SourceType
from clip_store.store import ClipStore
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.ledger import SAME
from daw_protocol.recipe import Recipe
from daw_protocol.timeline.span import Span
from tests.clip_store.exports.songs import Shelf, describe


class Pen:
    """Notes what it is asked to sign."""

    def __init__(self):
        self.claims = []

    def sign(self, path, claim):
        assert path.is_file()
        self.claims.append(claim)


@pytest.fixture
def made(tmp_path):
    made = Shelf(tmp_path / "shelf", rate=8_000)
    take = made.add(1000, 2000, recipe=Recipe(engine="acestep", neural=True, weights="turbo"))
    made.store.index.choose(take.id)
    yield made, take
    made.connection.close()


def test_a_finished_song_names_its_original_and_each_take(made, tmp_path):
    shelf, take = made
    pen = Pen()
    accepted = accepted_in(shelf.store.index, shelf.song.digest)
    song = SongToWrite(accepted, "Song", 0, ledger_of(shelf.store, accepted, "Song", 0))
    seal = Sealing(pen, shelf.store.blobs).song
    for kind in MixFormat:
        write_mix(song, shelf.store.blobs, kind, tmp_path / "out", lambda _: None, seal)
    assert [claim.title for claim in pen.claims] == ["Song.mix.wav", "Song.mix.flac"]
    claim = pen.claims[0]
    assert claim.source_type == SourceType.EDITED_BY_TRAINED.address
    assert claim.original == shelf.store.blobs.path(shelf.song.digest)
    assert claim.steps == (
        ("Takebridge, acestep (turbo)", f"repaint, samples 1000 to 3000 (take {take.id})"),
    )


def test_exported_clips_are_signed_and_the_original_is_not(made, tmp_path):
    shelf, _ = made
    pen = Pen()
    project = song_project(shelf.store, shelf.song.digest, describe)
    seal = Sealing(pen, shelf.store.blobs).takes
    write_export(project, shelf.store.blobs, Format.WAV, tmp_path / "out", "1", seal=seal)
    assert len(pen.claims) == 1
    assert pen.claims[0].title.endswith(".wav")


def test_a_comp_names_all_its_takes(made, tmp_path):
    shelf, take = made
    other = shelf.add(1000, 2000)
    shelf.store.index.choose(other.id, Span(1500, 3000))
    pen = Pen()
    project = song_project(shelf.store, shelf.song.digest, describe)
    write_export(
        project, shelf.store.blobs, Format.WAV, tmp_path, "1", seal=Sealing(pen, shelf.store.blobs).takes
    )
    (comp,) = [claim for claim in pen.claims if "comp" in claim.title]
    assert [step[1].split("take ")[-1] for step in comp.steps] == [f"{take.id})", f"{other.id})"]
    assert comp.source_type == SourceType.WITH_SYNTHETIC.address


@pytest.fixture
def sealing(made, tmp_path):
    pytest.importorskip("c2pa", reason="the extra provenance is not installed")
    return sealing_of(tmp_path / "signing", made[0].store.blobs)


def state(sealing, data, name):
    """What C2PA's reader says of the bytes of a file."""
    c2pa = pytest.importorskip("c2pa")
    kind = FileFormat.FLAC if name.endswith(".flac") else FileFormat.WAV
    with c2pa.Reader(kind.value, io.BytesIO(data)) as reader:
        return reader.get_validation_state()


@pytest.mark.parametrize("kind", [Format.DAWPROJECT, Format.RPP])
def test_every_sound_of_a_take_in_a_project_is_valid(made, sealing, tmp_path, kind):
    shelf, _ = made
    project = song_project(shelf.store, shelf.song.digest, describe)
    plain = write_export(project, shelf.store.blobs, kind, tmp_path / "plain", "1")
    signed = write_export(project, shelf.store.blobs, kind, tmp_path / "signed", "1", seal=sealing.takes)
    before, after = sounds(plain), sounds(signed)
    assert before.keys() == after.keys()
    (clip,) = [name for name in after if after[name] != before[name]]
    assert chunks(after[clip], b"C2PA") == chunks(before[clip])
    assert state(sealing, after[clip], clip) == "Valid"
    assert ledger_from_files(tmp_path / "signed").ledger.takes[0].file == SAME


def sounds(written):
    """The WAV files of an export by name."""
    if written.main.suffix != ".dawproject":
        return {path.name: path.read_bytes() for path in written.files if path.suffix == ".wav"}
    with zipfile.ZipFile(written.main) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.endswith(".wav")}


def chunks(data, without=b""):
    file = io.BytesIO(data)
    return [
        (one.name, data[one.start : one.start + one.present]) for one in walk(file) if one.name != without
    ]


def test_an_aaf_file_says_that_nothing_in_it_is_signed(made, sealing, tmp_path):
    project = song_project(made[0].store, made[0].song.digest, describe)
    written = write_export(
        project, made[0].store.blobs, Format.AAF, tmp_path / "out", "1", seal=sealing.takes
    )
    assert UNSIGNED in written.notes


def test_stems_in_their_zip_are_valid(made, sealing, tmp_path):
    shelf, _ = made
    stems = shelf.stems(0, 4000, "drums", "bass")
    written = write_stems(stems, shelf.store.blobs, tmp_path / "out", lambda _: None, sealing.takes)
    with zipfile.ZipFile(written.main) as archive:
        assert {state(sealing, archive.read(name), name) for name in archive.namelist()} == {"Valid"}


def test_a_finished_song_as_flac_is_valid_and_its_stream_bit_equal(made, sealing, tmp_path):
    shelf, _ = made
    accepted = accepted_in(shelf.store.index, shelf.song.digest)
    song = SongToWrite(accepted, "Song", 0, ledger_of(shelf.store, accepted, "Song", 0))
    plain, signed = (
        write_mix(song, shelf.store.blobs, MixFormat.FLAC, tmp_path, lambda _: None, seal).path
        for seal in (None, sealing.song)
    )
    before, after = plain.read_bytes(), signed.read_bytes()
    assert after[after.index(b"fLaC") :] == before
    assert state(sealing, after, signed.name) == "Valid"
    assert read_audio(signed, 100).digest == read_audio(plain, 100).digest
    assert ledger_from_files(signed).ledger.takes[0].file == SAME


def test_the_stores_clips_are_signed_and_a_note_breaks_the_seal(made, sealing, tmp_path):
    shelf, take = made
    store = ClipStore(shelf.store.root, shelf.connection, sealing.clip)
    path = store.clip_path(take)
    assert state(sealing, path.read_bytes(), path.name) == "Valid"
    assert store.clip_path(take) == path
    assert path.name == shelf.store.clip_path(take).name
    path.write_bytes(path.read_bytes().replace(b"Machine-generated", b"machine-generated", 1))
    assert state(sealing, path.read_bytes(), path.name) == "Invalid"


def test_a_clip_that_cannot_be_signed_stays_plain_and_the_log_says_so(made, sealing, monkeypatch, caplog):
    shelf, take = made

    def broken(path, claim):
        raise ProtocolError(ErrorCode.STORE_FAILED, "The key cannot be read.", "Remove it.")

    monkeypatch.setattr(sealing._signer, "sign", broken)
    with caplog.at_level(logging.WARNING):
        path = ClipStore(shelf.store.root, shelf.connection, sealing.clip).clip_path(take)
    assert read_audio(path, 100).digest == take.audio
    assert f"clip of take {take.id} is not signed" in caplog.text


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), StoreError("The original is gone.")]
)
def test_a_render_is_not_lost_where_its_clip_cannot_be_signed(made, tmp_path, monkeypatch, error):
    shelf, take = made

    class Broken:
        def sign(self, path, claim):
            raise error

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))  # a clip needs no room there
    seal = Sealing(Broken(), shelf.store.blobs).clip
    path = ClipStore(shelf.store.root, shelf.connection, seal).clip_path(take)
    assert read_audio(path, 100).digest == take.audio
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_nothing_is_signed_unless_it_is_asked_for(made):
    assert sealing_of(None, made[0].store.blobs) is None
