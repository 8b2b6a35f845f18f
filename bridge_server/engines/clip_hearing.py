"""Hears which words clips sing, with the network that recognises them; for a process of its own (aside.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bridge_server.engines.clip_scoring import LONGEST_SECONDS
from clip_store.audio.audio_file import read_audio
from model.word_hearing import HeardWords, SungClip, WordListener, word_folder


def hear_clips(
    models: Path | None,
    clips: Sequence[tuple[Path, str, str]],
    tell: Callable[[float], None] = lambda _: None,
) -> list[HeardWords]:
    """What each clip sings: (its file, the lyrics, their language). tell: the share that is done.

    Raises NotLoaded, ClipStoreError.
    """
    listener = WordListener(word_folder(models))
    found: list[HeardWords] = []
    for path, lyrics, language in clips:
        audio = read_audio(path, LONGEST_SECONDS)
        sung = SungClip(audio.samples, audio.rate, lyrics, language)
        found.append(listener.hear(sung, partial(_tell_part, tell, len(found), len(clips))))
    return found


def _tell_part(tell: Callable[[float], None], done: int, count: int, share: float) -> None:
    """Tells of a share of one clip, with so many done before."""
    tell((done + share) / count)
