"""Plans a new song with the language model before denoising: a request in, a song plan out.

The planner is loaded only for this phase, since it is as large as all other networks together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from model.acestep.conditioning import prompts
from model.acestep.conditioning.qwen_text_encoder import load_network, load_tokenizer, text_parameters
from model.acestep.conditioning.request_plan import RenderPlan, SongPlan
from model.acestep.device.devices import Device
from model.acestep.device.memory_plan import GIGABYTE, RESERVE
from model.acestep.device.parts import empty
from model.acestep.latent_grid import FRAMES_PER_SECOND
from model.acestep.planner.planner import Drawing, Planner, PlanRequest
from model.acestep.planner.planner_prompts import NOTHING_SAID, PlannedSong
from model.acestep.sampling.samplers import NoisePurpose, generator
from model.blueprint import Blueprint
from model.engine import Attachment, RenderRequest
from model.errors import CannotRender
from model.pace import Pace

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


def plan_song(
    folder: Path, device: Device, request: RenderRequest, plan: RenderPlan, pace: Pace
) -> tuple[SongPlan, Attachment]:
    """The plan of a new song, and the same as a file for the producer. Raises CannotRender, RenderStopped.

    plan: the render plan without it. Equal requests, seeds and takes give equal song plans.
    """
    pace.at("loading the planner", 0.0)
    network = load_network(folder, device.dtype, device.place)
    try:
        planner = Planner(network, load_tokenizer(folder))
        pace.at("planning the song", 0.0)
        answer = planner.plan(
            wanted_of(request, plan),
            Drawing(),
            generator(request.seed, request.take, NoisePurpose.PLAN),
            lambda done, most: pace.at("planning the song", done / most),
            pace.stops,
        )
    finally:
        empty(network)
    record = {"planner": folder.name, "facts": dict(answer.facts), "audio_codes": list(answer.codes)}
    data = json.dumps(record, ensure_ascii=False, indent=1).encode()
    return song_plan_of(answer, request), Attachment("blueprint.json", "application/json", data)


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
    )
