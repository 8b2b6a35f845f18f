"""The engine of Stable Audio Open checkpoints, through the library diffusers.

Describing needs no torch: what does is imported at loading.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.engine import EngineDescription, OnProgress, Task, TextLimit
from model.errors import NotLoaded
from model.library_engine import LibraryEngine, LibraryWords
from model.stable_audio.published_stable_audio import (
    GET_STABLE_AUDIO,
    PUBLISHED_SECONDS,
    PUBLISHED_TOKENS,
    StableAudioCheckpoint,
    find_stable_audio,
)
from model.stable_audio.stable_audio_settings import OPTIONS, StableAudioSettings, settings_of

if TYPE_CHECKING:
    import torch

    from model.stable_audio.renderer import StableAudioRenderer

LABEL = "Stable Audio Open (free below 1 million USD of revenue a year)"
_EDGE_SECONDS = 0.05  # of the window: what the renderer keeps for its edges
_ANOTHER = "Use the engine acestep or sketch."
_STEMS = "Use the engine stems or sketch."
_PLANNER = "Use the engine acestep; `takebridge models pull planner-1.7b` fetches its planner."
NEVER: Mapping[Task, tuple[str, str]] = {
    Task.COMPLETE: (
        "Stable Audio Open was not trained to go on from a song.",
        "Use the engine acestep, musicgen or sketch.",
    ),
    Task.ACCOMPANY: (
        "Stable Audio Open cannot play along with a song.",
        "Use the engine acestep, musicgen or sketch.",
    ),
    Task.EXTRACT: ("Stable Audio Open cannot separate a mix.", _STEMS),
    Task.LEGO: ("Stable Audio Open cannot add one track to a mix.", "Use the engine acestep."),
    Task.COVER: (
        "Stable Audio Open does not cover a song as a whole.",
        "Use the engine acestep, or repaint a region of it.",
    ),
    Task.ANALYSE: ("Stable Audio Open does not analyse songs.", "Use the engine sketch to analyse a song."),
    Task.PLAN: ("Stable Audio Open has no planner.", _PLANNER),
    Task.REWRITE: ("Stable Audio Open has no planner.", _PLANNER),
}
_HINTS = {
    Task.REPAINT: "the sound of the region: the same drums, with more room",
    Task.GENERATE: "the sound, without a voice: 120 BPM house drum loop, or rain on a tin roof",
}


class StableAudioEngine(LibraryEngine[StableAudioCheckpoint, StableAudioSettings]):
    """Implements model.engine.Engine."""

    words = LibraryWords(
        name="Stable Audio Open",
        packages=("torch", "diffusers", "transformers", "tokenizers", "safetensors"),
        get_packages="pip install 'takebridge[stable-audio]'",
        no_checkpoint="No Stable Audio Open checkpoint is here.",
        get_checkpoint=GET_STABLE_AUDIO,
        memory_spent="The device ran out of memory for Stable Audio Open.",
        never=NEVER,
    )

    def describe(self) -> EngineDescription:
        """What Stable Audio Open can do, or why it cannot be used here."""
        weights, missing, window = "", None, PUBLISHED_SECONDS
        try:
            first = self.checkpoints()[0]
            weights, window = first.name, first.window_seconds
        except NotLoaded as lacking:
            missing = lacking
        return EngineDescription(
            name="stable-audio",
            label=LABEL,
            neural=True,
            tasks=self.capabilities(missing),
            max_seconds=math.floor(10 * (window - _EDGE_SECONDS)) / 10,
            options=OPTIONS,
            prompt=TextLimit(2000, PUBLISHED_TOKENS),
            lyrics=TextLimit(tokens=0),
            hints=_HINTS,
            weights=weights,
        )

    def find(self, folder: Path) -> tuple[StableAudioCheckpoint, ...]:
        """By name."""
        return find_stable_audio(folder)

    def settings(self, options: Mapping[str, Any]) -> StableAudioSettings:
        """How a sound is drawn. Raises CannotRender."""
        return settings_of(options)

    def open(
        self, checkpoint: StableAudioCheckpoint, place: torch.device, device: str, progress: OnProgress
    ) -> StableAudioRenderer:
        """Loads a checkpoint. Raises NotLoaded."""
        from model.stable_audio.renderer import StableAudioRenderer

        return StableAudioRenderer(checkpoint, place, device, progress)
