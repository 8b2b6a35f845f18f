"""Finds the notes of a stored clip; for a process of its own (aside.py)."""

from __future__ import annotations

from pathlib import Path

from clip_store.audio.audio_file import read_audio
from model.notes.transcriber import HeardNote, Transcriber

LONGEST_SECONDS = 1e6  # what is in the store has been read before


def notes_of(path: Path) -> list[HeardNote]:
    """The notes of a sound file, in order. Raises NotLoaded, ClipStoreError."""
    transcriber = Transcriber()
    audio = read_audio(path, LONGEST_SECONDS)
    return transcriber.notes(audio.samples, audio.rate)
