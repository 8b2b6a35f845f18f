"""A song's ledger from its files alone: equal to the store's, sample for sample, in every form the song travels in."""

import shutil
import zipfile

import aaf2
import numpy as np
import pytest
import soundfile

from clip_store.audio.audio import Audio, Encoding
from clip_store.audio.audio_file import read_audio, write_wav
from clip_store.audio.broadcast_wav import Bext, read_recipe
from clip_store.audio.xmp import decode_xmp, read_xmp
from clip_store.errors import ClipStoreError
from clip_store.exports import Format, write_export
from clip_store.exports.arrange import song_project
from clip_store.exports.ledger_files import CLIP_EDITED, SONG_EDITED, ledger_from_files
from clip_store.mix.accepted import accepted_in
from clip_store.mix.song_ledger import ledger_of, xmp_of_song
from clip_store.mix.write_mix import MixFormat, SongToWrite, write_mix
from clip_store.source_type import SourceType
from daw_protocol.ledger import ABSENT, EDITED, MIXED, SAME
from daw_protocol.recipe import Recipe
from daw_protocol.timeline.span import Span
from tests.clip_store.exports.songs import describe

NEURAL = Recipe(engine="acestep", neural=True, weights="turbo")
RATE = 8_000


@pytest.fixture
def made(shelf):
    """A song of two seconds with a repaint, a comp of two, a backing, and a take that is not chosen."""
    made = shelf(rate=RATE, position=4_000)
    one, first, second = made.add(1000, 2000, recipe=NEURAL), made.add(5000, 3000), made.add(5000, 3000)
    backing = made.add(9000, 2000, task="accompany", stem="bass")
    made.add(12_000, 1000)
    for take, part in ((one, None), (first, None), (second, Span(6000, 7000)), (backing, None)):
        made.store.index.choose(take.id, part, 1_790_000_000.0, "panel")
    made.one = one
    return made


def of_store(made):
    return ledger_of(made.store, accepted_in(made.store.index, made.song.digest), "Song", made.position)


def exported(made, kind, folder):
    project = song_project(made.store, made.song.digest, describe)
    return write_export(project, made.store.blobs, kind, folder, "1")


def finished(made, folder, kind=MixFormat.WAV):
    accepted, ledger = accepted_in(made.store.index, made.song.digest), of_store(made)
    song = SongToWrite(accepted, "Song", made.position, ledger, xmp_of_song(made.store, accepted, ledger))
    return write_mix(song, made.store.blobs, kind, folder, lambda _: None).path


def marks_in(folder, kind):
    """The source types that the sounds of an export carry."""
    if kind is Format.AAF:
        with aaf2.open(str(next(folder.glob("*.aaf")))) as file:
            return {
                dict(master.comments.items()).get("DigitalSourceType", "")
                for master in file.content.mastermobs()
            }
    if kind is Format.DAWPROJECT:
        with zipfile.ZipFile(next(folder.glob("*.dawproject"))) as archive:
            archive.extractall(folder.parent / "unpacked")
        folder = folder.parent / "unpacked"
    return {decode_xmp(read_xmp(path)).source_type for path in folder.rglob("*.wav")}


def without_files(ledger):
    takes = tuple(one.evolve(file="") for one in ledger.takes)
    return ledger.evolve(takes=takes, notes=())


@pytest.mark.parametrize("kind", [Format.DAWPROJECT, Format.RPP, Format.AAF, Format.WAV])
def test_files_of_a_project_say_what_the_store_says(made, tmp_path, kind):
    exported(made, kind, tmp_path / "out")
    assert marks_in(tmp_path / "out", kind) >= {
        SourceType.EDITED_BY_TRAINED.address,
        SourceType.COMPOSITE.address,
    }
    found = ledger_from_files(tmp_path / "out").ledger
    assert {one.file for one in found.takes} == {SAME}
    assert without_files(found) == without_files(of_store(made))
    assert not any("could not be checked" in note or "edited" in note for note in found.notes)


@pytest.mark.parametrize("kind", list(MixFormat))
def test_a_finished_song_says_it_by_itself(made, tmp_path, kind):
    if kind is MixFormat.FLAC:
        made.store.index.history.undo(made.song.digest)  # a backing would be rounded
    path = finished(made, tmp_path, kind)
    found = ledger_from_files(path)
    assert without_files(found.ledger) == without_files(of_store(made))
    assert {one.file for one in found.ledger.takes} == {SAME}
    assert (found.sound.frames, found.begins) == (found.ledger.end - found.ledger.start, found.ledger.start)
    expected = SourceType.WITH_SYNTHETIC.address
    assert found.ledger.source_type == decode_xmp(read_xmp(path)).source_type == expected


