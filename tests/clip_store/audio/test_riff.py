import io
import struct

import pytest

from clip_store.audio.audio import Encoding
from clip_store.audio.riff import is_riff, read_chunk, walk, wave_parts
from tests.clip_store.sounds import song


def built(chunks=(), **options) -> bytes:
    return b"".join(wave_parts(song(5, **options), chunks))


def test_header_of_a_24_bit_stereo_file_by_hand():
    data = built(channels=2, rate=48000, encoding=Encoding.PCM_24)
    assert data[:12] == b"RIFF" + struct.pack("<I", len(data) - 8) + b"WAVE"
    assert data[12:36] == b"fmt " + struct.pack("<IHHIIHH", 16, 1, 2, 48000, 288000, 6, 24)
    assert data[36:44] == b"data" + struct.pack("<I", 30)
    assert len(data) == 44 + 30


def test_header_of_a_float_file_by_hand():
    data = built(channels=1, rate=44100, encoding=Encoding.FLOAT)
    assert data[12:38] == b"fmt " + struct.pack("<IHHIIHHH", 18, 3, 1, 44100, 176400, 4, 32, 0)
    assert data[38:50] == b"fact" + struct.pack("<II", 4, 5)
    assert data[50:58] == b"data" + struct.pack("<I", 20)


def test_odd_chunks_are_filled_up_but_keep_their_size():
    data = built([(b"note", b"odd")], channels=1, encoding=Encoding.PCM_24)
    assert len(data) % 2 == 0
    chunks = {chunk.name: chunk for chunk in walk(io.BytesIO(data))}
    assert chunks[b"note"].size == 3
    assert chunks[b"data"].size == 15
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8


def test_a_walk_names_what_is_missing():
    data = built(channels=1, encoding=Encoding.PCM_16)
    for cut in range(1, 11):
        *_, last = walk(io.BytesIO(data[:-cut]))
        assert (last.size, last.present) == (10, 10 - cut)


def test_walk_reads_the_long_sizes_of_rf64():
    ds64 = struct.pack("<QQQI", 0, 6_000_000_000, 0, 0)
    data = (
        b"RF64\xff\xff\xff\xffWAVE"
        + b"ds64"
        + struct.pack("<I", len(ds64))
        + ds64
        + b"data\xff\xff\xff\xff1234"
    )
    assert is_riff(io.BytesIO(data))
    *_, last = walk(io.BytesIO(data))
    assert (last.size, last.present) == (6_000_000_000, 4)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\0\0\0\0AVI ", b"FORM\0\0\0\0AIFF", b"OggS" * 5])
def test_other_files_are_not_riff(data, tmp_path):
    assert not is_riff(io.BytesIO(data))
    (tmp_path / "file").write_bytes(data)
    assert read_chunk(tmp_path / "file", b"bext") is None


def test_read_chunk_finds_the_first_of_its_name(tmp_path):
    path = tmp_path / "song.wav"
    path.write_bytes(built([(b"note", b"one"), (b"note", b"two")]))
    assert read_chunk(path, b"note") == b"one"
    assert read_chunk(path, b"none") is None
