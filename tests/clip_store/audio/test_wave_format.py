"""Format chunks that say too little, or things that do not agree: read where they can only mean one thing."""

import struct

import numpy as np
import pytest

from clip_store.audio.audio import Encoding
from clip_store.audio.audio_file import probe_audio, read_audio
from clip_store.errors import AudioFileError
from tests.clip_store.audio import odd_files as odd
from tests.clip_store.audio.odd_files import SOUND, chunk, fmt, wave

DEEP = odd.codes().astype("<i4") << 16
FLOATS = (odd.codes() / 32768).astype("<f4").tobytes()
SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")


def plain(block: int, bits: int) -> bytes:
    return struct.pack("<HHIIHH", 1, 2, odd.RATE, odd.RATE * block, block, bits)


def extensible(valid: int, bits: int, code: int = 1, mask: int = 3) -> bytes:
    return fmt(bits=bits, tag=0xFFFE) + struct.pack("<HHIH", 22, valid, mask, code) + SUBFORMAT


DATA = chunk(b"data", SOUND)
READ = {
    "14 bytes": wave(chunk(b"fmt ", fmt()[:14]), DATA),
    "15 bytes": wave(chunk(b"fmt ", fmt()[:14] + b"\0"), DATA),
    "14 bytes, RIFX": wave(
        chunk(b"fmt ", fmt(order=">")[:14], order=">"),
        chunk(b"data", odd.codes().astype(">i2").tobytes(), order=">"),
        kind=b"RIFX",
    ),
    "14 bytes, floats": wave(chunk(b"fmt ", fmt(bits=32, tag=3)[:14]), chunk(b"data", FLOATS)),
    "behind the sound": wave(DATA, chunk(b"fmt ", fmt())),
    "14 bytes behind the sound": wave(DATA, chunk(b"fmt ", fmt()[:14])),
    "twice": wave(chunk(b"fmt ", fmt()), chunk(b"fmt ", fmt()), DATA),
    "0 bits": wave(chunk(b"fmt ", plain(4, 0)), DATA),
    "12 bits": wave(chunk(b"fmt ", plain(4, 12)), DATA),
    "24 bits in 32": wave(chunk(b"fmt ", plain(8, 24)), chunk(b"data", DEEP.tobytes())),
    "no alignment": wave(chunk(b"fmt ", plain(0, 16)), DATA),
    "extensible": wave(chunk(b"fmt ", extensible(16, 16)), DATA),
    "extensible, 0 valid bits": wave(chunk(b"fmt ", extensible(0, 16)), DATA),
    "extensible, 40 valid bits": wave(chunk(b"fmt ", extensible(40, 16)), DATA),
    "extensible, 24 in 32": wave(chunk(b"fmt ", extensible(24, 32)), chunk(b"data", DEEP.tobytes())),
    "extensible, no speakers": wave(chunk(b"fmt ", extensible(16, 16, mask=0)), DATA),
    "extensible, cut short": wave(chunk(b"fmt ", extensible(16, 16)[:24]), DATA),
    "extensible, floats": wave(chunk(b"fmt ", extensible(32, 32, 3)), chunk(b"data", FLOATS)),
}
REFUSED = {
    "none": (wave(DATA), "it has no format chunk"),
    "12 bytes": (wave(chunk(b"fmt ", fmt()[:12]), DATA), "its format chunk is too short"),
    "2**31 Hz": (
        wave(chunk(b"fmt ", fmt(rate=0)[:4] + b"\0\0\0\x80" + fmt()[8:]), DATA),
        "its header says 2147483648 Hz",
    ),
    "0 Hz": (wave(chunk(b"fmt ", fmt(rate=0)), DATA), "its header says 0 Hz"),
    "0 channels": (wave(chunk(b"fmt ", fmt(channels=0)), DATA), "its header says 0 channels"),
    "floats of 16 bits": (wave(chunk(b"fmt ", fmt(tag=3)), DATA), "its samples are floats of 16 bits"),
}


@pytest.mark.parametrize("name", READ)
def test_read(tmp_path, name):
    path = tmp_path / "song.wav"
    path.write_bytes(READ[name])
    info = probe_audio(path)
    assert (info.frames, info.rate, info.channels, info.notes) == (odd.FRAMES, odd.RATE, 2, ())
    deep = "in 32" in name
    assert info.encoding is (
        Encoding.FLOAT if "floats" in name else Encoding.PCM_32 if deep else Encoding.PCM_16
    )
    assert np.array_equal(read_audio(path, 60).samples * 32768, odd.codes())


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path, name):
    data, words = REFUSED[name]
    path = tmp_path / "song.wav"
    path.write_bytes(data)
    with pytest.raises(AudioFileError) as caught:
        probe_audio(path)
    assert caught.value.sentence == f"song.wav is not a sound file that can be read ({words})."
    assert caught.value.remedy == "Save it as WAV, AIFF or FLAC."
