"""The WAV file of a blob, read in stretches: its samples as the bytes they are, with nothing decoded and nothing kept.

For whoever passes audio on: a song of half an hour takes as much memory as the stretch that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clip_store.audio.audio import new_digest
from clip_store.audio.audio_file import probe_audio
from clip_store.audio.riff import WaveForm, walk
from clip_store.errors import AudioFileError

BLOCK = 1 << 20  # bytes read at a time


@dataclass(frozen=True)
class StoredWave:
    """A WAV file that this package wrote. start: where its samples begin, in bytes."""

    path: Path
    form: WaveForm
    start: int

    @classmethod
    def open(cls, path: Path) -> StoredWave:
        """Looks at the header. Raises AudioFileError when the file is missing, cut off or no WAV file of ours."""
        info = probe_audio(path)
        form = WaveForm(info.frames, info.rate, info.channels, info.encoding)
        with path.open("rb") as file:
            data = next((chunk for chunk in walk(file) if chunk.name == b"data"), None)
        if data is None or data.size != form.sound_bytes:
            raise AudioFileError(f"{path.name} is not a file of the store.", "Render or send the song again.")
        return cls(path, form, data.start)

    def read(self, first: int, end: int) -> bytes:
        """The frames [first, end), encoded; they must be there. Raises OSError when the file has gone."""
        size = self.form.frame_bytes
        with self.path.open("rb") as file:
            file.seek(self.start + first * size)
            return file.read((end - first) * size)

    def digest(self, progress: Callable[[float], None] = lambda _: None) -> str:
        """The digest of its audio, as Audio.digest has it. Reads everything; for a thread. progress: from 0 to 1."""
        form = self.form
        sha = new_digest(form.encoding, form.rate, form.channels, form.frames)
        left = form.sound_bytes
        with self.path.open("rb") as file:
            file.seek(self.start)
            while left and (block := file.read(min(BLOCK, left))):
                sha.update(block)
                left -= len(block)
                progress(1 - left / form.sound_bytes)
        return sha.hexdigest()
