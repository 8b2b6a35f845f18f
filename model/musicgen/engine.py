"""The engine of MusicGen Melody checkpoints, through the library transformers.

Describing needs no torch: what does is imported at loading.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.engine import EngineDescription, OnProgress, Progress, Task, TextLimit
from model.errors import NotLoaded
from model.library_engine import LibraryEngine, LibraryWords
from model.musicgen.musicgen_settings import OPTIONS, MusicgenSettings, settings_of
from model.musicgen.published_musicgen import GET_MUSICGEN, MusicgenCheckpoint, find_musicgen

if TYPE_CHECKING:
    import torch

    from model.musicgen.renderer import MusicgenRenderer

LABEL = "MusicGen Melody (not for commercial use)"
MAX_SECONDS = 600.0
_ANOTHER = "Use the engine acestep or sketch."
_STEMS = "Use the engine stems or sketch."
_PLANNER = "Use the engine acestep; `takebridge models pull planner-1.7b` fetches its planner."
NEVER: Mapping[Task, tuple[str, str]] = {
    Task.REPAINT: ("MusicGen only hears what came before: it cannot fit a region to what follows.", _ANOTHER),
    Task.EXTRACT: ("MusicGen cannot separate a mix.", _STEMS),
    Task.LEGO: (
        "MusicGen cannot add one track to a mix: it hears the melody only.",
        "Use the engine acestep.",
    ),
    Task.COVER: (
        "MusicGen does not cover a song as a whole: it hears the melody only.",
        "Use the engine acestep, or the task accompany, which follows a melody.",
    ),
    Task.ANALYSE: ("MusicGen does not analyse songs.", "Use the engine sketch to analyse a song."),
    Task.PLAN: ("MusicGen has no planner.", _PLANNER),
    Task.REWRITE: ("MusicGen has no planner.", _PLANNER),
}
_HINTS = {
    Task.COMPLETE: "how it goes on: the same groove, with strings",
    Task.ACCOMPANY: "the music around the melody: bossa nova, nylon guitar, soft shaker",
    Task.GENERATE: "the music, without a voice: lo-fi hip hop, mellow Rhodes, 80 BPM",
}


class MusicgenEngine(LibraryEngine[MusicgenCheckpoint, MusicgenSettings]):
    """Implements model.engine.Engine."""

    words = LibraryWords(
        name="MusicGen",
        packages=("torch", "transformers", "tokenizers", "safetensors"),
        get_packages="pip install 'takebridge[musicgen]'",
        no_checkpoint="No MusicGen Melody checkpoint is here.",
        get_checkpoint=GET_MUSICGEN,
        memory_spent="The device ran out of memory for MusicGen.",
        never=NEVER,
    )

    def describe(self) -> EngineDescription:
        """What MusicGen can do, or why it cannot be used here."""
        try:
            weights, missing = self.checkpoints()[0].name, None
        except NotLoaded as lacking:
            weights, missing = "", lacking
        return EngineDescription(
            name="musicgen",
            label=LABEL,
            neural=True,
            tasks=self.capabilities(missing),
            max_seconds=MAX_SECONDS,
            options=OPTIONS,
            prompt=TextLimit(2000),
            lyrics=TextLimit(tokens=0),
            hints=_HINTS,
            weights=weights,
        )

    def find(self, folder: Path) -> tuple[MusicgenCheckpoint, ...]:
        """Those in stereo first."""
        return find_musicgen(folder)

    def settings(self, options: Mapping[str, Any]) -> MusicgenSettings:
        """How tokens are drawn. Raises CannotRender."""
        return settings_of(options)

    def open(
        self, checkpoint: MusicgenCheckpoint, place: torch.device, device: str, progress: OnProgress
    ) -> MusicgenRenderer:
        """Loads a checkpoint. Raises NotLoaded."""
        from model.musicgen.renderer import MusicgenRenderer

        progress(Progress("loading the network", 0.0))
        return MusicgenRenderer(checkpoint, place, device)
