"""A checkpoint loaded on one device: plans the device's memory for every request before it starts.

The memory budget is determined once, at loading, so that equal requests are placed, and therefore rendered, equally.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.acestep.batches import Batch
from model.acestep.conditioning.prompts import MAX_LYRIC_TOKENS, MAX_TEXT_TOKENS, UNKNOWN_LANGUAGE
from model.acestep.conditioning.request_plan import RenderPlan, plan_render, with_codes, with_song_plan
from model.acestep.device.devices import Device, free_bytes
from model.acestep.device.gpu_attention import HeadShape
from model.acestep.device.memory_plan import GIGABYTE, MemoryPlan, Placement, Work, plan_memory, preflight
from model.acestep.device.network_sizes import sizes_of
from model.acestep.device.parts import Neighbours, StoredParts, neighbours
from model.acestep.latent_grid import FRAMES_PER_SECOND, MIN_FRAMES
from model.acestep.lyrics.lyric_timing import present_heads
from model.acestep.planner import word_tasks
from model.acestep.planner.song_planning import PlannerHouse, blueprint_of, plan_song
from model.acestep.renderer import Renderer
from model.acestep.sampling.render_settings import Encoding
from model.acestep.weights.adapted_weights import AppliedAdapter, AppliedAdapters, dit_shapes
from model.acestep.weights.adapter_file import read_adapter
from model.acestep.weights.autoencoders import OFFICIAL, chosen_autoencoder
from model.acestep.weights.capabilities import Training
from model.acestep.weights.checkpoint import Weights, open_weights
from model.acestep.weights.model_folders import ModelFolder
from model.acestep.weights.tensor_files import weight_files
from model.blueprint import Blueprint
from model.engine import Attachment, OnProgress, Rendered, RenderRequest, Report, ShouldStop, Task
from model.errors import CannotRender, NotLoaded
from model.memory_failures import memory_explained
from model.pace import Pace, within
from model.weight_header import fingerprint

_HEARD = 0.3  # share of a description's time that encoding the song takes
UNTRAINED_WORDS = "This checkpoint's weights are untrained, so what is written is noise."
_PLANNED = 0.3  # share of a planned song's render time that planning takes
_MORE_MEMORY = (
    "Close other programs that use the device, use a smaller checkpoint, or render a shorter region."
)


@dataclass(frozen=True)
class AdapterRequest:
    """An adapter's file and its strength: 1 = the full change, below 0 = taken away."""

    path: Path
    strength: float = 1.0


@dataclass(frozen=True)
class Extras:
    """A render's extras beyond the checkpoint.

    planned: a language model plans the song first. vae: the name of an autoencoder; "" = the checkpoint's own.
    drawing: how the planner draws, by the names of planner.drawing.Drawing.
    """

    adapters: tuple[AdapterRequest, ...] = ()
    planned: bool = False
    vae: str = ""
    drawing: Mapping[str, float] = field(default_factory=dict)


