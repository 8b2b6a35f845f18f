import json
import tracemalloc

import numpy as np
import pytest
import soundfile

from clip_store.audio.audio import Encoding, quantise
from clip_store.audio.audio_file import read_audio
from clip_store.audio.broadcast_wav import read_bext, read_recipe
from clip_store.audio.flac_file import read_comments
from clip_store.errors import StoreError
from clip_store.mix import write_mix as module
from clip_store.mix.accepted import accepted_in
from clip_store.mix.song_mix import SongMix
from clip_store.mix.write_mix import RECIPE_COMMENT, MixFormat, SongToWrite, write_mix
from daw_protocol.song_receipt import SongReceipt
from daw_protocol.timeline.span import Span
from tests.clip_store.mix.separations import repainted, separated
from tests.clip_store.sounds import noise

SUBTYPES = [
    (Encoding.PCM_16, MixFormat.WAV), (Encoding.PCM_16, MixFormat.FLAC), (Encoding.PCM_24, MixFormat.WAV),
    (Encoding.PCM_24, MixFormat.FLAC), (Encoding.PCM_32, MixFormat.WAV), (Encoding.FLOAT, MixFormat.WAV),
    (Encoding.DOUBLE, MixFormat.WAV),
]  # fmt: skip


def comped(made):
    first, second, other = made.add(1000, 4000), made.add(1000, 4000), made.add(9000, 2000)
    for take, part in ((first, None), (other, None), (second, Span(2000, 3000))):
        made.store.index.choose(take.id, part)
    return first, second, other


def written(made, folder, kind=MixFormat.WAV, title="Song", progress=lambda _: None):
    song = SongToWrite(accepted_in(made.store.index, made.song.digest), title, made.position)
    return write_mix(song, made.store.blobs, kind, folder, progress)


def with_backing(made, level=0.95):
    loud = quantise(noise(3000, 2, level, 5), made.rate, Encoding.FLOAT).audio
    made.store.blobs.put(loud)
    take = made.add(2000, 3000, task="accompany", stem="piano")
    made.connection.execute("UPDATE take SET audio = ? WHERE id = ?", (loud.digest, take.id))
    made.store.index.choose(take.id)


@pytest.mark.parametrize(("encoding", "kind"), SUBTYPES)
def test_a_file_others_read_with_nothing_changed_outside(shelf, tmp_path, encoding, kind):
    made = shelf(encoding=encoding, position=1234)
    comped(made)
    found = written(made, tmp_path / "out", kind)
    with soundfile.SoundFile(found.path) as file:
        assert (file.format, file.subtype, file.samplerate) == (kind.ending[1:].upper(), encoding.value, 8000)
        samples = file.read(dtype=encoding.dtype.name, always_2d=True)
    outside = np.r_[0:1000, 5000:9000, 11_000 : made.song.frames]
    assert np.array_equal(samples[outside], made.song.samples[outside])
    mix = SongMix(accepted_in(made.store.index, made.song.digest), made.store.blobs)
    assert np.array_equal(samples, mix.read(mix.span).samples)
    assert read_audio(found.path, 10).samples.tobytes() == mix.read(mix.span).samples.tobytes()
    assert found.receipt.passed
    assert found.notes == ()


@pytest.mark.parametrize("kind", MixFormat)
def test_the_file_carries_recipe_receipt_and_its_place(shelf, tmp_path, kind):
    made = shelf(position=1234, title="Größe 曲")
    takes = comped(made)
    found = written(made, tmp_path / "out", kind, title="Größe 曲")
    if kind is MixFormat.WAV:
        assert read_bext(found.path).time_reference == 1234
        recipe = read_recipe(found.path)
    else:
        comments = read_comments(found.path)
        assert (comments["TITLE"], comments["time_reference"]) == ("Größe 曲", "1234")
        recipe = json.loads(comments[RECIPE_COMMENT])
    assert SongReceipt.from_stored(recipe["receipt"]) == found.receipt
    assert (recipe["song"], recipe["audio"]) == (made.song.digest, read_audio(found.path, 10).digest)
    assert {take["take"] for take in recipe["takes"]} == {take.id for take in takes}
    assert [len(comp["parts"]) for comp in recipe["accepted"]] == [1, 3]
    assert "Machine-generated" in recipe["statement"]


def test_nothing_is_overwritten_and_names_come_from_the_song(shelf, tmp_path):
    made = shelf()
    comped(made)
    folder = tmp_path / "out"
    names = [written(made, folder, title=title).path.name for title in ("A/B", "A/B", "CON", "")]
    assert names == ["A_B.mix.wav", "A_B.mix-2.wav", "_CON.mix.wav", "song.mix.wav"]
    assert {path.name for path in folder.iterdir()} == set(names)
    assert (folder / names[0]).read_bytes() == (folder / names[1]).read_bytes()


def test_with_nothing_accepted_it_is_the_original(shelf, tmp_path):
    made = shelf()
    found = written(made, tmp_path / "out")
    assert read_audio(found.path, 10).digest == made.song.digest
    assert "original" in found.notes[0]
    assert "unchanged" in read_recipe(found.path)["statement"]


def test_sums_beyond_full_scale_are_kept_and_said(shelf, tmp_path):
    made = shelf(encoding=Encoding.PCM_16)
    with_backing(made)
    found = written(made, tmp_path / "out")
    assert soundfile.info(found.path).subtype == "FLOAT"
    assert found.receipt.over == np.count_nonzero(np.abs(soundfile.read(found.path)[0]) > 1) > 0
    assert "32-bit float" in found.notes[0]
    assert "beyond full scale" in found.notes[1]


