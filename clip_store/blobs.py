"""Immutable objects on disk, named by digest: audio as plain WAV in its own encoding, anything else as bytes.

Adding what exists does nothing, unless it was damaged: then it is mended. A blob is never changed; it disappears
only by `sweep`, and then only when nothing refers to it and it is older than a grace period, because a job may be
about to record it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from clip_store.atomic_file import PART_SUFFIX, write_whole
from clip_store.audio.audio import Audio
from clip_store.audio.audio_file import AudioInfo, probe_audio, read_audio
from clip_store.audio.riff import wave_parts
from clip_store.audio.stored_wave import StoredWave
from clip_store.errors import AudioFileError, StoreError

_DIGEST = re.compile(r"[0-9a-f]{64}")
_AUDIO_SUFFIX = ".wav"
_BYTES_SUFFIX = ".bin"
_REMEMBERED = 4096  # blobs found whole; as many songs as anybody listens to


def to_path(digest: str, suffix: str) -> Path:
    """Digest -> its place below the root: "abcdef..." -> ab/cdef....wav, so that no folder grows too large.

    Raises ValueError for anything but 64 lower-case hex digits (a digest may come from a client).
    """
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"a digest has 64 hex digits, got {digest[:80]!r}")
    return Path(digest[:2], digest[2:] + suffix)


def from_path(path: Path) -> str | None:
    """The digest a file below the root stands for; None when it is not a blob's name."""
    digest = path.parent.name + path.stem
    known = path.suffix in (_AUDIO_SUFFIX, _BYTES_SUFFIX) and len(path.parent.name) == 2
    return digest if known and _DIGEST.fullmatch(digest) else None


class BlobStore:
    """The blobs below one folder. Several threads and processes may use it at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._sound: dict[str, tuple[int, int]] = {}  # blobs found whole, and their state at that time

    def put(self, audio: Audio) -> str:
        """Keep audio; returns its digest. The file is on the disk, whole, when this returns.

        Raises StoreError when the disk is full or read-only.
        """
        path = self.root / to_path(audio.digest, _AUDIO_SUFFIX)
        if not self._adopt(path, audio.digest):
            write_whole(path, wave_parts(audio))
        return audio.digest

    def put_bytes(self, data: bytes) -> str:
        """Keep anything else (a MIDI file, a picture); returns its SHA-256. Raises StoreError like put."""
        digest = hashlib.sha256(data).hexdigest()
        path = self.root / to_path(digest, _BYTES_SUFFIX)
        if not self._adopt(path, digest):
            write_whole(path, [data])
        return digest

    def get(self, digest: str) -> Audio:
        """Read audio back and check it against its digest.

        Raises StoreError when it is not there or damaged.
        """
        path = self.path(digest)
        try:
            audio = read_audio(path, max_seconds=float("inf"))
        except AudioFileError as error:
            raise _damaged(path) from error
        if audio.digest != digest:
            raise _damaged(path)
        return audio

    def probe(self, digest: str) -> AudioInfo:
        """The header of stored audio. Raises StoreError when it is not there or is no audio."""
        path = self.path(digest)
        try:
            return probe_audio(path)
        except AudioFileError as error:
            raise _damaged(path) from error

    def get_bytes(self, digest: str) -> bytes:
        """Read back what put_bytes kept. Raises StoreError when it is not there or damaged."""
        path = self.path(digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise _damaged(path) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise _damaged(path)
        return data

    def wave(self, digest: str) -> StoredWave:
        """Stored audio for reading in stretches, checked against its digest, once for as long as it does not change.

        Reads everything the first time; for a thread. Raises StoreError when it is not there or damaged.
        """
        path = self.path(digest)
        try:
            wave, state = StoredWave.open(path), _state(path)
            if self._sound.get(digest) == state:
                return wave
            found = wave.digest()
        except (AudioFileError, OSError) as error:
            raise _damaged(path) from error
        if found != digest:
            raise _damaged(path)
        if len(self._sound) >= _REMEMBERED:
            self._sound.clear()
        self._sound[digest] = state
        return wave

    def has(self, digest: str) -> bool:
        return self._find(digest) is not None

    def renew(self, digest: str) -> bool:
        """Reset a blob's age, so that no sweep removes it before a job records it; False: not there."""
        path = self._find(digest)
        if path is None:
            return False
        with contextlib.suppress(FileNotFoundError):
            os.utime(path)
            return True
        return False

    def path(self, digest: str) -> Path:
        """A blob's path, for programs that read it directly; it must not be written.

        Raises StoreError when there is none.
        """
        path = self._find(digest)
        if path is None:
            raise StoreError(
                f"The store no longer holds the audio {digest[:12]}.",
                "It was removed by hand or by a sweep; send the song again or render the take again.",
            )
        return path

    def verify(self, progress: Callable[[float], None] = lambda _: None) -> tuple[Path, ...]:
        """Read every blob and compare it with its name; returns the damaged ones.

        progress: called before each with the share of all bytes that is read; what it raises ends the reading.
        """
        blobs = [(path, digest, _size(path)) for path, digest in self._blobs()]
        total, done, damaged = max(1, sum(size for *_, size in blobs)), 0, []
        for path, digest, size in blobs:
            progress(done / total)
            if not self._is_sound(path, digest):
                damaged.append(path)
            done += size
        return tuple(damaged)

    def sweep(
        self,
        keep: set[str],
        older_than_seconds: float,
        now: float,
        progress: Callable[[float], None] = lambda _: None,
    ) -> tuple[Path, ...]:
        """Remove what is neither in `keep` nor younger than older_than_seconds at `now` (seconds since 1970).

        Left-over temporary files go by the same age. Returns what was removed.
        progress: called before each file with the share of them that was looked at; what it raises ends the sweep.
        """
        removed, files = [], list(self._files())
        for number, path in enumerate(files):
            progress(number / len(files))
            digest = from_path(path)
            unwanted = path.name.endswith(PART_SUFFIX) if digest is None else digest not in keep
            if unwanted and _age(path, now) > older_than_seconds:
                path.unlink(missing_ok=True)
                removed.append(path)
        return tuple(removed)

    def _find(self, digest: str) -> Path | None:
        for suffix in (_AUDIO_SUFFIX, _BYTES_SUFFIX):
            path = self.root / to_path(digest, suffix)
            if path.is_file():
                return path
        return None

    def _adopt(self, path: Path, digest: str) -> bool:
        """Whether the blob is there already and sound; if so its age is reset, so that no sweep removes it now."""
        if not (path.is_file() and self._is_sound(path, digest)):
            return False
        with contextlib.suppress(OSError):
            os.utime(path)
        return True

    def _is_sound(self, path: Path, digest: str) -> bool:
        try:
            self.get(digest) if path.suffix == _AUDIO_SUFFIX else self.get_bytes(digest)
        except StoreError:
            return False
        return True

    def _blobs(self) -> Iterator[tuple[Path, str]]:
        for path in self._files():
            digest = from_path(path)
            if digest is not None:
                yield path, digest

    def _files(self) -> Iterator[Path]:
        return (path for path in sorted(self.root.glob("??/*")) if path.is_file())


def _state(path: Path) -> tuple[int, int]:
    """Size and time of change. Looking for a blob again (`renew`) changes the time: then it is checked again."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0  # a sweep was quicker


def _age(path: Path, now: float) -> float:
    try:
        return now - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # another process was quicker


def _damaged(path: Path) -> StoreError:
    return StoreError(
        f"The stored audio {path.parent.name}/{path.name} is damaged.",
        "Delete that file and send the song again, or render the take again; check the disk.",
    )
