"""The `fmt ` chunk of a WAV file, mended where its meaning is plain: fields that are missing, zero or do not agree.

Layout: Microsoft/IBM 1991 (WAVEFORMAT, 14 bytes; PCMWAVEFORMAT, 16) and Microsoft's WAVEFORMATEXTENSIBLE (40). The
samples of a format lie in containers of block alignment / channels bytes, in their upper bits.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_SHORTEST, _WITH_BITS, _WITH_GUID = 14, 16, 40
_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE

_MAX_RATE = 2**31 - 1  # in hertz: decoders count it with a sign


class WaveFormat(NamedTuple):
    """body: of the chunk, as decoders want it; fault: why nothing can be read by it, "" where it can."""

    body: bytes
    fault: str = ""


def mended(body: bytes, order: str) -> WaveFormat:
    """The chunk with what is missing of it. order: "<", or ">" in RIFX."""
    if len(body) < _SHORTEST:
        return WaveFormat(b"", "its format chunk is too short" if body else "it has no format chunk")
    tag, channels, rate, _, block = struct.unpack_from(order + "HHIIH", body)
    if not channels or not 0 < rate <= _MAX_RATE:
        return WaveFormat(b"", f"its header says {f'{rate} Hz' if channels else '0 channels'}")
    stated = struct.unpack_from(order + "H", body, 14)[0] if len(body) >= _WITH_BITS else 0
    container = block // channels * 8 if block % channels == 0 else 0
    bits = _bits(tag, stated, container, len(body))
    if tag == _FLOAT and bits not in (32, 64):
        return WaveFormat(b"", f"its samples are floats of {bits} bits")
    if tag == _EXTENSIBLE and len(body) < _WITH_GUID and 0 < stated <= 24:
        # What the samples are is in the part that is missing; floats are never that short.
        return WaveFormat(struct.pack(order + "H", _PCM) + body[2:14] + struct.pack(order + "H", bits))
    if bits == stated:
        return WaveFormat(body)
    return WaveFormat(body[:14] + struct.pack(order + "H", bits) + body[_WITH_BITS:])


def _bits(tag: int, stated: int, container: int, length: int) -> int:
    """Bits of a sample as decoders count them: of its container, where the two differ."""
    if tag not in (_PCM, _FLOAT, _ALAW, _MULAW) or container not in (8, 16, 24, 32, 64):
        return stated
    if length < _WITH_BITS or stated == 0:
        return container
    fits = stated <= container and -(-stated // 8) * 8 != container
    return container if tag == _PCM and fits else stated