def test_a_dawproject_that_was_unpacked_and_converted_by_a_daw(made, tmp_path):
    """Other encodings of the same samples, with the chunks a DAW kept."""
    with zipfile.ZipFile(exported(made, Format.DAWPROJECT, tmp_path).main) as archive:
        archive.extractall(tmp_path / "daw")
    for path in (tmp_path / "daw" / "audio").iterdir():
        recipe, audio = read_recipe(path), read_audio(path, 100)
        write_wav(path, Audio(audio.samples, audio.rate, Encoding.FLOAT), Bext(), recipe)
    assert {one.file for one in ledger_from_files(tmp_path / "daw").ledger.takes} == {SAME}


def edit(path):
    """One sample of a file is another; every chunk stays."""
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)


def test_an_edited_clip_is_nobodys_alone_any_more(made, tmp_path):
    folder = exported(made, Format.WAV, tmp_path).main
    clip = next(path for path in folder.iterdir() if (read_recipe(path) or {}).get("take") == made.one.id)
    edit(clip)
    found = ledger_from_files(folder).ledger
    states = {one.take: one.file for one in found.takes}
    assert states.pop(made.one.id) == EDITED
    assert set(states.values()) == {SAME}
    touched = [one for one in found.stretches if made.one.id in one.takes]
    assert {(one.whose, one.reason) for one in touched} == {(MIXED, CLIP_EDITED)}
    assert found.machine < of_store(made).machine
    assert any(clip.name in note for note in found.notes)


def test_a_clip_that_is_gone_is_called_absent(made, tmp_path):
    folder = exported(made, Format.WAV, tmp_path).main
    for path in folder.iterdir():
        if (read_recipe(path) or {}).get("take") == made.one.id or "original" in path.name:
            path.unlink()
    found = ledger_from_files(folder).ledger
    assert {one.take: one.file for one in found.takes}[made.one.id] == ABSENT
    assert sum("could not be checked" in note for note in found.notes) == 2


def test_an_edited_song_keeps_what_the_original_proves(made, tmp_path):
    song = finished(made, tmp_path / "files")
    edit(song)
    shutil.copy(next(exported(made, Format.WAV, tmp_path / "o").main.glob("*original*")), tmp_path / "files")
    found = ledger_from_files(tmp_path / "files").ledger
    last, first = found.stretches[-1], found.stretches[0]
    assert (first.whose, last.whose, last.reason) == ("human", MIXED, SONG_EDITED)


def test_the_originals_own_file_keeps_its_packet(made, tmp_path):
    made.store.index.remember_xmp(made.song.digest, "<x>its own</x>")
    folder = exported(made, Format.WAV, tmp_path).main
    packets = {path.name: read_xmp(path) for path in folder.iterdir()}
    assert packets.pop("Song.original.wav") == "<x>its own</x>"
    assert all(decode_xmp(packet).source_type for packet in packets.values())


def test_folders_without_a_ledger_or_with_two(made, tmp_path, shelf):
    soundfile.write(tmp_path / "plain.wav", np.zeros(100), 8000)
    with pytest.raises(ClipStoreError, match="carries a ledger"):
        ledger_from_files(tmp_path / "plain.wav")
    exported(made, Format.WAV, tmp_path / "out")
    recipe = read_recipe(next((tmp_path / "out").rglob("*original*")))
    recipe["ledger"] |= {"song": "f" * 64, "title": "Other"}
    write_wav(tmp_path / "out" / "other.wav", made.song, recipe=recipe)
    with pytest.raises(ClipStoreError, match="2 songs: Other and Song"):
        ledger_from_files(tmp_path / "out")
    (tmp_path / "out" / "broken.dawproject").write_bytes(b"PK no zip")
    with pytest.raises(ClipStoreError, match=r"broken\.dawproject cannot be read"):
        ledger_from_files(tmp_path / "out")


def test_what_is_cut_off_at_the_timelines_zero_is_no_edit(shelf, tmp_path):
    made = shelf(rate=RATE, position=-2_000)
    made.store.index.choose(made.add(1000, 3000).id)
    exported(made, Format.WAV, tmp_path / "out")
    assert [one.file for one in ledger_from_files(tmp_path / "out").ledger.takes] == [SAME]
