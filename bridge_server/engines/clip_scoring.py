"""Scores clips against prompts with the network that hears both; for a process of its own (aside.py)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clip_store.audio.audio_file import read_audio
from model.prompt_match import Clip, PromptMatcher, match_folder

LONGEST_SECONDS = 1e6  # what is in the store has been read before


def score_clips(models: Path | None, clips: Sequence[tuple[Path, str]]) -> list[float]:
    """The score of each clip: (its file, the prompt). Raises NotLoaded, ClipStoreError."""
    matcher = PromptMatcher(match_folder(models))
    scores = []
    for path, prompt in clips:
        audio = read_audio(path, LONGEST_SECONDS)
        scores.append(matcher.score(Clip(audio.samples, audio.rate, prompt)))
    return scores
