"""Plans a new song with the language model before denoising: a request in, a song plan out.

The planner is loaded only for this phase, since it is as large as all other networks together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from model.acestep.conditioning import prompts
from model.acestep.conditioning.qwen_text_encoder import load_network, load_tokenizer, text_parameters
from model.acestep.conditioning.request_plan import RenderPlan, SongPlan
from model.acestep.device.devices import Device
from model.acestep.device.memory_plan import GIGABYTE, RESERVE
from model.acestep.device.parts import empty
from model.acestep.latent_grid import FRAMES_PER_SECOND
from model.acestep.planner.drawing import Drawing
from model.acestep.planner.plan_fit import fit_of
from model.acestep.planner.planner import NO_CODES, OnTokens, Planner, PlanRequest
from model.acestep.planner.planner_prompts import NOTHING_SAID, PlannedSong
from model.acestep.sampling.samplers import NoisePurpose, generator
from model.blueprint import Blueprint
from model.engine import Attachment, RenderRequest
from model.errors import CannotRender
from model.pace import Pace

if TYPE_CHECKING:
    from transformers import Qwen3Model

GET_PLANNER = (
    "Run `takebridge models pull planner-1.7b` (or planner-0.6b) to install acestep-5Hz-lm-1.7B, "
    "or omit the option planner."
)
_THOUGHTS_SHARE = 0.2  # of the time a plan takes
_WRITTEN = 0.95  # then it is read once more
_CACHE_BYTES = 600_000_000
"""Key-value cache of two answers of 600 s, as an upper estimate for the smaller planners."""


def refuse_unless_it_fits(folder: Path, device: Device, budget: int | None) -> None:
    """Raises CannotRender if the planner alone is too large for the device."""
    need = text_parameters(folder) * device.number_bytes + _CACHE_BYTES + RESERVE
    if budget is not None and need > budget:
        raise CannotRender(
            f"The planner {folder.name} needs {need / GIGABYTE:.1f} GB, "
            f"but the device has {budget / GIGABYTE:.1f} GB free.",
            "Install a smaller planner (acestep-5Hz-lm-0.6B) instead, or omit the option planner.",
        )


class PlannerHouse:
    """The planner of a checkpoint, loaded for as long as requests want its words.

    Takes of one request follow each other, so it stays until something else needs the memory.
    """

    def __init__(self, folder: Path | None, device: Device, budget: int | None) -> None:
        self._folder = folder
        self._device = device
        self._budget = budget
        self._open: tuple[Qwen3Model, Planner] | None = None

    @property
    def name(self) -> str:
        """Of its folder; "" without one."""
        return "" if self._folder is None else self._folder.name

    def refuse(self, beside: str) -> None:
        """Raises CannotRender without a planner, or if it does not fit. beside: the checkpoint's name."""
        if self._folder is None:
            raise CannotRender(f"No planner is installed next to {beside}.", GET_PLANNER)
        refuse_unless_it_fits(self._folder, self._device, self._budget)

    def planner(self, pace: Pace) -> Planner:
        """The planner, loaded now unless it is. Raises NotLoaded, RenderStopped. `refuse` comes first."""
        assert self._folder is not None, "refused before"
        if self._open is None:
            pace.at("loading the planner", 0.0)
            network = load_network(self._folder, self._device.dtype, self._device.place)
            self._open = network, Planner(network, load_tokenizer(self._folder))
        return self._open[1]

    def close(self) -> None:
        """Frees its memory."""
        if self._open is not None:
            empty(self._open[0])
            self._open = None


def plan_song(
    planner: Planner,
    name: str,
    request: RenderRequest,
    plan: RenderPlan,
    options: Mapping[str, float],
    pace: Pace,
) -> tuple[SongPlan, Attachment]:
    """The plan of a new song, and the same as a file for the producer. Raises CannotRender, RenderStopped.

    plan: the render plan without it. Equal requests, seeds and takes give equal song plans.
    """
    wanted, drawing = wanted_of(request, plan), Drawing().changed(options)
    source = generator(request.seed, request.take, NoisePurpose.PLAN)
    thinking, coding = pace.part(0.0, _THOUGHTS_SHARE), pace.part(_THOUGHTS_SHARE, _WRITTEN)
    facts = planner.think(wanted, drawing, source, _reported(thinking), pace.stops)
    codes = planner.code(wanted, facts, drawing, source, _reported(coding), pace.stops)
    if not codes:
        raise CannotRender(NO_CODES, "Use another seed, or omit the option planner.")
    written = song_plan_of(PlannedSong(facts, codes), request)
    pace.at("comparing the plan with its words", _WRITTEN)
    fit = fit_of(planner, codes, written.caption or request.caption, request.lyrics, facts, pace.stops)
    record = {"planner": name, "facts": dict(facts), "audio_codes": list(codes), "fit": fit}
    data = json.dumps(record, ensure_ascii=False, indent=1).encode()
    return replace(written, fit=fit), Attachment("blueprint.json", "application/json", data)


def _reported(pace: Pace) -> OnTokens:
    return lambda done, most: pace.at("planning the song", done / most)


def wanted_of(request: RenderRequest, plan: RenderPlan) -> PlanRequest:
    """The planner's request: the host's values are fixed, and the caption stays the producer's if there is one."""
    seconds = plan.window.frames / FRAMES_PER_SECOND
    metas = plan.metas
    facts: Mapping[str, str | None] = {
        "bpm": None if metas.bpm is None else str(metas.bpm),
        "duration": str(int(seconds)),
        "keyscale": metas.key,
        "timesignature": metas.meter,
        "language": None if request.language == prompts.UNKNOWN_LANGUAGE else request.language,
    }
    known = {name: value for name, value in facts.items() if value is not None}
    return PlanRequest(
        request.caption or NOTHING_SAID,
        request.lyrics or prompts.INSTRUMENTAL,
        seconds,
        known,
        writes_caption=not request.caption,
    )


def song_plan_of(answer: PlannedSong, request: RenderRequest) -> SongPlan:
    """The song plan in an answer. The planner fills in a missing caption and an unknown language."""

    facts = answer.facts
    language = str(facts.get("language", ""))
    return SongPlan(
        prompts.metas_from_mapping(facts),
        answer.codes,
        "" if request.caption else str(facts.get("caption", "")),
        language if request.language == prompts.UNKNOWN_LANGUAGE and language in prompts.LANGUAGES else "",
    )


def blueprint_of(plan: RenderPlan, request: RenderRequest, written: SongPlan) -> Blueprint:
    """The words the song is composed from: the producer's where they were given, else the planner's.

    plan: with the song plan. Tempo and meter are the host's, so they are left to its tempo map.
    """
    language = written.language or request.language
    return Blueprint(
        key=plan.metas.key,
        caption=written.caption or request.caption,
        language="" if language == prompts.UNKNOWN_LANGUAGE else language,
        seconds=request.length / request.rate,
        codes=written.codes,
        fit=written.fit,
    )
