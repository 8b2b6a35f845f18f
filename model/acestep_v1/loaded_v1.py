"""A checkpoint loaded on one device: plans the device's memory for every request before it starts.

The memory budget is determined once, at loading, so that equal requests are placed, and therefore rendered, equally.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model.acestep.device.devices import Device, free_bytes
from model.acestep_v1.conditioning.lyric_tokens import MAX_TOKENS
from model.acestep_v1.conditioning.prompt_encoder import prompt_files, prompt_parameters
from model.acestep_v1.frame_window import MIN_FRAMES
from model.acestep_v1.renderer import V1Renderer
from model.acestep_v1.request_plan import V1Plan, plan_v1
from model.acestep_v1.v1_memory import V1Placement, V1Sizes, V1Work, place_v1
from model.acestep_v1.v1_parts import V1Parts
from model.acestep_v1.weights.stored_parts import V1Part, V1Weights, networks, open_v1
from model.acestep_v1.weights.v1_adapters import AppliedV1Adapter, read_v1_adapter
from model.acestep_v1.weights.v1_folders import V1Checkpoint
from model.engine import OnProgress, Rendered, RenderRequest, Report, ShouldStop
from model.errors import CannotRender, NotLoaded
from model.memory_failures import memory_explained
from model.weight_header import fingerprint

_MORE_MEMORY = "Close other programs that use the device, or render a shorter region."


@dataclass(frozen=True)
class V1AdapterRequest:
    """An adapter's file and its strength, -3..3."""

    path: Path
    strength: float = 1.0


class LoadedV1:
    """Renders with one checkpoint. budget: bytes it may use on the device; None = all that is free now.

    Raises NotLoaded for files that are missing, damaged or too large for the device.
    """

    def __init__(self, checkpoint: V1Checkpoint, device: Device, budget: int | None) -> None:
        self.checkpoint = checkpoint
        self._device = device
        self._budget = free_bytes(device) if budget is None else budget
        self._weights = open_v1(checkpoint)
        self._sizes = sizes_of_v1(self._weights)
        try:
            least = self._placed(V1Work(MIN_FRAMES))
        except CannotRender as small:
            raise NotLoaded(small.sentence, _MORE_MEMORY) from small
        self._parts = V1Parts(self._weights, device, least)
        self._renderer = V1Renderer(self._parts, checkpoint.name, checkpoint.untrained)
        self._applied: AppliedV1Adapter | None = None
        self._fingerprint = fingerprint({*self._weights.paths, *prompt_files(checkpoint)})

    @property
    def device_kind(self) -> str:
        """ "cpu", "cuda" and so on."""
        return self._device.kind

    def load(self, progress: OnProgress) -> None:
        """Moves the networks to the device, or checks that each fits if only one does at a time."""
        with self._explained(f"while loading {self.checkpoint.name}"):
            self._parts.load_all(progress)

    def render(
        self,
        request: RenderRequest,
        progress: OnProgress,
        should_stop: ShouldStop,
        adapter: V1AdapterRequest | None = None,
    ) -> Iterator[Rendered]:
        """See model.engine.Engine."""
        with self._explained("during the render"):
            self._adapt(adapter)
            plan = plan_v1(request)
            self._parts.arrange(self._placed(work_of_v1(plan)))
            for found in self._renderer.render(request, plan, progress, should_stop):
                yield self._completed(found) if isinstance(found, Report) else found

    def unload(self) -> None:
        """Frees all memory; the next render reloads what it needs."""
        self._renderer.forget()
        self._parts.release()

    def _adapt(self, wanted: V1AdapterRequest | None) -> None:
        """Raises CannotRender for a file that is not an adapter for this checkpoint."""
        applied = None
        if wanted is not None:
            applied = AppliedV1Adapter(read_v1_adapter(wanted.path, self._weights), wanted.strength)
        if applied != self._applied:
            self._renderer.forget_conditions()
        self._applied = applied
        self._parts.adapt(applied)

    def _placed(self, work: V1Work) -> V1Placement:
        """Raises CannotRender for work that no placement can fit."""
        numbers = self._device.number_bytes, self._device.transformer_bytes
        if self._budget is None:  # the system does not report free memory, so use as little as is still fast
            return V1Placement(*numbers, offload=True)
        return place_v1(self._sizes, work, self._budget, *numbers)

    def _explained(self, when: str) -> AbstractContextManager[None]:
        """Turns a failed allocation inside into RanOutOfMemory, after freeing everything."""
        return memory_explained(
            self.unload, f"The device {self._device.label} ran out of memory {when}.", _MORE_MEMORY
        )

    def _completed(self, report: Report) -> Report:
        placement, applied = self._parts.placement, self._applied
        figures: dict[str, Any] = {
            **report.figures,
            "device": self._device.label,
            "numbers": str(self._device.dtype).removeprefix("torch."),
            "transformer_numbers": str(self._device.transformer).removeprefix("torch."),
            "offloaded": placement.offload,
            "weights_digest": self._fingerprint,
        }
        weights = self.checkpoint.name
        if applied is not None:
            weights += f" with adapter {applied.adapter.name}"
            figures |= {
                "adapter": applied.adapter.name,
                "adapter_strength": applied.strength,
                "adapter_digest": applied.adapter.digest,
            }
        return replace(report, figures=figures, weights=weights)


def sizes_of_v1(weights: V1Weights) -> V1Sizes:
    """The sizes a memory plan needs; reads no weights."""
    built = networks(weights.sizes)
    count = {part: sum(value.numel() for value in network.parameters()) for part, network in built.items()}
    transformer, codec, vocoder = weights.sizes.transformer, weights.sizes.codec, weights.sizes.vocoder
    return V1Sizes(
        text_encoder=prompt_parameters(weights.checkpoint),
        condition=count[V1Part.CONDITION],
        transformer=count[V1Part.TRANSFORMER],
        codec=count[V1Part.CODEC],
        vocoder=count[V1Part.VOCODER],
        width=transformer.width,
        inner=transformer.inner,
        layers=transformer.layers,
        picture_width=codec.widths[0],
        deep_width=codec.widths[-1],
        wave_width=max(1, _widest_wave(vocoder.channels, vocoder.rates)),
    )


def _widest_wave(channels: int, rates: tuple[int, ...]) -> int:
    """Numbers per sample of audio in the largest of the vocoder's stages."""
    total, widest, reached = 512, 0, 1
    for index, rate in enumerate(rates):
        reached *= rate
        widest = max(widest, (channels >> (index + 1)) * reached)
    return -(-widest // total)


def work_of_v1(plan: V1Plan) -> V1Work:
    """What a render needs from the device."""
    written = max(len(words.lyrics.encode()) + 2 * words.lyrics.count("\n") + 3 for words in plan.every_word)
    lyrics = min(written, MAX_TOKENS)  # what is longer is cut there
    branches = 2 * len(plan.every_word) + plan.settings.guidance.separate
    return V1Work(plan.window.frames, branches, 1 + 256 + lyrics, plan.window.song != (0, 0))
