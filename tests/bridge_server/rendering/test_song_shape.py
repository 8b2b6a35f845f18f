import numpy as np
import pytest

from bridge_server.rendering.song_shape import block_levels, music_frames, playing_part, song_shape
from clip_store.audio.audio import Audio, Encoding

RATE = 48000
HALF = RATE // 2


def audio(*levels, channels=2):
    """Half seconds of alternating +-level, one for each level given."""
    blocks = [np.tile([level, -level], HALF // 2) for level in levels]
    mono = np.concatenate(blocks).astype(np.float32)
    return Audio(np.repeat(mono[:, None], channels, axis=1), RATE, Encoding.FLOAT)


@pytest.mark.parametrize(
    ("levels", "halves"),
    [
        ((0.5, 0.5, 0.5, 0.5), 4),
        ((0.5, 0.5, 0.5, 0.0), 3),  # silence behind
        ((0.5, 0.5, 0.5, 0.05, 0.01), 3),  # a chord that rings out: 20 dB below is over
        ((0.5, 0.5, 0.5, 0.07, 0.01), 4),  # 17 dB below still counts
        ((0.5, 0.0, 0.0, 0.5, 0.0), 4),  # a pause is no end
        ((0.0, 0.0, 0.5), 3),
        ((0.0, 0.0), 2),  # a silent song is music to its end
    ],
)
def test_where_the_music_ends(levels, halves):
    assert music_frames(audio(*levels)) == halves * HALF


def test_a_last_block_that_is_short():
    whole = audio(0.5, 0.5, 0.5)
    short = Audio(whole.samples[: 2 * HALF + 7].copy(), RATE, Encoding.FLOAT)
    assert music_frames(short) == 2 * HALF + 7
    assert np.allclose(block_levels(short), 0.5)


@pytest.mark.parametrize("channels", [1, 2])
def test_levels_are_those_of_a_channel(channels):
    assert np.allclose(block_levels(audio(0.5, 0.25, 0.0, channels=channels)), [0.5, 0.25, 0])


def test_shape():
    shape = song_shape(audio(0.5, 0.5, 0.0))
    assert (shape.frames, shape.rate, shape.channels, shape.music_frames) == (3 * HALF, RATE, 2, 2 * HALF)


def test_the_part_that_plays():
    rings = audio(0.5, 0.5, 0.01)
    assert len(playing_part(rings, 3 * HALF)) == 2 * HALF
    assert len(playing_part(rings, HALF)) == HALF


def test_a_song_of_one_frame():
    one = Audio(np.full((1, 1), 0.5, np.float32), RATE, Encoding.FLOAT)
    assert song_shape(one).music_frames == 1


def test_an_offset_does_not_go_on_where_the_music_ends():
    plain = audio(0.5, 0.5, 0.5, 0.0, 0.0)
    shifted = Audio(plain.samples + np.float32(0.25), RATE, Encoding.FLOAT)
    assert music_frames(shifted) == music_frames(plain) == 3 * HALF
    still = Audio(np.full((4 * HALF, 2), 0.25, np.float32), RATE, Encoding.FLOAT)
    assert music_frames(still) == 4 * HALF


def test_levels_of_doubles_as_loud_as_a_file_may_be():
    loud = Audio(
        np.full((4 * HALF, 1), 9_999.0) * np.resize([1, -1], 4 * HALF)[:, None], RATE, Encoding.DOUBLE
    )
    assert np.isfinite(block_levels(loud)).all()
    assert music_frames(loud) == 4 * HALF
