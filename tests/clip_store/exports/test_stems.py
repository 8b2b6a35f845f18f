"""All stems of a separation in one file."""

import io
import zipfile

import numpy as np
import pytest
import soundfile

from clip_store.audio.broadcast_wav import read_recipe
from clip_store.errors import StoreError
from clip_store.exports.stems import stem_names, write_stems


def stems_of(made, *names):
    return [made.add(0, 500, job="j", task="extract", stem=name) for name in names]


def test_a_zip_holds_every_stem_with_its_place_and_recipe(shelf, tmp_path):
    made = shelf(position=48_000, title="Mein Lied")
    stems = stems_of(made, "drums", "bass")
    moved = []
    written = write_stems(stems, made.store.blobs, tmp_path / "out", moved.append)
    assert written.main.name == "Mein Lied.stems.zip"
    assert moved == sorted(moved)
    assert (moved[0], moved[-1]) == (0.0, 1.0)
    assert 0.5 in moved
    with zipfile.ZipFile(written.main) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["Mein Lied - drums.wav", "Mein Lied - bass.wav"]
        archive.extractall(tmp_path)
    for stem, name in zip(stems, stem_names(stems), strict=True):
        samples, _ = soundfile.read(
            io.BytesIO((tmp_path / name).read_bytes()), dtype="float32", always_2d=True
        )
        assert np.array_equal(samples, made.store.blobs.get(stem.audio).samples)
        recipe = read_recipe(tmp_path / name)
        assert recipe is not None
        assert recipe["take"] == stem.id
    again = write_stems(stems, made.store.blobs, tmp_path / "out", moved.append)
    assert again.main.name == "Mein Lied.stems-2.zip", "nothing is overwritten"


def test_names_are_safe_and_differ_on_every_system(shelf):
    made = shelf(title="AC/DC")
    assert stem_names(stems_of(made, "Guitar", "guitar", "../x")) == [
        "AC_DC - Guitar.wav", "AC_DC - guitar 2.wav", "AC_DC - _x.wav",
    ]  # fmt: skip


def test_audio_that_is_gone_leaves_no_file(shelf, tmp_path):
    made = shelf()
    stems = stems_of(made, "drums")
    made.store.blobs.path(stems[0].audio).unlink()
    with pytest.raises(StoreError):
        write_stems(stems, made.store.blobs, tmp_path / "out", lambda fraction: None)
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize("when", [0.0, 0.6, 1.0])
def test_what_is_cancelled_leaves_no_file(shelf, tmp_path, when):
    made = shelf()

    def enough(fraction):
        if fraction >= when:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_stems(stems_of(made, "drums", "bass"), made.store.blobs, tmp_path / "out", enough)
    assert not list((tmp_path / "out").iterdir())
