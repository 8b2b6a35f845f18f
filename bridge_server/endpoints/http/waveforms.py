"""What a panel draws with, by the audio's digest: peak pyramids, single samples, spectrograms. Never changes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TypeVar

from PIL import Image

from bridge_server.songs.take_picture import FFT, spectrogram
from clip_store.audio.audio_file import probe_audio, read_part
from clip_store.blobs import BlobStore
from clip_store.errors import ClipStoreError
from clip_store.peaks import PeakFiles
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Whole

MAX_SAMPLES = 65_536  # frames an answer: more than any screen has pixels
MAX_SECONDS = 600.0  # of a spectrogram
WIDEST, HIGHEST = 4096, 1024  # pixels

BYTES = "application/octet-stream"
PNG = "image/png"


class Waveforms:
    """Answers by path. Slow; for a thread."""

    def __init__(self, blobs: BlobStore, peaks: PeakFiles) -> None:
        self._blobs = blobs
        self._peaks = peaks

    def get(self, path: str, query: Mapping[str, list[str]]) -> tuple[str, bytes]:
        """Media type and body of `/peaks/DIGEST`, `/samples/DIGEST` or `/spectrogram/DIGEST.png`.

        Raises ProtocolError for unknown audio and invalid sizes.
        """
        kind, _, name = path.strip("/").partition("/")
        digest = name.removesuffix(".png")
        try:
            if kind == "peaks":
                return BYTES, self._peaks.get(digest)
            if kind == "samples":
                return BYTES, self._samples(digest, query)
            return PNG, self._spectrogram(digest, query)
        except ValueError as error:
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                f"This cannot be drawn: {error}.",
                "docs/panel.md describes the addresses.",
            ) from error
        except ClipStoreError as error:
            raise ProtocolError(ErrorCode.FILE_MISSING, error.sentence, error.remedy) from error

    def _samples(self, digest: str, query: Mapping[str, list[str]]) -> bytes:
        """float32 little endian, channels interleaved."""
        first, frames = whole(query, "first", 0), whole(query, "frames", MAX_SAMPLES)
        if not 0 <= frames <= MAX_SAMPLES:
            raise ValueError(f"frames must be 0 to {MAX_SAMPLES}, got {frames}")
        part = read_part(self._blobs.path(digest), first, frames)
        return bytes(part.astype("<f4").tobytes())

    def _spectrogram(self, digest: str, query: Mapping[str, list[str]]) -> bytes:
        path = self._blobs.path(digest)
        info = probe_audio(path)
        first = min(max(0, whole(query, "first", 0)), info.frames)
        end = min(max(first, whole(query, "end", info.frames)), info.frames)
        width, height = whole(query, "width", 1000), whole(query, "height", 200)
        if not (1 <= width <= WIDEST and 1 <= height <= HIGHEST):
            raise ValueError(f"a picture has up to {WIDEST} x {HIGHEST} pixels, not {width} x {height}")
        if end - first > MAX_SECONDS * info.rate:
            raise ValueError(f"a spectrogram covers up to {MAX_SECONDS:.0f} s")
        if end - first < FFT // 8:
            raise ValueError("the range is too short for a spectrogram")
        mono = read_part(path, first, end - first).mean(axis=1, dtype="float64")
        out = io.BytesIO()
        Image.fromarray(spectrogram(mono, info.rate, width, height)).save(out, format="PNG", compress_level=3)
        return out.getvalue()


_WHOLE = Whole(-(2**53), 2**53)
Default = TypeVar("Default", int, int | None)


def whole(query: Mapping[str, list[str]], name: str, default: Default) -> int | Default:
    """A whole number from a query. Raises ValueError."""
    given = query.get(name, [""])[0]
    if not given:
        return default
    try:
        return _WHOLE.read(given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} {error}") from error
