"""What engines have in common whose networks are a library's: which checkpoint, when it is loaded, and what is refused.

Needs no torch: what does is imported at loading.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from model.engine import (
    Capability,
    EngineDescription,
    OnProgress,
    Progress,
    Rendered,
    RenderRequest,
    ShouldStop,
    Task,
)
from model.errors import CannotRender, NotLoaded
from model.library_checkpoint import LibraryCheckpoint
from model.memory_failures import memory_explained
from model.named_checkpoint import named_checkpoint
from model.pace import Pace, stoppable
from model.packages import require_packages
from model.takes_in_order import takes_in_order

if TYPE_CHECKING:
    import torch

CHECKPOINT = "checkpoint"
CHECKPOINT_HELP = "the checkpoint to use, by the name of its folder"


@dataclass(frozen=True)
class LibraryConfig:
    """How such an engine was set up (model/engine_config.py).

    folder: the checkpoint's, or one that has it inside. device: "auto", "cuda", "cuda:1", "xpu", "mps" or "cpu".
    """

    folder: str = ""
    device: str = "auto"


@dataclass(frozen=True)
class LibraryWords:
    """What such an engine needs, and how it says so.

    name: of the family. packages, get_packages: what it loads, and the command that installs it.
    no_checkpoint, get_checkpoint: where there is none. memory_spent: where the device has too little.
    never: why a task is never possible, and what to use instead.
    """

    name: str
    packages: tuple[str, ...]
    get_packages: str
    no_checkpoint: str
    get_checkpoint: str
    memory_spent: str
    never: Mapping[Task, tuple[str, str]]


Found = TypeVar("Found", bound=LibraryCheckpoint)
Settings = TypeVar("Settings")
Takes = TypeVar("Takes", contravariant=True)


class LibraryRenderer(Protocol[Takes]):
    """A loaded checkpoint."""

    checkpoint: Any

    def render(self, request: RenderRequest, settings: Takes, pace: Pace) -> Iterator[Rendered]:
        """See model.engine.Engine: one take."""
        ...


class LibraryEngine(ABC, Generic[Found, Settings]):
    """Implements model.engine.Engine but for what differs. Without weights, it explains how to get some."""

    config_type = LibraryConfig
    words: ClassVar[LibraryWords]

    def __init__(self, config: LibraryConfig = LibraryConfig()) -> None:
        self._config = config
        self._loaded: LibraryRenderer[Settings] | None = None

    @abstractmethod
    def describe(self) -> EngineDescription:
        """What it can do, or why it cannot be used here."""

    @abstractmethod
    def find(self, folder: Path) -> tuple[Found, ...]:
        """The checkpoints in a folder; the first is used where a request names none."""

    @abstractmethod
    def settings(self, options: Mapping[str, Any]) -> Settings:
        """A request's options, checked before anything loads. Raises CannotRender."""

    @abstractmethod
    def open(
        self, checkpoint: Found, place: torch.device, device: str, progress: OnProgress
    ) -> LibraryRenderer[Settings]:
        """Loads a checkpoint. device: the place's name for producers. Raises NotLoaded."""

    def load(self, progress: OnProgress) -> None:
        """Loads the first checkpoint. Raises NotLoaded."""
        with self._explained():
            self._with(self.checkpoints()[0], progress)

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
        if request.task in self.words.never:
            raise CannotRender(*self.words.never[request.task])
        chosen = named_checkpoint(self.checkpoints(), str(request.options.get(CHECKPOINT, "")))
        settings = self.settings(request.options)
        with self._explained():
            loaded = self._with(chosen, stoppable(progress, should_stop))
            yield from loaded.render(request, settings, Pace(progress, should_stop))

    def unload(self) -> None:
        """Frees all memory."""
        self._loaded = None

    def checkpoints(self) -> tuple[Found, ...]:
        """The checkpoints that are here. Raises NotLoaded if there is none."""
        require_packages(self.words.packages, self.words.name, self.words.get_packages)
        found = self.find(Path(self._config.folder)) if self._config.folder else ()
        if not found:
            raise NotLoaded(self.words.no_checkpoint, self.words.get_checkpoint)
        return found

    def capabilities(self, missing: NotLoaded | None) -> tuple[Capability, ...]:
        """One for every task. missing: what all lack that are ever possible."""
        return tuple(self._capability(task, missing) for task in Task)

    def _capability(self, task: Task, missing: NotLoaded | None) -> Capability:
        if task in self.words.never:
            return Capability(task, False, *self.words.never[task])
        if missing is not None:
            return Capability(task, False, missing.sentence, missing.remedy)
        return Capability(task, True)

    def _explained(self) -> AbstractContextManager[None]:
        """Turns a failed allocation inside into RanOutOfMemory, after freeing everything."""
        return memory_explained(
            self.unload,
            self.words.memory_spent,
            "Close other programs, or start the server with --device cpu.",
        )

    def _with(self, chosen: Found, progress: OnProgress) -> LibraryRenderer[Settings]:
        """The checkpoint, loaded; only one is loaded at a time. Raises NotLoaded."""
        if self._loaded is not None and self._loaded.checkpoint == chosen:
            return self._loaded
        self.unload()
        progress(Progress("loading the libraries", 0.0))  # takes seconds the first time
        from model.torch_device import choose_place, spare_a_core

        place, label = choose_place(self._config.device)
        if place.type == "cpu":
            spare_a_core()
        self._loaded = self.open(chosen, place, label, progress)
        return self._loaded
