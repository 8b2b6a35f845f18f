"""The AAF file, read back by pyaaf2, which wrote it, and by a reader that shares nothing with it. No DAW opened it."""

import aaf2
import numpy as np
import pytest
import soundfile

from clip_store.audio.audio import Encoding
from clip_store.exports.aaf import plain
from clip_store.exports.arrange import song_project
from clip_store.exports.formats import Format
from clip_store.exports.write import write_export
from tests.clip_store.exports.songs import describe
from tests.clip_store.exports.test_arrange import TITLES


def write(made, project, folder):
    return write_export(project, made.store.blobs, Format.AAF, folder, "1")


def slots_in(file):
    """(name, [(position, start, length, master's name)]) of each slot of the composition."""
    (composition,) = file.content.compositionmobs()
    found = []
    for slot in composition.slots:
        at, clips = 0, []
        for part in slot.segment.components:
            if isinstance(part, aaf2.components.SourceClip):
                clips.append((at, part.start, part.length, part.mob.name))
            at += part.length
        assert slot.segment.length == at
        found.append((slot.name, int(slot.edit_rate), clips))
    return found


def test_clips_lie_on_their_samples(full, tmp_path):
    made, project = full
    with aaf2.open(str(write(made, project, tmp_path).main)) as file:
        found = slots_in(file)
    sides = [""] if made.channels == 1 else [".L", ".R"]
    expected = [
        (
            track.name + side + (" (mute)" if track.muted else ""),
            made.rate,
            [
                (clip.position, clip.start, clip.length, clip.file.name + side)
                for clip in track.clips
                if not clip.muted
            ],
        )
        for track in project.tracks
        for side in sides
    ]
    assert found == expected


def test_the_sound_is_in_the_file(full, tmp_path):
    made, project = full
    sounds = {file.name: file for file in project.files}
    with aaf2.open(str(write(made, project, tmp_path).main)) as file:
        masters = {master.name: master for master in file.content.mastermobs()}
        assert len(masters) == len(sounds) * made.channels
        for name, sound in sounds.items():
            audio = made.store.blobs.get(sound.digest)
            for channel, side in enumerate([""] if made.channels == 1 else [".L", ".R"]):
                part = masters[name + side].slots[0].segment
                path = tmp_path / "back.wav"
                part.mob.export_audio(str(path))
                back, rate = soundfile.read(path, dtype="float32")
                assert rate == made.rate
                assert np.array_equal(back, audio.samples[:, channel])


def test_a_reader_that_is_not_ours_finds_the_same(full, tmp_path):
    """Clips, names, rates and every byte of sound, read by olefile and AAF's published tables: nothing of pyaaf2."""
    pytest.importorskip("olefile", reason="SKIPPED: needs the Python package olefile: pip install olefile")
    from tests.clip_store.exports.aaf_reader import read_aaf

    made, project = full
    path = write(made, project, tmp_path).main
    found = read_aaf(path)
    assert found.title == plain(project.title)
    with aaf2.open(str(path)) as file:
        ours = slots_in(file)
    assert [(slot.name, *slot.rate, list(slot.clips)) for slot in found.slots] == [
        (name, rate, 1, clips) for name, rate, clips in ours
    ]
    sides = [""] if made.channels == 1 else [".L", ".R"]
    assert len(found.sounds) == len(project.files) * len(sides)
    for sound in project.files:
        audio = made.store.blobs.get(sound.digest)
        bits = 16 if audio.encoding is Encoding.PCM_16 else 24
        for channel, side in enumerate(sides):
            codes = np.round(audio.samples[:, channel].astype(np.float64) * 2 ** (bits - 1)).astype("<i4")
            wanted = codes.view(np.uint8).reshape(-1, 4)[:, : bits // 8].tobytes()
            assert found.sounds[sound.name + side] == wanted


def test_float_songs_become_24_bits_and_the_loss_is_noted(shelf, tmp_path):
    made = shelf(encoding=Encoding.FLOAT, channels=1)
    loud = made.audio(100, 3)
    loud = type(loud)(loud.samples * np.float32(100), loud.rate, loud.encoding)
    made.store.blobs.put(loud)
    take = made.add(0, 100)
    quiet = write(made, song_project(made.store, made.song.digest, describe), tmp_path)
    assert not any("cut off" in note for note in quiet.notes)
    made.store.index.delete(take.id)
    made.store.index.add(type(take)(**{**vars(take), "audio": loud.digest}))
    written = write(made, song_project(made.store, made.song.digest, describe), tmp_path)
    lost = int(np.count_nonzero(np.abs(loud.samples) > 1))
    assert any(f"{lost} samples beyond full scale" in note for note in written.notes)


@pytest.mark.parametrize("title", TITLES)
def test_nasty_titles(shelf, tmp_path, title):
    made = shelf(title=title, channels=1)
    made.add(10, 100)
    project = song_project(made.store, made.song.digest, describe)
    with aaf2.open(str(write(made, project, tmp_path).main)) as file:
        (composition,) = file.content.compositionmobs()
        assert composition.name == plain(project.title)
        assert composition.comments["Comment"] == plain(project.comment)
