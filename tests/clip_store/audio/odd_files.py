"""Sound files as crashed recorders, pipes and unusual programs leave them, built byte by byte.

Every function gives the bytes of one file with the same sound, or what is said of it.
"""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 48_000
FRAMES = 9_600


def codes(frames: int = FRAMES, channels: int = 2) -> np.ndarray:
    """16-bit noise, the same each time."""
    return np.random.default_rng(13).integers(-9000, 9000, (frames, channels)).astype("<i2")


SOUND = codes().tobytes()


def chunk(name: bytes, body: bytes, size: int | None = None, order: str = "<", pad: bool = True) -> bytes:
    """size: the one stated, where it is not the body's."""
    odd = b"\0" if pad and len(body) & 1 else b""
    return struct.pack(order + "4sI", name, len(body) if size is None else size & 0xFFFFFFFF) + body + odd


def fmt(channels: int = 2, bits: int = 16, tag: int = 1, rate: int = RATE, order: str = "<") -> bytes:
    block = channels * bits // 8
    return struct.pack(order + "HHIIHH", tag, channels, rate, rate * block, block, bits)


def wave(*chunks: bytes, kind: bytes = b"RIFF", size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    order = ">" if kind == b"RIFX" else "<"
    return kind + struct.pack(order + "I", len(body) if size is None else size) + body


def wave_with_size(size: int, behind: bytes = b"") -> bytes:
    """A WAV whose data chunk states another size than it has."""
    return wave(chunk(b"fmt ", fmt()), chunk(b"data", SOUND, size), behind)


def wave64(size: int, behind: bytes = b"") -> bytes:
    """A Wave64 file whose sound states this size, without its header of 24 bytes; behind: another chunk's body."""

    def part(name: bytes, body: bytes, stated: int) -> bytes:
        head = name + bytes.fromhex("f3acd3118cd100c04f8edb8a") + struct.pack("<Q", stated + 24)
        return head + body + bytes(-len(body) % 8)

    wave = b"wave" + bytes.fromhex("f3acd3118cd100c04f8edb8a")
    body = (
        wave
        + part(b"fmt ", fmt(), 16)
        + part(b"data", SOUND, size)
        + (part(b"levl", behind, len(behind)) if behind else b"")
    )
    return b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000") + struct.pack("<Q", len(body) + 24) + body


def ds64(riff: int, data: int, samples: int) -> bytes:
    return chunk(b"ds64", struct.pack("<QQQI", riff, data, samples, 0))


def long_wave(kind: bytes, *before: bytes) -> bytes:
    """RF64 or BW64: 32-bit sizes of FFFFFFFF, the true ones in ds64."""
    return wave(*before, chunk(b"fmt ", fmt()), chunk(b"data", SOUND, 0xFFFFFFFF), kind=kind, size=0xFFFFFFFF)


def bext(samples: int, length: int = 602) -> bytes:
    """A bext body with that TimeReference, as long as given."""
    return (bytes(338) + struct.pack("<Q", samples % (1 << 64)) + bytes(1000))[:length]


def aiff(common: bytes, ssnd: bytes, kind: bytes = b"AIFF", size: int | None = None) -> bytes:
    body = kind + chunk(b"COMM", common, order=">") + chunk(b"SSND", bytes(8) + ssnd, size, ">")
    return b"FORM" + struct.pack(">I", len(body)) + body


def aiff_common(frames: int = FRAMES, bits: int = 16, code: bytes = b"") -> bytes:
    return struct.pack(">hIhHQ", 2, frames, bits, 16383 + 15, 48000 << 48) + code


def au(size: int, order: str = ">") -> bytes:
    magic = b".snd" if order == ">" else b"dns."
    sound = codes().astype(order + "i2").tobytes()
    return magic + struct.pack(order + "5I", 24, size, 3, RATE, 2) + sound


def caf(size: int) -> bytes:
    desc = struct.pack(">d4sIIIII", RATE, b"lpcm", 0, 4, 1, 2, 16)
    sound = codes().astype(">i2").tobytes()
    head = b"caff" + struct.pack(">HH", 1, 0) + b"desc" + struct.pack(">q", len(desc)) + desc
    return head + b"data" + struct.pack(">qI", size, 0) + sound


def encoded(form: str, subtype: str, rate: int = RATE, samples: np.ndarray | None = None) -> bytes:
    """As libsndfile writes it."""
    out = io.BytesIO()
    soundfile.write(out, codes() if samples is None else samples, rate, format=form, subtype=subtype)
    return out.getvalue()


def flac_stating(samples: int, tail: bytes = b"") -> bytes:
    """A FLAC stream whose header states that many samples."""
    data = encoded("FLAC", "PCM_16")
    (packed,) = struct.unpack(">Q", data[18:26])
    return data[:18] + struct.pack(">Q", packed >> 36 << 36 | samples) + data[26:] + tail


def ffmpeg(*arguments: str, data: bytes = b"") -> bytes:
    """What ffmpeg writes to a pipe; skips the test without it."""
    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg is not installed (Debian: apt install ffmpeg)")
    command = ["ffmpeg", "-v", "error", *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def ffmpeg_samples(path: Path, channels: int = 2) -> np.ndarray:
    """The samples of a file as ffmpeg decodes them, float32 [frames, channels]."""
    data = ffmpeg("-i", str(path), "-f", "f32le", "-")
    return np.frombuffer(data, "<f4").reshape(-1, channels)
