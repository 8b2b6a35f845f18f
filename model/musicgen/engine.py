"""The engine of MusicGen Melody checkpoints, through the library transformers.

Describing needs no torch: what does is imported at loading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model.engine import (
    Capability,
    EngineDescription,
    OnProgress,
    Progress,
    Rendered,
    RenderRequest,
    ShouldStop,
    Task,
    TextLimit,
)
from model.errors import CannotRender, NotLoaded
from model.memory_failures import memory_explained
from model.musicgen.musicgen_settings import CHECKPOINT, OPTIONS, settings_of
from model.musicgen.published_musicgen import GET_MUSICGEN, MusicgenCheckpoint, find_musicgen
from model.pace import Pace, stoppable
from model.packages import require_packages
from model.takes_in_order import takes_in_order

if TYPE_CHECKING:
    from model.musicgen.renderer import MusicgenRenderer

LABEL = "MusicGen Melody (not for commercial use)"
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors")
GET_PACKAGES = "pip install 'takebridge[musicgen]'"
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


@dataclass(frozen=True)
class MusicgenConfig:
    """How the engine was set up (model/engine_config.py).

    folder: the checkpoint's, or one that has it inside. device: "auto", "cuda", "cuda:1", "xpu", "mps" or "cpu".
    """

    folder: str = ""
    device: str = "auto"


class MusicgenEngine:
    """Implements model.engine.Engine. Without weights, its description explains how to get some."""

    config_type = MusicgenConfig

    def __init__(self, config: MusicgenConfig = MusicgenConfig()) -> None:
        self._config = config
        self._loaded: MusicgenRenderer | None = None

    def describe(self) -> EngineDescription:
        """What MusicGen can do, or why it cannot be used here."""
        try:
            weights, missing = self._checkpoints()[0].name, None
        except NotLoaded as lacking:
            weights, missing = "", lacking
        return EngineDescription(
            name="musicgen",
            label=LABEL,
            neural=True,
            tasks=tuple(_capability(task, missing) for task in Task),
            max_seconds=MAX_SECONDS,
            options=OPTIONS,
            prompt=TextLimit(2000),
            lyrics=TextLimit(tokens=0),
            hints=_HINTS,
            weights=weights,
        )

    def load(self, progress: OnProgress) -> None:
        """Loads the first checkpoint. Raises NotLoaded."""
        with self._explained():
            self._with(self._checkpoints()[0], progress)

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        """See model.engine.Engine. Takes are rendered one by one: in a batch they would influence each other."""
        yield from takes_in_order(
            request, progress, lambda one, report: self._render_one(one, report, should_stop)
        )

    def _render_one(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        if request.task in NEVER:
            raise CannotRender(*NEVER[request.task])
        chosen = _named(self._checkpoints(), str(request.options.get(CHECKPOINT, "")))
        settings = settings_of(request.options)
        with self._explained():
            loaded = self._with(chosen, stoppable(progress, should_stop))
            yield from loaded.render(request, settings, Pace(progress, should_stop))

    def unload(self) -> None:
        """Frees all memory."""
        self._loaded = None

    def _explained(self) -> AbstractContextManager[None]:
        """Turns a failed allocation inside into RanOutOfMemory, after freeing everything."""
        return memory_explained(
            self.unload,
            "The device ran out of memory for MusicGen.",
            "Close other programs, or start the server with --device cpu.",
        )

    def _checkpoints(self) -> tuple[MusicgenCheckpoint, ...]:
        """The checkpoints that are here. Raises NotLoaded if there is none."""
        require_packages(PACKAGES, "MusicGen", GET_PACKAGES)
        found = find_musicgen(Path(self._config.folder)) if self._config.folder else ()
        if not found:
            raise NotLoaded("No MusicGen Melody checkpoint is here.", GET_MUSICGEN)
        return found

    def _with(self, chosen: MusicgenCheckpoint, progress: OnProgress) -> MusicgenRenderer:
        """The checkpoint, loaded; only one is loaded at a time. Raises NotLoaded."""
        if self._loaded is not None and self._loaded.checkpoint == chosen:
            return self._loaded
        self.unload()
        progress(Progress("loading the libraries", 0.0))  # takes seconds the first time
        from model.musicgen.renderer import MusicgenRenderer
        from model.torch_device import choose_place, spare_a_core

        place, label = choose_place(self._config.device)
        if place.type == "cpu":
            spare_a_core()
        progress(Progress("loading the network", 0.0))
        self._loaded = MusicgenRenderer(chosen, place, label)
        return self._loaded


def _capability(task: Task, missing: NotLoaded | None) -> Capability:
    if task in NEVER:
        return Capability(task, False, *NEVER[task])
    return (
        Capability(task, True)
        if missing is None
        else Capability(task, False, missing.sentence, missing.remedy)
    )


def _named(found: tuple[MusicgenCheckpoint, ...], wanted: str) -> MusicgenCheckpoint:
    """The checkpoint with this name; the first without one. Raises CannotRender."""
    for one in found:
        if wanted in ("", one.name):
            return one
    names = ", ".join(one.name for one in found)
    raise CannotRender(f"There is no checkpoint called {wanted!r}.", f"Available: {names}.")