class LoadedCheckpoint:
    """Renders with one checkpoint. budget: bytes it may use on the device; None = all that is free now.

    Raises NotLoaded for files that are missing, damaged or too large for the device.
    """

    def __init__(self, folder: ModelFolder, device: Device, budget: int | None) -> None:
        companions = neighbours(folder)
        self.folder = folder
        self._device = device
        self._budget = free_bytes(device) if budget is None else budget
        self._sizes = sizes_of(folder.config, companions.vae, companions.text_encoder)
        block = folder.config.dit.block
        self._heads = HeadShape(block.heads, block.key_heads, block.head_width)
        guided = folder.traits.training is not Training.TURBO
        try:
            least = self._placed(Work(MIN_FRAMES, guided=guided))
        except CannotRender as small:
            raise NotLoaded(small.sentence, _MORE_MEMORY) from small
        self._weights = open_weights(folder)
        self._parts = StoredParts(self._weights, device, least)
        self._renderer = Renderer(self._parts)
        self._fingerprint = fingerprint(_files(self._weights, companions))
        self._house = PlannerHouse(folder.planner, device, self._budget)

    @property
    def device_kind(self) -> str:
        """ "cpu", "cuda" and so on."""
        return self._device.kind

    def load(self, progress: OnProgress) -> None:
        """Moves the networks to the device, or checks that each fits if only one does at a time."""
        with self._explained(f"while loading {self.folder.name}"):
            self._parts.load_all(progress)

    def render(
        self,
        request: RenderRequest,
        progress: OnProgress,
        should_stop: ShouldStop,
        extras: Extras | None = None,
        together: tuple[int, ...] = (),
    ) -> Iterator[Rendered]:
        """See model.engine.Engine; everything that comes names its take.

        together: the batch of the request's takes, () = these. It is split where memory is short, and where takes
        differ in more than the transformer's noise: in a plan, or in how the song is drawn.
        """
        extras = extras or Extras()
        passes = self._passes(request, extras, Batch(together or request.takes, request.takes))
        for index, batch in enumerate(passes):
            part = within(progress, index / len(passes), (index + 1) / len(passes))
            yield from self._render_batch(
                replace(request, takes=batch.wanted), batch, part, should_stop, extras
            )

    def _passes(self, request: RenderRequest, extras: Extras, whole: Batch) -> tuple[Batch, ...]:
        """Raises CannotRender."""
        if len(whole.takes) == 1:
            return (whole,)
        plan = plan_render(request, self._parts.traits)
        if extras.planned or plan.settings.encoding is Encoding.SAMPLE:
            return whole.split(1)
        work = replace(work_of(plan, request.reference is not None), takes=len(whole.takes))
        return whole.split(self._planned_memory(work).work.takes)

    def _render_batch(
        self,
        request: RenderRequest,
        batch: Batch,
        progress: OnProgress,
        should_stop: ShouldStop,
        extras: Extras,
    ) -> Iterator[Rendered]:
        self._parts.begin(should_stop)
        with self._explained("during the render"):
            applied = self._read(extras.adapters)
            self._parts.adapt(applied)
            vae = self._choose_vae(extras.vae)
            plan = replace(plan_render(request, self._parts.traits), together=batch.takes)
            if request.lyric_times:
                present_heads(self._parts.traits, self.folder.config.dit)  # before anything is rendered
            self._house.close()
            work = replace(work_of(plan, request.reference is not None), takes=len(batch.takes))
            self._parts.arrange(self._planned_memory(work).placement)
            given = request.blueprint
            if given is not None:
                plan = with_codes(plan, request, given.codes)
            if extras.planned and not plan.codes:
                pace = Pace(progress, should_stop).part(0, _PLANNED)
                plan, file, words = self._planned(request, plan, extras, pace)
                yield replace(file, take=request.take)
                given = words if given is None else replace(given, codes=words.codes, fit=words.fit)
                progress = within(progress, _PLANNED, 1.0)
            if given is not None and not request.lyric_times:
                yield from (replace(given, take=take) for take in request.takes)
            news = None
            for found in self._renderer.render(request, plan, progress, should_stop):
                if isinstance(found, Blueprint):
                    known = given or Blueprint(caption=request.caption, language=_said(request))
                    found = replace(_timed(known, found), take=found.take)
                if isinstance(found, Report):
                    news = news or self._parts.news()
                    found = self._completed(found, applied, *news)
                    found = replace(found, figures={**found.figures, **vae})
                yield found

    def words(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop, extras: Extras
    ) -> Iterator[Rendered]:
        """A Blueprint for PLAN, REWRITE and ANALYSE, and its Report. Raises CannotRender, RenderStopped."""
        pace = Pace(progress, should_stop)
        with self._explained("while the planner wrote"):
            self._house.refuse(self.folder.name)
            codes, notes = self._heard(request, pace.part(0.0, _HEARD))
            pace = pace.part(_HEARD if codes else 0.0, 1.0)
            self._parts.release()  # the planner is as large as all other networks together
            planner = self._house.planner(pace)
            if request.task is Task.PLAN:
                found = word_tasks.plan(planner, request, extras.drawing, pace)
                notes = (word_tasks.LAID_OUT,) if found.sections else ()
            elif request.task is Task.REWRITE:
                found = word_tasks.rewrite(planner, request, extras.drawing, pace)
            else:
                found = word_tasks.understand(planner, request, codes, extras.drawing, pace)
        yield found
        untrained = (UNTRAINED_WORDS,) if self.folder.traits.untrained else ()
        yield Report(
            f"Written by the planner {self._house.name}.",
            {"planner": self._house.name, "codes": len(found.codes or codes)},
            (*untrained, *notes, *word_tasks.settled(request).notes),
            weights=self._house.name,
        )

    def _heard(self, request: RenderRequest, pace: Pace) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """The audio codes of the song to describe, and a note on what was left out; () for other tasks."""
        if request.task is not Task.ANALYSE:
            return (), ()
        song, most = request.required_song, word_tasks.MAX_UNDERSTOOD_SECONDS
        self._house.close()
        self._choose_vae("")
        self._parts.arrange(self._placed(Work(most * FRAMES_PER_SECOND, guided=False, source=True)))
        start, end = max(0, request.start), min(request.end, song.frames)
        heard = min(end, start + most * song.rate)
        codes = self._renderer.codes_of(song, start, heard, pace)
        note = (f"The planner heard the first {most // 60} minutes of it.",) if heard < end else ()
        return codes, (word_tasks.GUESSED, *note)

    def unload(self) -> None:
        """Frees all memory; the next render reloads what it needs."""
        self._house.close()
        self._renderer.forget()
        self._parts.release()

    def _explained(self, when: str) -> AbstractContextManager[None]:
        """Turns a failed allocation inside into RanOutOfMemory, after freeing everything."""
        return memory_explained(
            self.unload, f"The device {self._device.label} ran out of memory {when}.", _MORE_MEMORY
        )

    def _placed(self, work: Work) -> Placement:
        """Raises CannotRender for work that no placement can fit."""
        return self._planned_memory(work).placement

    def _planned_memory(self, work: Work) -> MemoryPlan:
        """The plan may be for fewer takes. Raises CannotRender for work that no placement can fit."""
        fastest = self._device.fastest(self._heads)
        if self._budget is None:  # the system does not report free memory, so use as little as is still fast
            return plan_memory(self._sizes, replace(work, takes=1), replace(fastest, offload=True))
        return preflight(self._sizes, work, self._budget, fastest)

    def _choose_vae(self, name: str) -> dict[str, str]:
        """Opens the autoencoder of this name for this render; its figures for the recipe. Raises CannotRender."""
        place = chosen_autoencoder(self.folder, name) if name not in ("", OFFICIAL) else None
        if self._parts.use_vae(place):
            self._renderer.forget()  # what was encoded with the other one
        if place is None:
            return {}
        files = weight_files(place, "diffusion_pytorch_model")
        return {"vae": name, "vae_digest": fingerprint(files)}

    def _read(self, requests: tuple[AdapterRequest, ...]) -> AppliedAdapters:
        """Raises CannotRender for a file that is not an adapter for this checkpoint, and for one that comes twice."""
        found: list[AppliedAdapter] = []
        for request in requests:
            adapter = read_adapter(request.path, dit_shapes(self._weights))
            if adapter in [each.adapter for each in found]:
                raise CannotRender(
                    f"The adapter {adapter.name} is given twice.", "Give it once, with the strength you want."
                )
            found.append(AppliedAdapter(adapter, request.strength))
        return tuple(found)

    def _planned(
        self, request: RenderRequest, plan: RenderPlan, extras: Extras, pace: Pace
    ) -> tuple[RenderPlan, Attachment, Blueprint]:
        """The plan with the planner's song, and that song for the producer, as a file and in words.

        Raises CannotRender without a planner, or if it does not fit.
        """
        if request.task is not Task.GENERATE:
            raise CannotRender(
                "The planner only plans new songs; its codes would replace the source.",
                "Use it with generate, or omit the option planner.",
            )
        self._house.refuse(self.folder.name)
        self._parts.release()  # the planner is as large as all other networks together
        try:
            planner = self._house.planner(pace)
            written, file = plan_song(planner, self._house.name, request, plan, extras.drawing, pace)
        finally:
            self._house.close()
        plan = with_song_plan(plan, request, written)
        return plan, file, blueprint_of(plan, request, written)

    def _computed_with(self, placement: Placement) -> dict[str, Any]:
        """What else decides on the last bits."""
        if self._device.kernels is None:
            return {"autoencoder_frames": placement.vae_frames, "torch": str(torch.__version__)}
        return {
            "packed_layers": self._device.kernels.packs,
            "threads": torch.get_num_threads(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
        }

    def _completed(
        self, report: Report, applied: AppliedAdapters, step: str, news: tuple[str, ...]
    ) -> Report:
        placement, attention = self._parts.placement, self._device.attention(self._heads)
        figures: dict[str, Any] = {
            **report.figures,
            "device": self._device.label,
            "numbers": _name(self._device.dtype),
            "transformer_numbers": _name(self._device.transformer),
            "linear_layers": "oneDNN" if self._device.onednn else "torch",
            "autoencoder_sine": "numpy" if self._device.sine else "torch",
            "attention": "in blocks" if attention is None else attention.name,
            **self._computed_with(placement),
            "step": step,
            "offloaded": placement.offload,
            "int8": placement.int8,
            "weights_digest": self._fingerprint,
        }
        weights = self.folder.name
        if applied:
            weights += f" with adapter {' + '.join(each.adapter.name for each in applied)}"
        for number, each in enumerate(applied, 1):
            name = "adapter" if number == 1 else f"adapter_{number}"
            figures |= {
                name: each.adapter.name,
                f"{name}_strength": each.strength,
                f"{name}_digest": each.adapter.digest,
            }
        notes = (*report.notes, *news)
        if placement.int8 and self._budget is not None:
            notes += (
                f"The transformer ran with 8-bit weights, because the device has {self._budget / GIGABYTE:.1f} GB.",
            )
        return replace(report, figures=figures, notes=notes, weights=weights)


def _timed(known: Blueprint, heard: Blueprint) -> Blueprint:
    """What is known of a song, with its lyrics where they are sung, if that could be told."""
    if known.lyrics and not heard.lyrics_timed:
        return known
    return replace(known, lyrics=heard.lyrics, lyrics_timed=heard.lyrics_timed)


def _said(request: RenderRequest) -> str:
    return "" if request.language == UNKNOWN_LANGUAGE else request.language


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _files(weights: Weights, companions: Neighbours) -> set[Path]:
    """Every weight file a render with this checkpoint depends on."""
    own = {path for opened in weights.files.values() for path in opened.paths}
    return (
        own
        | set(weight_files(companions.vae, "diffusion_pytorch_model"))
        | set(weight_files(companions.text_encoder, "model"))
    )


def work_of(plan: RenderPlan, reference: bool = False) -> Work:
    """What a render needs from the device."""
    # Byte-level tokens: never more than there are bytes, plus the end marker.
    lyrics = max(min(MAX_LYRIC_TOKENS, len(each.lyrics.encode()) + 1) for each in plan.prompts)
    return Work(
        frames=plan.window.frames,
        guided=plan.settings.guidance.scale > 1,
        condition_tokens=lyrics + MAX_TEXT_TOKENS + 1,
        source=plan.window.source[0] < plan.window.source[1],
        reference=reference,
        sides=1 if plan.settings.edit is None and plan.settings.switch_step is None else 2,
    )
