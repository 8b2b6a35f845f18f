"""Audio in memory, exact to the last bit of the file it came from, and its digest.

Knows sample encodings and nothing of files. A sample of an integer encoding is code / 2**(bits - 1), which
float32 holds exactly up to 24 bits and float64 up to 32; that is why quantising what was read returns the
very codes that were read. (libsndfile reads integers by that rule but writes floats by 2**(bits - 1) - 1,
so the way back through it is not exact; we convert ourselves.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from daw_protocol.timeline.span import Span

MIN_RATE, MAX_RATE = 4_000, 768_000
"""The rates in hertz that audio may have: telephones to the fastest converters."""

MAX_CHANNELS = 2

_BLOCK = 1 << 18
"""Samples converted at a time: small enough to stay in the processor's cache."""

Samples = NDArray[Any]
"""float32 or float64, [frames, channels]."""


class Encoding(Enum):
    """How one sample is written in a file."""

    PCM_16 = "PCM_16"  # signed 16-bit integers
    PCM_24 = "PCM_24"  # signed 24-bit integers, three bytes each
    PCM_32 = "PCM_32"  # signed 32-bit integers
    FLOAT = "FLOAT"  # IEEE single precision
    DOUBLE = "DOUBLE"  # IEEE double precision

    @property
    def bits(self) -> int:
        """Bits one sample takes in a file."""
        return _BITS[self]

    @property
    def is_float(self) -> bool:
        return self in (Encoding.FLOAT, Encoding.DOUBLE)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The float type that holds every value of this encoding exactly."""
        wide = self in (Encoding.PCM_32, Encoding.DOUBLE)
        return np.dtype(np.float64 if wide else np.float32)

    def holding(self, other: Encoding) -> Encoding:
        """The narrowest encoding that can write every value of both."""
        if self is other:
            return self
        if Encoding.DOUBLE in (self, other) or {self, other} == {Encoding.PCM_32, Encoding.FLOAT}:
            return Encoding.DOUBLE
        if Encoding.FLOAT in (self, other):
            return Encoding.FLOAT
        return max(self, other, key=lambda one: one.bits)

    @property
    def full_scale(self) -> float:
        """The code that stands for 1.0 (one more than the largest code there is); 1.0 for floats."""
        return 1.0 if self.is_float else float(1 << (self.bits - 1))


_BITS = {
    Encoding.PCM_16: 16,
    Encoding.PCM_24: 24,
    Encoding.PCM_32: 32,
    Encoding.FLOAT: 32,
    Encoding.DOUBLE: 64,
}


@dataclass(frozen=True, eq=False)
class Audio:
    """One or two channels of sound with the rate and encoding of the project.

    samples: [frames, channels], float32 (float64 for PCM_32 and DOUBLE); every value is one the encoding can
    write, and finite. The array is handed over: it becomes read-only.

    Raises TypeError for the wrong kind of array, ValueError for a wrong shape, rate or value.
    """

    samples: Samples
    rate: int
    encoding: Encoding

    def __post_init__(self) -> None:
        _check_array(self.samples, self.encoding)
        if not MIN_RATE <= self.rate <= MAX_RATE:
            raise ValueError(f"rate must be {MIN_RATE} to {MAX_RATE} Hz, got {self.rate!r}")
        _check_values(self.samples, self.encoding)
        contiguous = np.ascontiguousarray(self.samples)
        contiguous.setflags(write=False)
        object.__setattr__(self, "samples", contiguous)

    @property
    def frames(self) -> int:
        """Length in samples per channel."""
        return int(self.samples.shape[0])

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex over encoding, rate, channels, frames and the samples as the encoding writes them.

        Never over file bytes: two files with the same sound have the same digest whatever else they carry.
        """
        sha = new_digest(self.encoding, self.rate, self.channels, self.frames)
        for part in encoded_parts(self):
            sha.update(part)
        return sha.hexdigest()

    def cut(self, span: Span) -> Audio:
        """The stretch [span.start, span.end) as a view, without copying.

        Raises ValueError when the span leaves the audio.
        """
        if span.start < 0 or span.end > self.frames:
            raise ValueError(f"cannot cut [{span.start}, {span.end}) from {self.frames} frames")
        return Audio(self.samples[span.start : span.end], self.rate, self.encoding)


def new_digest(encoding: Encoding, rate: int, channels: int, frames: int) -> hashlib._Hash:
    """The SHA-256 behind Audio.digest, ready for the encoded samples."""
    return hashlib.sha256(f"{encoding.value} {rate} {channels} {frames}\n".encode("ascii"))


