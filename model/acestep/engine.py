"""The engine of the ACE-Step 1.5 checkpoints in one folder.

Chooses the checkpoint for each request and describes what they offer; loaded_checkpoint.py renders. Describing needs no
torch: imports that do happen when a checkpoint is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.acestep.batches import batches_of
from model.acestep.conditioning import prompts
from model.acestep.device.memory_plan import GIGABYTE
from model.acestep.latent_grid import CODES_PER_SECOND, FRAMES_PER_SECOND, MAX_FRAMES
from model.acestep.planner.drawing import take_options
from model.acestep.sampling.option_help import ADAPTERS, CHECKPOINT, ENGINE_HELP, PLANNER, VAE, strength_of
from model.acestep.weights.capabilities import ACCOMPANIMENTS, TRACKS, capability
from model.acestep.weights.model_folders import (
    GIVE_A_FOLDER,
    PEFT_CONFIG,
    ModelFolder,
    Variant,
    find_models,
    what_it_is_instead,
)
from model.acestep.weights.named_models import is_called, refuse_unusable
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
from model.pace import stoppable, within
from model.packages import require_packages
from model.takes_in_order import takes_in_order

if TYPE_CHECKING:
    from model.acestep.loaded_checkpoint import AdapterRequest, Extras, LoadedCheckpoint

LABEL = "ACE-Step 1.5"
PACKAGES = ("torch", "transformers", "safetensors")
GET_WEIGHTS = "Run `takebridge models pull turbo`, or start the server with --models and your models folder."
GET_PACKAGES = "pip install 'takebridge[acestep]'"

CPU_CONTEXT_SECONDS = 16.0
"""Context on each side where no GPU computes: 36 s around a region of four, instead of a whole song of four minutes,
which takes ten times as long."""

MOST_TAKES = 8
"""A request has no more."""

_LOADING = 0.15  # share of a take's bar where a checkpoint is loaded for it first
_FORM_TOKENS = 70  # of a prompt's 256 and 2048: taken by the template with instruction, tempo, key and so on
_FIRST_CHOICE = "acestep-v15-turbo"
_HINTS = {
    Task.REPAINT: "what it should sound like, in English: sparse drums with brushes, warm upright bass",
    Task.COMPLETE: "where it should go: a quiet piano ending",
    Task.ACCOMPANY: "the band: slow ballad, piano and strings",
    Task.LEGO: "what the track should play: funky slap bass",
    Task.COVER: "the style: string quartet, romantic",
    Task.GENERATE: "the song: slow bossa nova, nylon guitar, female voice, 84 BPM",
}
_WRITING = {
    Task.PLAN: "plan a song",
    Task.REWRITE: "rewrite a prompt",
    Task.ANALYSE: "describe a song",
}
WORD_TASKS = tuple(_WRITING)
_ONE_BY_ONE = {PLANNER: "on", "encode": "sample"}  # loaded_checkpoint.py splits their batches
GET_PLANNER = "Run `takebridge models pull planner-1.7b` (or planner-0.6b) to install acestep-5Hz-lm-1.7B."


@dataclass(frozen=True)
class EngineConfig:
    """How the engine was set up (model/engine_config.py). Empty strings leave the choice to the engine.

    folder:     one checkpoint, or several side by side with VAE and text encoder, as in the official application.
    checkpoint: the preferred one.
    device:     "auto", "cuda", "cuda:1", "xpu", "mps" or "cpu".
    memory_gb:  how much of the device's memory renders may use, in decimal gigabytes; 0 = all that is free.
    precision:  what the transformer computes in: "float32", "bfloat16", or "auto": what the device is fastest in.
    step:       how the transformer's steps run: "plain", or "graph": as CUDA graphs, where they are equal and faster.
    compile:    whether the transformer's layers are compiled, where that pays.
    batch_size: how many takes of a request the transformer computes in one pass, where memory allows; 1 = one by one.
    kernels:    the file that keeps what a processor computes fastest; without, it is measured at each start.
    """

    folder: str = ""
    checkpoint: str = ""
    device: str = "auto"
    memory_gb: float = 0.0
    precision: str = "auto"
    step: str = "plain"
    compile: bool = False
    batch_size: int = 1
    kernels: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= MOST_TAKES:
            raise ValueError(f"batch_size must be 1 to {MOST_TAKES}, got {self.batch_size}")

    @property
    def kernels_file(self) -> Path | None:
        return Path(self.kernels) if self.kernels else None


class AceStepEngine:
    """Implements model.engine.Engine. Without a folder it has no weights; its description explains how to get some."""

    config_type = EngineConfig

    def __init__(self, config: EngineConfig = EngineConfig()) -> None:
        self._config = config
        self._loaded: LoadedCheckpoint | None = None

    def describe(self) -> EngineDescription:
        """What the checkpoints in the folder offer, or why none can be used."""
        try:
            found = self._checkpoints()
        except NotLoaded as missing:
            reasons = tuple(Capability(task, False, missing.sentence, missing.remedy) for task in Task)
            return self._description(reasons, "")
        return self._description(tuple(_able(_best(found, task), task) for task in Task), found[0].name)

    def _description(self, tasks: tuple[Capability, ...], weights: str) -> EngineDescription:
        kind = likely_kind(self._config.device) if self._loaded is None else self._loaded.device_kind
        return replace(
            _description(tasks, weights),
            context_seconds=CPU_CONTEXT_SECONDS if kind == "cpu" else None,
            takes_at_once=self._config.batch_size,
            fixed_batches=self._config.batch_size > 1,
            one_by_one=_ONE_BY_ONE,
        )

    def load(self, progress: OnProgress) -> None:
        """Loads the preferred checkpoint. Raises NotLoaded."""
        self._with(self._checkpoints()[0], progress)

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        """See model.engine.Engine. Switches the loaded checkpoint first if necessary.

        Takes are rendered one after the other unless the request or `batch_size` says otherwise: together they come out
        different in their last bits, see batches.py. What they share (prompts, song, timbre) is encoded once all the
        same.
        """
        size = 1 if request.task in WORD_TASKS else request.takes_together or self._config.batch_size
        batches = batches_of(request.takes, request.takes_in_all, size)
        if all(len(batch.takes) == 1 for batch in batches):
            yield from takes_in_order(
                request, progress, lambda one, report: self._render_batch(one, report, should_stop)
            )
            return
        for index, batch in enumerate(batches):
            part = within(progress, index / len(batches), (index + 1) / len(batches))
            some = replace(request, takes=batch.wanted)
            yield from self._render_batch(some, part, should_stop, batch.takes)

    def _render_batch(
        self,
        request: RenderRequest,
        progress: OnProgress,
        should_stop: ShouldStop,
        together: tuple[int, ...] = (),
    ) -> Iterator[Rendered]:
        """together: the takes of the batch, () = those of the request."""
        options = dict(request.options)
        wanted = str(options.pop(CHECKPOINT, ""))
        extras = _extras(options)
        found = self._checkpoints(wanted)
        chosen = named_checkpoint(found, wanted, is_called) if wanted else _best(found, request.task)
        able = _able(chosen, request.task)
        if not able.available:
            raise CannotRender(able.reason, able.remedy)
        begins = 0.0 if self._is_loaded(chosen) else _LOADING
        loaded = self._with(chosen, within(stoppable(progress, should_stop), 0.0, begins))
        rendering = within(progress, begins, 1.0)
        if request.task in WORD_TASKS:
            yield from loaded.words(request, rendering, should_stop, extras)
            return
        yield from loaded.render(replace(request, options=options), rendering, should_stop, extras, together)

    def unload(self) -> None:
        """Frees all memory."""
        if self._loaded is not None:
            self._loaded.unload()
            self._loaded = None

    def _checkpoints(self, wanted: str = "") -> list[ModelFolder]:
        """The checkpoints in the folder, the preferred one first. Raises NotLoaded if none can be used, or not the one
        that is wanted or, without, configured: another in its place would be none of the producer's choice.
        """
        if not self._config.folder:
            raise NotLoaded("No ACE-Step weights are configured.", GET_WEIGHTS)
        require_packages(PACKAGES, "ACE-Step", GET_PACKAGES)
        folder = Path(self._config.folder)
        if not folder.exists():
            raise NotLoaded(what_it_is_instead(folder), GET_WEIGHTS)
        found = find_models(folder)
        if not found:
            raise NotLoaded(what_it_is_instead(folder), GIVE_A_FOLDER)
        whole = sorted((model for model in found if model.what_is_missing() is None), key=self._preference)
        if not whole:
            lacking = found[0].what_is_missing()
            assert lacking is not None
            raise NotLoaded(*lacking)
        name = wanted or self._config.checkpoint
        if name and not any(is_called(model.name, name) for model in whole):
            refuse_unusable(folder, name)
        return whole

    def _preference(self, model: ModelFolder) -> tuple[bool, bool, bool, bool, str]:
        """Sort key, small and fast first: turbo checkpoints of the small size, above all the plain one."""
        return (
            not is_called(model.name, self._config.checkpoint),
            model.name != _FIRST_CHOICE,
            model.variant is not Variant.TURBO,
            model.traits.xl,
            model.name,
        )

    def _is_loaded(self, chosen: ModelFolder) -> bool:
        return self._loaded is not None and self._loaded.folder.path == chosen.path

    def _with(self, chosen: ModelFolder, progress: OnProgress) -> LoadedCheckpoint:
        """The checkpoint, loaded; only one is loaded at a time. Raises NotLoaded."""
        if self._loaded is not None and self._is_loaded(chosen):
            return self._loaded
        self.unload()
        progress(Progress("loading the libraries", 0.0))  # takes seconds the first time
        from model.acestep.device.devices import choose_device
        from model.acestep.loaded_checkpoint import LoadedCheckpoint
        from model.torch_device import spare_a_core

        config = self._config
        device = choose_device(
            config.device, config.precision, config.step, config.compile, config.kernels_file
        )
        if device.kind == "cpu":
            spare_a_core()
        budget = round(self._config.memory_gb * GIGABYTE) or None
        loaded = LoadedCheckpoint(chosen, device, budget)
        loaded.load(progress)
        self._loaded = loaded
        return loaded


def _extras(options: dict[str, Any]) -> Extras:
    """Takes the options that do not concern sampling out of `options`. Raises CannotRender."""
    from model.acestep.loaded_checkpoint import Extras

    drawing = take_options(options)
    planner = options.pop(PLANNER, "off")
    if planner not in ("on", "off", True, False):
        raise CannotRender(f"The option {PLANNER} cannot be {planner!r}.", "Use on or off.")
    vae = options.pop(VAE, "")
    if not isinstance(vae, str):
        raise CannotRender(f"The option {VAE} cannot be {vae!r}.", "Use the name of an autoencoder's folder.")
    adapters = tuple(found for name in ADAPTERS if (found := _adapter(options, name)) is not None)
    return Extras(adapters, planner in ("on", True), vae, drawing)


def _adapter(options: dict[str, Any], name: str) -> AdapterRequest | None:
    """Takes an adapter out of `options`. Raises CannotRender for an invalid strength."""
    option = strength_of(name)
    path, strength = options.pop(name, None), options.pop(option, None)
    if not path:
        if strength is not None:
            raise CannotRender(
                f"The option {option} needs an adapter.", f"Set {name} to its file, or omit it."
            )
        return None
    if strength is None:
        strength = 1.0
    if isinstance(strength, bool) or not isinstance(strength, (int, float)) or not abs(strength) <= 2:
        raise CannotRender(f"The option {option} cannot be {strength!r}.", "Use a number from -2 to 2.")
    from model.acestep.loaded_checkpoint import AdapterRequest

    return AdapterRequest(Path(path), float(strength))


def _best(found: list[ModelFolder], task: Task) -> ModelFolder:
    """The first checkpoint that supports the task; if none does, the first, whose capability gives the reason."""
    return next((model for model in found if _able(model, task).available), found[0])


def _able(model: ModelFolder, task: Task) -> Capability:
    """Whether a checkpoint supports a task; for those in words that depends on the planner next to it."""
    if task not in WORD_TASKS:
        return capability(model.traits, task)
    if model.planner is not None:
        return Capability(task, True)
    return Capability(
        task,
        False,
        f"No planner is installed next to {model.name}, so there is no language model to {_WRITING[task]}.",
        GET_PLANNER,
    )


def _description(tasks: tuple[Capability, ...], weights: str) -> EngineDescription:
    return EngineDescription(
        name="acestep",
        label=LABEL,
        neural=True,
        tasks=tasks,
        stems=TRACKS,
        stem_passes=True,
        edits=True,
        times_lyrics=True,
        instruments=ACCOMPANIMENTS,
        max_seconds=MAX_FRAMES / FRAMES_PER_SECOND,
        options=ENGINE_HELP,
        file_options=ADAPTERS,
        companion_files=(PEFT_CONFIG,),
        reference=True,
        codes_per_second=CODES_PER_SECOND,
        reads_words=True,
        prompt=TextLimit(prompts.MAX_CAPTION_CHARACTERS, prompts.MAX_TEXT_TOKENS - _FORM_TOKENS),
        lyrics=TextLimit(prompts.MAX_LYRIC_CHARACTERS, prompts.MAX_LYRIC_TOKENS - _FORM_TOKENS),
        languages=prompts.LANGUAGES,
        hints=_HINTS,
        lyric_tags=prompts.SECTION_TAGS,
        weights=weights,
    )