def test_what_flac_cannot_hold_is_said_or_refused(shelf, tmp_path):
    made = shelf(encoding=Encoding.PCM_16)
    with_backing(made)
    found = written(made, tmp_path / "out", MixFormat.FLAC)
    assert soundfile.info(found.path).subtype == "PCM_24"
    assert any("rounded to 24 bits" in note for note in found.notes)
    assert any(
        f"{found.receipt.clipped} samples beyond full scale were cut off" in note for note in found.notes
    )
    assert found.receipt.clipped > 0
    outside = soundfile.read(found.path, dtype="float32")[0][5000:]
    assert np.array_equal(outside, made.song.samples[5000:])


@pytest.mark.parametrize("encoding", [Encoding.FLOAT, Encoding.PCM_32])
def test_a_song_deeper_than_flac_is_refused(shelf, tmp_path, encoding):
    made = shelf(encoding=encoding)
    with pytest.raises(StoreError, match="24 bits at most") as raised:
        written(made, tmp_path / "out", MixFormat.FLAC)
    assert "WAV" in raised.value.remedy


def test_accepted_stems_and_a_start_before_zero_are_explained(shelf, tmp_path):
    made = shelf(position=-500)
    made.store.index.choose(made.stems(0, 200, "vocals", "residual")[0].id)
    found = written(made, tmp_path / "out")
    assert read_audio(found.path, 10).digest == made.song.digest
    assert any("stems leave the song" in note for note in found.notes)
    assert any("before the timeline's zero" in note for note in found.notes)
    assert read_bext(found.path).time_reference == 0


def test_takes_of_stems_are_in_the_file_and_what_is_in_their_way_is_named(shelf, tmp_path):
    made = shelf(position=100, encoding=Encoding.PCM_16)
    vocals, _ = separated(made, made.song.digest, 0, made.song.frames, "vocals", "residual")
    sung, over = repainted(made, vocals.audio, 3000, 4000), repainted(made, made.song.digest, 6000, 2000)
    made.store.index.choose(sung.id)
    found = written(made, tmp_path / "out")
    assert [note for note in found.notes if "not heard" in note] == []
    assert any("32-bit float samples, wider than the song's 16-bit" in note for note in found.notes)
    recipe = read_recipe(found.path)
    assert recipe["accepted"] == [{"stem": "vocals", "parts": [[sung.id, 3000, 7000]]}]
    assert [take["take"] for take in recipe["takes"]] == [sung.id]
    made.store.index.choose(over.id)
    (note,) = [note for note in written(made, tmp_path / "out").notes if "not heard" in note]
    assert f"Take {sung.id} of the vocals is not heard from sample 6100 to 7100: take {over.id}" in note
    assert f"take:{over.id}" in note


def test_a_stem_of_a_repaint_that_plays_in_part_is_explained(shelf, tmp_path):
    made = shelf()
    song_take = repainted(made, made.song.digest, 3000, 4000)
    vocals, _ = separated(made, song_take.result, 0, made.song.frames, "vocals", "residual")
    sung = repainted(made, vocals.audio, 4000, 2000)
    made.store.index.choose(song_take.id, Span(3000, 5000))
    made.store.index.choose(sung.id)
    (note,) = [note for note in written(made, tmp_path / "out").notes if "not heard" in note]
    assert f"Take {sung.id} of the vocals is not heard from sample 5000 to 6000: the take whose stem" in note


@pytest.mark.parametrize("kind", MixFormat)
def test_a_file_that_does_not_hold_what_was_written_is_not_kept(shelf, tmp_path, monkeypatch, kind):
    made = shelf()
    comped(made)
    monkeypatch.setattr(module, "_digest_of", lambda *_: "0" * 64)
    with pytest.raises(StoreError, match="does not hold"):
        written(made, tmp_path / "out", kind)
    assert list((tmp_path / "out").iterdir()) == []


def test_missing_audio_and_a_file_in_the_way_are_said(shelf, tmp_path):
    made = shelf()
    take = comped(made)[0]
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be a folder"):
        written(made, tmp_path / "out")
    made.store.blobs.path(take.audio).unlink()
    with pytest.raises(StoreError, match="no longer holds"):
        written(made, tmp_path / "elsewhere")


def test_progress_goes_from_nothing_to_all(shelf, tmp_path):
    made = shelf()
    comped(made)
    fractions = []
    written(made, tmp_path / "out", progress=fractions.append)
    assert fractions == sorted(fractions)
    assert fractions[0] < 0.6
    assert fractions[-1] == 1.0


def test_memory_does_not_grow_with_the_song(shelf, tmp_path, monkeypatch):
    monkeypatch.setattr("clip_store.mix.song_mix.BLOCK", 1 << 14)
    monkeypatch.setattr("clip_store.mix.measure_mix.SEAM_SECONDS", 1.0)
    made = shelf()
    peaks = []
    for seconds in (40, 160):
        long = quantise(np.tile(noise(8000, 2), (seconds, 1)), 8000, made.encoding).audio
        made.song = long
        made.store.blobs.put(long)
        made.store.index.choose(made.add(80_000, 8000).id)
        tracemalloc.start()
        written(made, tmp_path / "out")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[1] < made.song.samples.nbytes


@pytest.mark.parametrize("kind", MixFormat)
@pytest.mark.parametrize("when", [0.1, 0.6, 0.95, 1.0])
def test_what_is_cancelled_leaves_no_file(shelf, tmp_path, kind, when):
    made = shelf()
    comped(made)

    def enough(fraction):
        if fraction >= when:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(made, tmp_path / "out", kind, progress=enough)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "out" in path.parts]
