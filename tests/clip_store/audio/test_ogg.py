"""Streams of an Ogg file by their pages, and what is made of files that have several."""

import io

import numpy as np
import pytest

from clip_store.audio.audio_file import probe_audio, read_audio, read_part
from clip_store.audio.layout import CHAINED
from clip_store.audio.ogg import Link, links
from clip_store.errors import AudioFileError
from tests.clip_store.audio import odd_files as odd

ONE = odd.encoded("OGG", "VORBIS")
OPUS = odd.encoded("OGG", "OPUS")
MONO = odd.encoded("OGG", "VORBIS", samples=odd.codes(4800, channels=1))
LOW = odd.encoded("OGG", "VORBIS", 44_100)


def test_links():
    assert links(io.BytesIO(ONE)) == [Link(0, len(ONE), True)]
    assert links(io.BytesIO(ONE + MONO)) == [Link(0, len(ONE), True), Link(len(ONE), len(ONE + MONO), True)]
    assert links(io.BytesIO(ONE + b"rubbish")) == [Link(0, len(ONE), True)]
    assert [link.ended for link in links(io.BytesIO(ONE + MONO[:-1]))] == [True, False]
    assert links(io.BytesIO(b"OggS")) == []


def decoded(tmp_path, data: bytes) -> np.ndarray:
    (tmp_path / "part").write_bytes(data)
    return read_audio(tmp_path / "part", 60).samples


@pytest.mark.parametrize("parts", [[ONE, ONE], [ONE, LOW[:0], ONE, ONE], [OPUS, OPUS]])
def test_streams_of_one_form_are_one_song(tmp_path, parts):
    path = tmp_path / "song.ogg"
    path.write_bytes(b"".join(parts))
    parts = [part for part in parts if part]
    info = probe_audio(path)
    assert info.frames == odd.FRAMES * len(parts)
    assert info.notes == (CHAINED.format(count=len(parts)),)
    whole = np.concatenate([decoded(tmp_path, part) for part in parts])
    assert np.array_equal(read_audio(path, 60).samples, whole)
    assert np.allclose(read_part(path, odd.FRAMES - 50, 100), whole[odd.FRAMES - 50 :][:100])


@pytest.mark.parametrize(("other", "form"), [(MONO, "48000 Hz, mono"), (LOW, "44100 Hz, stereo")])
def test_a_stream_of_another_form_is_left_out_with_words(tmp_path, other, form):
    path = tmp_path / "song.ogg"
    path.write_bytes(ONE + other + ONE)
    info = probe_audio(path)
    assert info.frames == odd.FRAMES
    assert info.notes == (
        f"After 0.200 s the file goes on with sound of another form ({form}); "
        "only the sound before it (48000 Hz, stereo) was read.",
    )
    assert np.array_equal(read_audio(path, 60).samples, decoded(tmp_path, ONE))


def test_what_other_programs_append_is_no_matter(tmp_path):
    path = tmp_path / "song.ogg"
    path.write_bytes(ONE + b"TAG" + bytes(125))
    assert probe_audio(path).notes == ()
    assert np.array_equal(read_audio(path, 60).samples, decoded(tmp_path, ONE))


@pytest.mark.parametrize("data", [ONE[:-1], ONE + ONE[:-1], ONE + ONE[: len(ONE) // 2]])
def test_a_last_stream_that_is_cut_off(tmp_path, data):
    path = tmp_path / "song.ogg"
    path.write_bytes(data)
    with pytest.raises(AudioFileError, match="cut off"):
        probe_audio(path)
