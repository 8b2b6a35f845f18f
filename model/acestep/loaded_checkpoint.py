"""A checkpoint at work on one device: every request is placed in the device's memory before it starts.

The memory it may use is asked once, when it is loaded, so that equal requests are placed, and so rendered, equally.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from model.acestep.capabilities import Training
from model.acestep.checkpoint import open_weights
from model.acestep.devices import Device, free_bytes, out_of_memory
from model.acestep.latent_grid import MIN_FRAMES
from model.acestep.memory_plan import GIGABYTE, MemoryPlan, Placement, Work, preflight
from model.acestep.model_folders import ModelFolder
from model.acestep.network_sizes import sizes_of
from model.acestep.parts import StoredParts, neighbours
from model.acestep.prompts import MAX_LYRIC_TOKENS, MAX_TEXT_TOKENS
from model.acestep.renderer import Renderer
from model.acestep.request_plan import RenderPlan, plan_render
from model.engine import OnProgress, Rendered, RenderRequest, Report, ShouldStop
from model.errors import CannotRender, NotLoaded

_MORE_MEMORY = (
    "Close other programs that use the device, choose a smaller checkpoint, or render a shorter region."
)


class LoadedCheckpoint:
    """Renders with one checkpoint. budget: bytes it may use on the device; None = all that are free now.

    Raises NotLoaded for files that are missing, broken, or too large for the device.
    """

    def __init__(self, folder: ModelFolder, device: Device, budget: int | None) -> None:
        beside = neighbours(folder)
        self.folder = folder
        self._device = device
        self._budget = free_bytes(device) if budget is None else budget
        self._sizes = sizes_of(folder.config, beside.vae, beside.text_encoder)
        guided = folder.traits.training is not Training.TURBO
        try:
            least = self._placed(Work(MIN_FRAMES, guided=guided))
        except CannotRender as small:
            raise NotLoaded(small.sentence, _MORE_MEMORY) from small
        self._parts = StoredParts(open_weights(folder), device, least)
        self._renderer = Renderer(self._parts)

    def load(self, progress: OnProgress) -> None:
        """Brings the networks to the device, or, where only one fits at a time, makes sure that each does."""
        self._parts.load_all(progress)

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        """See model.engine.Engine."""
        self._parts.arrange(self._placed(work_of(plan_render(request, self._parts.traits))))
        try:
            for found in self._renderer.render(request, progress, should_stop):
                yield self._told(found) if isinstance(found, Report) else found
        except Exception as error:
            if not out_of_memory(error):
                raise
            self.unload()
            raise CannotRender(
                f"The device {self._device.label} ran out of memory during the render.", _MORE_MEMORY
            ) from error

    def unload(self) -> None:
        """Gives all memory back; the next render loads what it needs again."""
        self._renderer.forget()
        self._parts.release()

    def _placed(self, work: Work) -> Placement:
        """Raises CannotRender for work that does not fit in any way."""
        if self._budget is None:  # the system does not say how much is free, so take as little as is quick
            return Placement(self._device.number_bytes, offload=True)
        plan: MemoryPlan = preflight(self._sizes, work, self._budget, self._device.number_bytes)
        return plan.placement

    def _told(self, report: Report) -> Report:
        placement = self._parts.placement
        figures: Mapping[str, Any] = {
            **report.figures,
            "device": self._device.label,
            "numbers": str(self._device.dtype).removeprefix("torch."),
            "offloaded": placement.offload,
            "int8": placement.int8,
        }
        notes = report.notes
        if placement.int8 and self._budget is not None:
            notes += (
                f"The transformer's weights were held in 8 bits: the device has {self._budget / GIGABYTE:.1f} GB.",
            )
        return replace(report, figures=figures, notes=notes)


def work_of(plan: RenderPlan) -> Work:
    """What a render needs of the device."""
    # Byte-level tokens: there are never more than bytes, and the end marker.
    lyrics = max(min(MAX_LYRIC_TOKENS, len(words.lyrics.encode()) + 1) for words in plan.words)
    return Work(
        frames=plan.window.frames,
        guided=plan.settings.guidance.scale > 1,
        condition_tokens=lyrics + MAX_TEXT_TOKENS + 1,
        source=plan.window.source[0] < plan.window.source[1],
    )
