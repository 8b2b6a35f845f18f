"""Hears which words clips sing, with the network that recognises them; for a process of its own (aside.py)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bridge_server.engines.clip_scoring import LONGEST_SECONDS
from clip_store.audio.audio_file import read_audio
from model.word_hearing import HeardWords, SungClip, WordListener, word_folder


def hear_clips(models: Path | None, clips: Sequence[tuple[Path, str, str]]) -> list[HeardWords]:
    """What each clip sings: (its file, the lyrics, their language). Raises NotLoaded, ClipStoreError."""
    listener = WordListener(word_folder(models))
    found = []
    for path, lyrics, language in clips:
        audio = read_audio(path, LONGEST_SECONDS)
        found.append(listener.hear(SungClip(audio.samples, audio.rate, lyrics, language)))
    return found
