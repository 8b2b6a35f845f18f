"""Scores clips against prompts with the network that hears both; for a process of its own (aside.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from clip_store.audio.audio_file import read_audio
from model.prompt_match import Clip, PromptMatcher, match_folder

LONGEST_SECONDS = 1e6  # what is in the store has been read before


def score_clips(
    models: Path | None, clips: Sequence[tuple[Path, str]], tell: Callable[[float], None] = lambda _: None
) -> list[float]:
    """The score of each clip: (its file, the prompt). tell: the share that is done.

    Raises NotLoaded, ClipStoreError.
    """
    matcher = PromptMatcher(match_folder(models))
    scores = []
    for path, prompt in clips:
        audio = read_audio(path, LONGEST_SECONDS)
        scores.append(matcher.score(Clip(audio.samples, audio.rate, prompt)))
        tell(len(scores) / len(clips))
    return scores
