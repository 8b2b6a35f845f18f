from dataclasses import replace

import numpy as np
import pytest

from bridge_server.songs.song_probe import SongProbe, converted_frames, project_rate
from clip_store.audio.audio import Encoding
from clip_store.audio.audio_file import AudioInfo
from model.dsp.resample import resample


def test_what_a_header_says():
    found = SongProbe.of(AudioInfo(9600, 44100, 1, Encoding.PCM_24, None, counted=False))
    assert found == SongProbe(9600, 44100, 1, counted=False)
    assert found.music_frames is None


def test_at_another_rate():
    song = SongProbe(44100, 44100, 2, counted=False)
    found = song.at_rate(96000)
    assert replace(found, notes=()) == SongProbe(96000, 96000, 2, counted=False)
    assert "from 44100 to 96000 Hz" in found.notes[0]
    assert song.at_rate(None) is song.at_rate(44100) is song


@pytest.mark.parametrize(
    ("file_rate", "rate"),
    [
        (44_100, 44_100), (48_000, 48_000), (88_200, 88_200), (96_000, 96_000), (176_400, 176_400), (192_000, 192_000),
        (8_000, 48_000), (11_025, 44_100), (12_000, 48_000), (16_000, 48_000), (22_050, 44_100), (24_000, 48_000),
        (32_000, 48_000), (37_800, 48_000), (44_056, 44_100), (44_144, 44_100), (47_952, 48_000), (48_048, 48_000),
        (50_000, 88_200), (64_000, 88_200), (352_800, 176_400), (384_000, 192_000), (705_600, 176_400),
    ],
)  # fmt: skip
def test_the_rate_of_a_project_where_none_was_asked_for(file_rate, rate):
    assert project_rate(file_rate) == rate
    assert SongProbe(file_rate, file_rate, 2).at_rate(None).rate == rate
    assert SongProbe(file_rate, file_rate, 2).at_rate(None).frames == rate  # a second


def test_a_low_rate_is_kept_where_it_is_asked_for():
    song = SongProbe(32_000, 32_000, 2)
    assert song.at_rate(32_000) is song


@pytest.mark.parametrize("frames", [1, 1000, 44101])
@pytest.mark.parametrize(("rate", "project"), [(44100, 48000), (48000, 44100), (96000, 88200)])
def test_a_converted_song_has_as_many_frames(frames, rate, project):
    expected = converted_frames(frames, rate, project)
    assert abs(expected - frames * project / rate) <= 0.5
    assert len(resample(np.zeros((frames, 1), np.float32), rate, project, expected)) == expected
