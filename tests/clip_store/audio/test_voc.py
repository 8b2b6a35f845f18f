"""Creative Voice files block by block: the samples and nothing of the headers between them."""

import io
import struct

import numpy as np
import pytest

from clip_store.audio import voc
from clip_store.audio.audio_file import probe_audio, read_audio
from clip_store.audio.layout import OTHER_FORM
from clip_store.audio.riff import MAX_CHUNKS
from clip_store.errors import AudioFileError
from tests.clip_store.audio import odd_files as odd

BYTES = bytes(range(30, 230))
HALF = len(odd.SOUND) // 2
NEW = struct.pack("<IBBHI", odd.RATE, 16, 2, 4, 0)


def block(kind: int, body: bytes, size: int | None = None) -> bytes:
    return bytes([kind]) + (len(body) if size is None else size).to_bytes(3, "little") + body


def file_of(*blocks: bytes, end: bytes = b"\0") -> bytes:
    return voc.MAGIC + struct.pack("<HHH", 26, 0x0114, 0x111F) + b"".join(blocks) + end


WHOLE = {
    "one block": file_of(block(9, NEW + odd.SOUND)),
    "no terminator": file_of(block(9, NEW + odd.SOUND), end=b""),
    "going on in two more": file_of(
        block(9, NEW + odd.SOUND[:HALF]), block(2, odd.SOUND[HALF:-4]), block(2, odd.SOUND[-4:])
    ),
    "a text and a marker between": file_of(
        block(5, b"title\0"), block(9, NEW + odd.SOUND[:HALF]), block(4, b"\1\0"), block(2, odd.SOUND[HALF:])
    ),
    "the format again": file_of(block(9, NEW + odd.SOUND[:HALF]), block(9, NEW + odd.SOUND[HALF:])),
    "rubbish behind the terminator": file_of(block(9, NEW + odd.SOUND)) + b"rubbish" * 10,
}


@pytest.mark.parametrize("name", WHOLE)
def test_all_samples_and_no_others(tmp_path, name):
    path = tmp_path / "song.voc"
    path.write_bytes(WHOLE[name])
    info = probe_audio(path)
    assert (info.frames, info.rate, info.notes) == (odd.FRAMES, odd.RATE, ())
    assert np.array_equal(read_audio(path, 60).samples * 32768, odd.codes())


STEREO = struct.pack("<HBB", 65536 - 256_000_000 // (2 * 16000), 0, 1)
OLD = {
    "8 bits": (block(1, b"\x83\0" + BYTES), 8000, 1),
    "8 bits, stereo": (block(8, STEREO) + block(1, b"\x83\0" + BYTES), 16000, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", OLD)
def test_the_oldest_forms(tmp_path, name):
    blocks, rate, channels = OLD[name]
    path = tmp_path / "song.voc"
    path.write_bytes(file_of(blocks))
    audio = read_audio(path, 60)
    assert (audio.rate, audio.channels) == (rate, channels)
    assert np.array_equal((audio.samples.ravel() + 1) * 128, np.frombuffer(BYTES, "u1"))


def test_a_block_of_silence_counts():
    found = voc.read_stream(
        io.BytesIO(
            file_of(block(1, b"\x83\0" + BYTES), block(3, struct.pack("<HB", 99, 0x83)), block(2, BYTES))
        )
    )
    assert found is not None
    assert found.pieces[1] == b"\x80" * 100


def test_sound_of_another_form_is_left_out_with_words(tmp_path):
    path = tmp_path / "song.voc"
    path.write_bytes(file_of(block(9, NEW + odd.SOUND), block(1, b"\x83\0" + BYTES)))
    info = probe_audio(path)
    assert (info.frames, info.notes) == (odd.FRAMES, (OTHER_FORM,))


def test_a_block_that_is_cut_off(tmp_path):
    path = tmp_path / "song.voc"
    path.write_bytes(file_of(block(9, NEW + odd.SOUND, 12 + len(odd.SOUND) + 400), end=b""))
    with pytest.raises(AudioFileError, match="cut off"):
        probe_audio(path)


@pytest.mark.parametrize("blocks", [b"", block(1, b"\x83\1" + BYTES), block(2, BYTES), block(9, NEW[:4])])
def test_what_is_not_understood(tmp_path, blocks):
    """libsndfile reads some of it, as noise."""
    path = tmp_path / "song.voc"
    path.write_bytes(file_of(blocks))
    with pytest.raises(AudioFileError, match=r"song\.voc is not a sound file that can be read"):
        probe_audio(path)


@pytest.mark.parametrize("options", ["", "-c:a pcm_u8 -ac 1", "-c:a pcm_alaw"])
def test_what_ffmpeg_writes(tmp_path, options):
    path = tmp_path / "song.voc"
    data = odd.wave(odd.chunk(b"fmt ", odd.fmt()), odd.chunk(b"data", odd.SOUND * 6))
    path.write_bytes(odd.ffmpeg("-i", "-", *options.split(), "-f", "voc", "-", data=data))
    audio = read_audio(path, 60)
    theirs = odd.ffmpeg_samples(path, audio.channels)
    assert audio.frames == 6 * odd.FRAMES
    assert np.array_equal(audio.samples, theirs)


def test_silence_upon_silence_is_not_believed():
    """Some kilobytes could ask for all the memory there is."""
    fast = struct.pack("<IBBHI", 4_000_000_000, 16, 2, 4, 0)
    data = file_of(block(9, fast + odd.SOUND[:40]), block(3, b"\xff\xff\0") * 50)
    found = voc.read_stream(io.BytesIO(data))
    assert found is not None
    assert sum(len(piece) for piece in found.pieces if isinstance(piece, bytes)) <= voc._MAX_SILENCE


def test_a_file_of_endless_blocks_is_given_up():
    found = voc.read_stream(
        io.BytesIO(file_of(block(9, NEW + odd.SOUND[:40]), block(2, b"") * 20 * MAX_CHUNKS))
    )
    assert found is not None
    assert len(found.pieces) <= MAX_CHUNKS
