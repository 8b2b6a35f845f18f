"""Standard MIDI Files, built byte by byte, as programs write them and as damage leaves them."""

from __future__ import annotations


def number(value: int) -> bytes:
    """A number in groups of seven bits."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.insert(0, value & 0x7F | 0x80)
    return bytes(groups)


def meta(kind: int, body: bytes = b"", delta: int = 0, length: int | None = None) -> bytes:
    """length: the one stated, where it is not the body's."""
    return number(delta) + bytes([0xFF, kind]) + number(len(body) if length is None else length) + body


def tempo(bpm: float, delta: int = 0) -> bytes:
    return meta(0x51, round(60_000_000 / bpm).to_bytes(3, "big"), delta)


def meter(numerator: int, power: int, delta: int = 0) -> bytes:
    return meta(0x58, bytes([numerator, power, 24, 8]), delta)


def key(sharps: int, minor: int = 0, delta: int = 0) -> bytes:
    return meta(0x59, bytes([sharps & 0xFF, minor]), delta)


END = meta(0x2F)


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + (len(body) if size is None else size).to_bytes(4, "big") + body


def track(*events: bytes, size: int | None = None, end: bytes = END) -> bytes:
    return chunk(b"MTrk", b"".join(events) + end, size)


def header(kind: int = 1, tracks: int = 1, division: int = 480, size: int = 6, more: bytes = b"") -> bytes:
    body = kind.to_bytes(2, "big") + tracks.to_bytes(2, "big") + (division & 0xFFFF).to_bytes(2, "big") + more
    return b"MThd" + size.to_bytes(4, "big") + body


def midi(*tracks: bytes, **options: int) -> bytes:
    return header(**{"tracks": len(tracks), **options}) + b"".join(tracks)  # type: ignore[arg-type]
