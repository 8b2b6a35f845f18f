import io

import numpy as np
import pytest
import soundfile

from clip_store.audio.chain import Chain, is_other
from tests.clip_store.audio import odd_files as odd

SIZES = (100, 1, 400)


def decoders(rate: int = odd.RATE) -> list[soundfile.SoundFile]:
    return [
        soundfile.SoundFile(io.BytesIO(odd.encoded("WAV", "PCM_16", rate, odd.codes(size)))) for size in SIZES
    ]


WHOLE = np.concatenate([odd.codes(size) for size in SIZES])


@pytest.mark.parametrize(
    ("first", "count"), [(0, -1), (0, 501), (99, 3), (100, 1), (450, 100), (501, 5), (0, 0)]
)
def test_it_reads_as_one_sound(first, count):
    chain = Chain(decoders())
    assert chain.frames == 501
    chain.seek(first)
    expected = WHOLE[first:] if count < 0 else WHOLE[first : first + count]
    assert np.array_equal(chain.read(count, dtype="int16"), expected)
    assert len(chain.read(dtype="int16")) == 501 - first - len(expected)


def test_into_an_array():
    into = np.zeros((501, 2), np.float32)
    assert len(Chain(decoders()).read(out=into)) == 501
    assert np.array_equal(into * 32768, WHOLE)


def test_a_stream_that_is_shorter_than_it_says_ends_the_sound():
    class Short:
        samplerate, channels, subtype, format, extra_info, frames = 48_000, 2, "PCM_16", "WAV", "", 10

        def seek(self, frames: int) -> int:
            return frames

        def read(self, *, out: np.ndarray) -> np.ndarray:
            return out[:4]

    assert len(Chain([Short(), Short()]).read(dtype="int16")) == 4  # type: ignore[list-item]


def test_other_forms_are_refused():
    low = decoders(44_100)
    assert is_other(low[0], decoders()[0])
    with pytest.raises(ValueError, match="no one sound"):
        Chain([*decoders(), *low])