def _check_array(samples: Samples, encoding: Encoding) -> None:
    if not isinstance(samples, np.ndarray) or samples.dtype != encoding.dtype:
        kind = getattr(samples, "dtype", type(samples).__name__)
        raise TypeError(f"samples of {encoding.value} must be {encoding.dtype}, got {kind}")
    if samples.ndim != 2 or not 1 <= samples.shape[1] <= MAX_CHANNELS:
        raise ValueError(f"samples must be [frames, 1 or 2 channels], got shape {samples.shape}")


def _check_values(samples: Samples, encoding: Encoding) -> None:
    step = max(1, _BLOCK // samples.shape[1])
    for begin in range(0, samples.shape[0], step):
        block = samples[begin : begin + step]
        if not np.isfinite(block).all():
            raise ValueError("samples must be finite numbers")
        if not encoding.is_float and not _on_grid(block, encoding):
            raise ValueError(f"samples hold values that {encoding.value} cannot write; quantise them first")


def _on_grid(block: Samples, encoding: Encoding) -> bool:
    codes = block * encoding.dtype.type(encoding.full_scale)
    inside = -encoding.full_scale <= codes.min(initial=0) and codes.max(initial=0) < encoding.full_scale
    return bool(inside and (codes == np.rint(codes)).all())


class Quantised(NamedTuple):
    """What quantising gives: the audio, and how many samples lay beyond full scale and were clipped."""

    audio: Audio
    clipped: int


def quantise(samples: Samples, rate: int, encoding: Encoding) -> Quantised:
    """Round any float samples [frames, channels] to what the encoding can write.

    Integers: to the nearest code, halves to the even one, without dither (a take rendered again must be the
    same take, and what was read must come back unchanged); values beyond full scale are clipped and counted.
    Floats: rounded to the float type, nothing is clipped.

    Raises ValueError for values that are not finite.
    """
    if encoding.is_float:
        return Quantised(Audio(samples.astype(encoding.dtype), rate, encoding), 0)
    if not np.isfinite(samples).all():
        raise ValueError("samples must be finite numbers")
    scale = encoding.full_scale
    codes = np.rint(samples.astype(np.float64) * scale)
    clipped = int(np.count_nonzero((codes < -scale) | (codes > scale - 1)))
    np.clip(codes, -scale, scale - 1, out=codes)
    codes /= scale
    return Quantised(Audio(codes.astype(encoding.dtype), rate, encoding), clipped)


def widened(audio: Audio, encoding: Encoding) -> Audio:
    """The same samples in a wider encoding, every value exactly. Raises ValueError for one that cannot write them."""
    if audio.encoding is encoding:
        return audio
    if audio.encoding.holding(encoding) is not encoding:
        raise ValueError(f"{encoding.value} cannot write every value of {audio.encoding.value}")
    return Audio(audio.samples.astype(encoding.dtype), audio.rate, encoding)


def encode_samples(samples: Samples, encoding: Encoding) -> bytes:
    """Samples that the encoding can write -> interleaved little-endian bytes, as in a WAV file."""
    if encoding.is_float:
        return samples.astype(encoding.dtype.newbyteorder("<")).tobytes()
    codes = (samples * encoding.dtype.type(encoding.full_scale)).astype(
        "<i2" if encoding is Encoding.PCM_16 else "<i4"
    )
    if encoding is Encoding.PCM_24:
        four = np.ascontiguousarray(codes).view(np.uint8).reshape(-1, 4)
        three = np.empty((len(four), 3), np.uint8)
        for byte in range(3):  # one by one: four times as fast as copying the slice
            three[:, byte] = four[:, byte]
        return three.tobytes()
    return bytes(codes.tobytes())


def decode_samples(data: bytes, channels: int, encoding: Encoding) -> Samples:
    """Interleaved little-endian bytes, as in a WAV file -> samples [frames, channels]; undoes encode_samples."""
    if encoding.is_float:
        return (
            np.frombuffer(data, encoding.dtype.newbyteorder("<")).astype(encoding.dtype).reshape(-1, channels)
        )
    if encoding is Encoding.PCM_24:
        three = np.frombuffer(data, np.uint8).reshape(-1, 3)
        four = np.zeros((len(three), 4), np.uint8)
        for byte in range(3):  # into the upper three bytes, so that the sign comes along
            four[:, byte + 1] = three[:, byte]
        codes = four.view("<i4").ravel() >> 8
    else:
        codes = np.frombuffer(data, "<i2" if encoding is Encoding.PCM_16 else "<i4")
    found: Samples = codes.astype(encoding.dtype) / encoding.dtype.type(encoding.full_scale)
    return found.reshape(-1, channels)


def encoded_parts(audio: Audio) -> Iterator[bytes]:
    """The samples of an Audio as encode_samples writes them, piece by piece."""
    step = max(1, _BLOCK // audio.channels)
    for begin in range(0, audio.frames, step):
        yield encode_samples(audio.samples[begin : begin + step], audio.encoding)
