import numpy as np
import pytest

from bridge_server.songs.song_probe import SongProbe, converted_frames
from clip_store.audio.audio import Encoding
from clip_store.audio.audio_file import AudioInfo
from model.dsp.resample import resample


def test_what_a_header_says():
    found = SongProbe.of(AudioInfo(9600, 44100, 1, Encoding.PCM_24, None, counted=False))
    assert found == SongProbe(9600, 44100, 1, counted=False)
    assert found.music_frames is None


def test_at_another_rate():
    song = SongProbe(44100, 44100, 2, counted=False)
    assert song.at_rate(96000) == SongProbe(96000, 96000, 2, counted=False)
    assert song.at_rate(None) is song.at_rate(44100) is song


@pytest.mark.parametrize("frames", [1, 1000, 44101])
@pytest.mark.parametrize(("rate", "project"), [(44100, 48000), (48000, 44100), (96000, 88200)])
def test_a_converted_song_has_as_many_frames(frames, rate, project):
    expected = converted_frames(frames, rate, project)
    assert abs(expected - frames * project / rate) <= 0.5
    assert len(resample(np.zeros((frames, 1), np.float32), rate, project, expected)) == expected
