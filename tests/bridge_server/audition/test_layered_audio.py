"""A song with clips in it reads the same in any piece."""

import numpy as np
import pytest

from bridge_server.audition.layered_audio import LayeredAudio, Patch

RATE = 48000


def noise(frames, channels=2, seed=0):
    return np.random.default_rng(seed).uniform(-0.4, 0.4, (frames, channels)).astype(np.float32)


@pytest.mark.parametrize("first", [-20, 0, 95, 100, 148, 199, 260])
def test_any_piece_is_the_piece_of_the_whole(first):
    audio = LayeredAudio(
        noise(200), RATE, (Patch(100, noise(50, seed=1)), Patch(140, noise(100, seed=2), adds=True))
    )
    whole = audio.read(-50, 400)
    assert np.array_equal(audio.read(first, 37), whole[first + 50 : first + 87])
    assert audio.frames == 240


def test_without_patches_it_is_the_song_unchanged():
    song = noise(10)
    assert np.array_equal(LayeredAudio(song, RATE).read(0, 10), song)
