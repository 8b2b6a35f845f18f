"""The engine of ACE-Step v1 (3.5B) checkpoints. Describing needs no torch: what does is imported at loading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.acestep.device.memory_plan import GIGABYTE
from model.acestep_v1.conditioning.lyric_words import LANGUAGES
from model.acestep_v1.frame_window import MAX_SECONDS
from model.acestep_v1.options import ADAPTER, ADAPTER_STRENGTH, CHECKPOINT, ENGINE_HELP
from model.acestep_v1.weights.v1_folders import GET_V1, V1Checkpoint, find_v1
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
from model.likely_kind import likely_kind
from model.named_checkpoint import named_checkpoint
from model.pace import stoppable
from model.packages import require_packages
from model.takes_in_order import takes_in_order

if TYPE_CHECKING:
    from model.acestep_v1.loaded_v1 import LoadedV1, V1AdapterRequest

LABEL = "ACE-Step v1"
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors")
GET_PACKAGES = "pip install 'takebridge[acestep]'"
CPU_CONTEXT_SECONDS = 16.0
"""Context on each side where no GPU computes."""
USE_BASE = "Use the engine acestep with the checkpoint base of ACE-Step 1.5, or the engine stems."
USE_SKETCH = "Use the engine sketch to analyse a song."
USE_PLANNER = "Use the engine acestep; `takebridge models pull planner-1.7b` fetches its planner."
NEVER: Mapping[Task, tuple[str, str]] = {
    Task.EXTRACT: ("ACE-Step v1 cannot separate a mix: no weights for it were ever published.", USE_BASE),
    Task.ACCOMPANY: (
        "ACE-Step v1 cannot accompany a voice: no weights for it were ever published.",
        "Use the engine acestep with the checkpoint base of ACE-Step 1.5, or the engine sketch.",
    ),
    Task.LEGO: (
        "ACE-Step v1 cannot add a track to a mix: no weights for it were ever published.",
        "Use the engine acestep with the checkpoint base of ACE-Step 1.5.",
    ),
    Task.ANALYSE: ("ACE-Step v1 does not analyse songs.", USE_SKETCH),
    Task.PLAN: ("ACE-Step v1 has no planner.", USE_PLANNER),
    Task.REWRITE: ("ACE-Step v1 has no planner.", USE_PLANNER),
}
LYRIC_TAGS = (
    "Intro", "Verse", "Pre-Chorus", "Chorus", "Hook", "Bridge", "Break", "Inst", "Instrumental", "Solo", "Outro",
)  # fmt: skip
_STRENGTHS = (-3.0, 3.0)
_TAG_TOKENS = 16  # of a prompt's 256: key and tempo
_MAX_LYRICS = 4096  # tokens, as in training
_HINTS = {
    Task.REPAINT: "what it should sound like, in English: sparse drums with brushes, warm upright bass",
    Task.COMPLETE: "where it should go: a quiet piano ending",
    Task.COVER: "the style: string quartet, romantic",
    Task.GENERATE: "the song, in tags: funk, pop, soul, female voice, electric guitar, 105 BPM",
}


@dataclass(frozen=True)
class V1Config:
    """How the engine was set up (model/engine_config.py). Empty strings leave the choice to the engine.

    folder: the checkpoint's, or one that has it inside, or ComfyUI's. device: "auto", "cuda", "cuda:1", "xpu", "mps" or
    "cpu". memory_gb: how much of the device's memory renders may use, in decimal gigabytes; 0 = all that is free.
    precision: what the transformer computes in: "float32", "bfloat16" or "auto". kernels: the file that keeps what a
    processor computes fastest; without, it is measured at each start.
    """

    folder: str = ""
    device: str = "auto"
    memory_gb: float = 0.0
    precision: str = "auto"
    kernels: str = ""

    @property
    def kernels_file(self) -> Path | None:
        return Path(self.kernels) if self.kernels else None


class AceStepV1Engine:
    """Implements model.engine.Engine. Without weights, its description explains how to get some."""

    config_type = V1Config

    def __init__(self, config: V1Config = V1Config()) -> None:
        self._config = config
        self._loaded: LoadedV1 | None = None

    def describe(self) -> EngineDescription:
        """What v1 can do, or why it cannot be used here."""
        try:
            weights, missing = self._checkpoints()[0].name, None
        except NotLoaded as lacking:
            weights, missing = "", lacking
        kind = likely_kind(self._config.device) if self._loaded is None else self._loaded.device_kind
        return replace(
            _description(tuple(_capability(task, missing) for task in Task), weights),
            context_seconds=CPU_CONTEXT_SECONDS if kind == "cpu" else None,
        )

    def load(self, progress: OnProgress) -> None:
        """Loads the first checkpoint. Raises NotLoaded."""
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
        options = dict(request.options)
        chosen = named_checkpoint(self._checkpoints(), str(options.pop(CHECKPOINT, "")))
        adapter = _adapter(options)
        loaded = self._with(chosen, stoppable(progress, should_stop))
        yield from loaded.render(replace(request, options=options), progress, should_stop, adapter)

    def unload(self) -> None:
        """Frees all memory."""
        if self._loaded is not None:
            self._loaded.unload()
            self._loaded = None

    def _checkpoints(self) -> tuple[V1Checkpoint, ...]:
        """The checkpoints that are whole. Raises NotLoaded if there is none."""
        if not self._config.folder:
            raise NotLoaded("No ACE-Step v1 weights are configured.", GET_V1)
        require_packages(PACKAGES, "ACE-Step v1", GET_PACKAGES)
        found = find_v1(Path(self._config.folder))
        whole = tuple(one for one in found if not one.missing)
        if whole:
            return whole
        if found:
            raise NotLoaded(f"{found[0].name} is missing {' and '.join(found[0].missing)}.", GET_V1)
        raise NotLoaded(f"There is no ACE-Step v1 checkpoint in {self._config.folder}.", GET_V1)

    def _with(self, chosen: V1Checkpoint, progress: OnProgress) -> LoadedV1:
        """The checkpoint, loaded; only one is loaded at a time. Raises NotLoaded."""
        if self._loaded is not None and self._loaded.checkpoint == chosen:
            return self._loaded
        self.unload()
        progress(Progress("loading the libraries", 0.0))  # takes seconds the first time
        from model.acestep.device.devices import choose_device
        from model.acestep_v1.loaded_v1 import LoadedV1
        from model.torch_device import spare_a_core

        device = choose_device(self._config.device, self._config.precision, kernels=self._config.kernels_file)
        if device.kind == "cpu":
            spare_a_core()
        loaded = LoadedV1(chosen, device, round(self._config.memory_gb * GIGABYTE) or None)
        loaded.load(progress)
        self._loaded = loaded
        return loaded


def _capability(task: Task, missing: NotLoaded | None) -> Capability:
    if task in NEVER:
        return Capability(task, False, *NEVER[task])
    return (
        Capability(task, True)
        if missing is None
        else Capability(task, False, missing.sentence, missing.remedy)
    )


def _adapter(options: dict[str, Any]) -> V1AdapterRequest | None:
    """Takes the adapter out of `options`. Raises CannotRender for an invalid strength."""
    path, strength = options.pop(ADAPTER, None), options.pop(ADAPTER_STRENGTH, None)
    if not path:
        if strength is not None:
            raise CannotRender(
                f"The option {ADAPTER_STRENGTH} needs an adapter.", f"Set {ADAPTER} to its file, or omit it."
            )
        return None
    strength = 1.0 if strength is None else strength
    least, most = _STRENGTHS
    if isinstance(strength, bool) or not isinstance(strength, (int, float)) or not least <= strength <= most:
        raise CannotRender(
            f"The option {ADAPTER_STRENGTH} cannot be {strength!r}.",
            f"Use a number from {least:g} to {most:g}.",
        )
    from model.acestep_v1.loaded_v1 import V1AdapterRequest

    return V1AdapterRequest(Path(path), float(strength))


def _description(tasks: tuple[Capability, ...], weights: str) -> EngineDescription:
    return EngineDescription(
        name="acestep-v1",
        label=LABEL,
        neural=True,
        tasks=tasks,
        max_seconds=MAX_SECONDS,
        options=ENGINE_HELP,
        file_options=(ADAPTER,),
        prompt=TextLimit(4096, 256 - _TAG_TOKENS),
        lyrics=TextLimit(16_384, _MAX_LYRICS),
        languages=(*LANGUAGES, "unknown"),
        hints=_HINTS,
        lyric_tags=LYRIC_TAGS,
        weights=weights,
    )
