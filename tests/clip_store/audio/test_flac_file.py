import numpy as np
import pytest
import soundfile

from clip_store.audio.audio import Encoding
from clip_store.audio.audio_file import probe_audio
from clip_store.audio.flac_file import flac_blocks, read_comments, write_flac
from clip_store.audio.riff import WaveForm
from clip_store.errors import StoreError
from tests.clip_store.sounds import song

COMMENTS = {"TITLE": "Größe 曲", "time_reference": "-5", "LONG": "x" * 100_000}


@pytest.mark.parametrize("encoding", [Encoding.PCM_16, Encoding.PCM_24])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_and_comments_come_back(tmp_path, encoding, channels):
    audio = song(100_000, channels, 44_100, encoding)
    form = WaveForm(audio.frames, audio.rate, channels, encoding)
    path = tmp_path / "song.flac"
    write_flac(path, form, np.array_split(audio.samples, 7), COMMENTS)
    assert np.array_equal(np.concatenate(list(flac_blocks(path, encoding))), audio.samples)
    assert read_comments(path) == COMMENTS
    info = probe_audio(path)
    assert (info.frames, info.encoding, info.time_reference, info.notes) == (100_000, encoding, -5, ())
    assert soundfile.info(path).frames == 100_000
    assert [entry.name for entry in tmp_path.iterdir()] == ["song.flac"]


def test_comments_too_long_for_the_file_are_left_out(tmp_path):
    audio = song(1000)
    form = WaveForm(audio.frames, audio.rate, 2, audio.encoding)
    write_flac(tmp_path / "a.flac", form, [audio.samples], {"A": "short", "B": "x" * (1 << 24)})
    assert read_comments(tmp_path / "a.flac") == {"A": "short"}


def test_what_flac_cannot_hold_is_refused(tmp_path):
    form = WaveForm(10, 768_000, 2, Encoding.PCM_24)
    with pytest.raises(StoreError, match="FLAC cannot hold") as raised:
        write_flac(tmp_path / "a.flac", form, [], {})
    assert "WAV" in raised.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_other_files_have_no_comments(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    assert read_comments(tmp_path / "a.wav") == {}
