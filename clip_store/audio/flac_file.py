"""FLAC files with comments of any length: libsndfile encodes the sound, and the comments are put before it.

Layout: RFC 9639, "Free Lossless Audio Codec", 8. Comments are those of Vorbis (8.6).
"""

from __future__ import annotations

import contextlib
import shutil
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import soundfile

from clip_store.atomic_file import temporary_path
from clip_store.audio import flac
from clip_store.audio.audio import Encoding, Samples
from clip_store.audio.decoder import opened
from clip_store.audio.riff import WaveForm
from clip_store.audio.xmp import flac_block
from clip_store.errors import StoreError

ENCODINGS = (Encoding.PCM_16, Encoding.PCM_24)
"""What FLAC holds of what the store does."""

BLOCK = 1 << 16  # frames read back at a time
_VENDOR = b"Takebridge"
_LONGEST = (1 << 24) - 1  # bytes of a metadata block


def write_flac(
    path: Path, form: WaveForm, blocks: Iterable[Samples], comments: Mapping[str, str], xmp: bytes = b""
) -> None:
    """Write a FLAC file. blocks: samples that form.encoding can write; comments: the shortest first; xmp: a packet.

    What is too long for a comment block is left out. Raises StoreError where FLAC cannot hold it, OSError when the
    disk fails.
    """
    part = temporary_path(path)
    try:
        _encode(part, form, blocks)
        with part.open("rb") as encoded, path.open("xb") as file:
            stream = flac.read_stream(encoded)
            file.write(stream.with_frames(form.frames)[:4])
            file.write(_block(flac.STREAM_INFO, stream.info, is_last=False))
            if xmp:
                file.write(_block(flac.APPLICATION, flac_block(xmp), is_last=False))
            file.write(_block(flac.VORBIS_COMMENT, _comment_block(comments), is_last=True))
            *_, (_, at, size, _) = flac.blocks(encoded)
            encoded.seek(at + size)
            shutil.copyfileobj(encoded, file, 1 << 20)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def read_comments(path: Path) -> dict[str, str]:
    """The comments of a FLAC file; empty where it has none or is none. Raises OSError."""
    with path.open("rb") as file:
        for kind, at, size, _ in flac.blocks(file):
            if kind == flac.VORBIS_COMMENT:
                file.seek(at)
                return dict(_comments_in(file.read(size)))
    return {}


def flac_blocks(path: Path, encoding: Encoding) -> Iterator[Samples]:
    """The samples of a FLAC file, block by block. Raises AudioFileError when it cannot be read."""
    with opened(path) as sound:
        while len(block := sound.decoder.read(BLOCK, dtype=encoding.dtype.name, always_2d=True)):
            yield block


def _encode(path: Path, form: WaveForm, blocks: Iterable[Samples]) -> None:
    shift = 32 - form.encoding.bits
    try:
        with soundfile.SoundFile(
            str(path), "x", form.rate, form.channels, form.encoding.value, format="FLAC"
        ) as file:
            for block in blocks:
                codes = (block.astype(np.float64) * form.encoding.full_scale).astype(np.int32)
                file.write(codes << shift)
    except soundfile.LibsndfileError as error:
        if path.exists() and shutil.disk_usage(path.parent).free < 1 << 20:
            raise StoreError(
                f"The disk is full: {path.parent} has no room for the file.",
                "Free some space, then try again.",
            ) from error
        raise StoreError(
            f"FLAC cannot hold this song: {error.error_string}", "Save it as WAV instead."
        ) from error


def _block(kind: int, body: bytes, *, is_last: bool) -> bytes:
    return bytes([kind | (0x80 if is_last else 0)]) + len(body).to_bytes(3, "big") + body


def _comment_block(comments: Mapping[str, str]) -> bytes:
    found, length = [], 8 + len(_VENDOR)
    for name, text in comments.items():
        entry = f"{name}={text}".encode("utf-8", "replace")
        length += 4 + len(entry)
        if length > _LONGEST:
            break
        found.append(struct.pack("<I", len(entry)) + entry)
    head = struct.pack("<I", len(_VENDOR)) + _VENDOR + struct.pack("<I", len(found))
    return head + b"".join(found)


def _comments_in(data: bytes) -> Iterator[tuple[str, str]]:
    (vendor,) = struct.unpack_from("<I", data)
    at = 8 + vendor
    for _ in range(struct.unpack_from("<I", data, 4 + vendor)[0]):
        (length,) = struct.unpack_from("<I", data, at)
        name, _, text = data[at + 4 : at + 4 + length].decode("utf-8", "replace").partition("=")
        yield name, text
        at += 4 + length
