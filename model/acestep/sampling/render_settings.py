"""How a render is sampled: a request's strength and options, with a checkpoint's defaults for the rest.

Values are checked against the table `OPTIONS`; option_help.py describes the same options to clients.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from model.acestep.sampling import schedules
from model.acestep.sampling.flow_edit import FlowEdit
from model.acestep.sampling.guidance import GuidanceKind, GuidanceSettings
from model.acestep.sampling.masks import MaskMode
from model.acestep.sampling.option_help import SAMPLING_HELP
from model.acestep.sampling.option_kinds import Number, Numbers, TimeList, WordOption
from model.acestep.sampling.repaint_ops import RepaintMode, RepaintSettings, repaint_settings
from model.acestep.sampling.samplers import Method, SamplerSettings, Sampling, Solver
from model.acestep.sampling.wavelet import WAVELETS, WaveletMode, WaveletSettings
from model.acestep.weights.capabilities import CheckpointTraits, ModelTask, Training
from model.errors import CannotRender


class Encoding(enum.Enum):
    """How the autoencoder encodes the song."""

    MEAN = "mean"  # its most likely latents: equal requests give equal audio
    SAMPLE = "sample"  # drawn with the request's seed, as the official application does without a seed


class CoverFrom(enum.Enum):
    """What the network sees of the song that is covered or edited."""

    CODES = "codes"  # the song reduced to audio codes: its melody and form
    SONG = "song"  # its latents as they are: a faithful remix
    NOTHING = "nothing"  # silence; an edit still moves from the song


class WaveletChoice(enum.Enum):
    """The wavelet correction's modes, or none."""

    OFF = "off"
    DOUBLE = "double"
    LOW = "low"
    HIGH = "high"
    PIX = "pix"


class WaveletName(enum.Enum):
    """The filters the correction can use."""

    HAAR = WAVELETS[0]
    DB4 = WAVELETS[1]


OPTIONS: Mapping[str, Number | Numbers | WordOption | TimeList] = {
    "steps": Number(SAMPLING_HELP["steps"], 1, 200, whole=True),
    "shift": Number(SAMPLING_HELP["shift"], 0.1, 10),
    "times": TimeList(SAMPLING_HELP["times"]),
    "guidance": Number(SAMPLING_HELP["guidance"], 1, 30),
    "guidance_kind": WordOption(SAMPLING_HELP["guidance_kind"], GuidanceKind),
    "guidance_start": Number(SAMPLING_HELP["guidance_start"], 0, 1),
    "guidance_end": Number(SAMPLING_HELP["guidance_end"], 0, 1),
    "method": WordOption(SAMPLING_HELP["method"], Method),
    "solver": WordOption(SAMPLING_HELP["solver"], Solver),
    "velocity_limit": Number(SAMPLING_HELP["velocity_limit"], 0, 10),
    "velocity_memory": Number(SAMPLING_HELP["velocity_memory"], 0, 0.99),
    "wavelet": WordOption(SAMPLING_HELP["wavelet"], WaveletChoice),
    "wavelet_scale": Number(SAMPLING_HELP["wavelet_scale"], 0, 1),
    "wavelet_high_scale": Number(SAMPLING_HELP["wavelet_high_scale"], 0, 1),
    "wavelet_filter": WordOption(SAMPLING_HELP["wavelet_filter"], WaveletName),
    "mask": WordOption(SAMPLING_HELP["mask"], MaskMode),
    "repaint_mode": WordOption(SAMPLING_HELP["repaint_mode"], RepaintMode),
    "cover_strength": Number(SAMPLING_HELP["cover_strength"], 0, 1),
    "cover_noise": Number(SAMPLING_HELP["cover_noise"], 0, 1),
    "variance": Numbers(SAMPLING_HELP["variance"], 0, 1),
    "variation": Numbers(SAMPLING_HELP["variation"], 0, 2**63 - 1, whole=True),
    "retake_of": Numbers(SAMPLING_HELP["retake_of"], 1, 1000, whole=True),
    "cover_from": WordOption(SAMPLING_HELP["cover_from"], CoverFrom),
    "edit_start": Number(SAMPLING_HELP["edit_start"], 0, 1),
    "edit_end": Number(SAMPLING_HELP["edit_end"], 0, 1),
    "edit_draws": Number(SAMPLING_HELP["edit_draws"], 1, 8, whole=True),
    "encode": WordOption(SAMPLING_HELP["encode"], Encoding),
}


@dataclass(frozen=True)
class Retake:
    """A second noise in a take's first one.

    variance: its share, 0..1. variation: selects it. take: whose it is, from 0; None = of the take that is rendered.
    """

    variance: float
    variation: int = 0
    take: int | None = None


@dataclass(frozen=True)
class RenderSettings:
    """All sampling settings of a render.

    times: the schedule, already shortened if a cover starts from its noised source.
    repaint: how the surroundings are preserved; None for tasks without a region.
    cover_strength: fraction of the steps before the condition switches to the prompt alone; 1 = never.
    cover_noise: above 0 the render starts from the noised source.
    start_take: the take whose noise is used, in place of the render's own. retakes: what is blended into it, in order.
    edit: how a song is edited that is kept otherwise; None for all other renders.
    """

    times: schedules.Times
    sampler: SamplerSettings
    guidance: GuidanceSettings
    mask_mode: MaskMode = MaskMode.EXPLICIT
    repaint: RepaintSettings | None = None
    cover_strength: float = 1.0
    cover_noise: float = 0.0
    start_take: int | None = None
    retakes: tuple[Retake, ...] = ()
    edit: FlowEdit | None = None
    encoding: Encoding = Encoding.MEAN
    notes: tuple[str, ...] = ()

    @property
    def switch_step(self) -> int | None:
        """The first step without the source; None if all steps use it."""
        if self.cover_strength >= 1:
            return None
        return int(schedules.step_count(self.times) * self.cover_strength)


def settings_for(
    traits: CheckpointTraits,
    task: ModelTask,
    strength: float,
    options: Mapping[str, Any],
    *,
    edits: bool = False,
) -> RenderSettings:
    """A checkpoint's defaults, overridden by a request's strength and options.

    strength: 0 = close to the replaced audio, 1 = far from it. edits: whether the render edits a song. Raises
    CannotRender for an option that is unknown or out of range.
    """
    chosen = checked(options)
    notes: list[str] = []
    if edits:
        return _edit_settings(traits, strength, chosen, notes)
    if lost := [name for name in EDIT_OPTIONS if name in chosen]:
        raise CannotRender(
            f"The option {lost[0]} is for edits only.", "Set edit on a cover, or omit the option."
        )
    cover_strength, cover_noise = _cover(task, strength)
    cover_noise = chosen.get("cover_noise", cover_noise)
    return RenderSettings(
        times=_times(traits, chosen, cover_noise, notes),
        sampler=_sampler(traits, chosen),
        guidance=_guidance(traits, chosen, notes),
        mask_mode=chosen.get("mask", MaskMode.EXPLICIT),
        repaint=_repaint(task, strength, chosen),
        cover_strength=chosen.get("cover_strength", cover_strength),
        cover_noise=cover_noise,
        start_take=_start_take(chosen),
        retakes=_retakes(chosen),
        encoding=chosen.get("encode", Encoding.MEAN),
        notes=tuple(notes),
    )


def _edit_settings(
    traits: CheckpointTraits, strength: float, chosen: Mapping[str, Any], notes: list[str]
) -> RenderSettings:
    """An edit's. The official loop leaves no choice of solver, wavelet correction, noise or strength."""
    if unused := [name for name in NOT_IN_EDITS if name in chosen] + ["strength"] * (strength != 0.5):
        notes.append(f"An edit does not use {' and '.join(unused)}.")
    start, end = chosen.get("edit_start", 0.0), chosen.get("edit_end", 1.0)
    if start > end:
        raise CannotRender(
            f"edit_start ({start:g}) is above edit_end ({end:g}).", "Use an edit_start of at most edit_end."
        )
    steps = _allowed_steps(traits, chosen, notes)
    shift = chosen.get("shift", traits.defaults.shift)
    sampling = Sampling.TURBO if traits.training is Training.TURBO else Sampling.BASE
    limit, memory = chosen.get("velocity_limit", 0.0), chosen.get("velocity_memory", 0.0)
    with _explained_times():
        times = schedules.edit_times(steps, shift, chosen.get("times", ()))
    return RenderSettings(
        times=times,
        sampler=SamplerSettings(sampling, velocity_limit=limit, velocity_memory=memory),
        guidance=_guidance(traits, chosen, notes),
        edit=FlowEdit(start, end, int(chosen.get("edit_draws", 1))),
        encoding=chosen.get("encode", Encoding.MEAN),
        notes=tuple(notes),
    )


EDIT_OPTIONS = ("edit_start", "edit_end", "edit_draws")
NOT_IN_EDITS = (
    "method", "solver", "wavelet", "wavelet_scale", "wavelet_high_scale", "wavelet_filter", "cover_strength",
    "cover_noise", "variance", "variation", "retake_of",
)  # fmt: skip


def _start_take(chosen: Mapping[str, Any]) -> int | None:
    takes = chosen.get("retake_of")
    return None if takes is None else int(takes[0]) - 1


def _retakes(chosen: Mapping[str, Any]) -> tuple[Retake, ...]:
    """The blends in their order. Raises CannotRender where the three lists do not go together."""
    shares = chosen.get("variance", ())
    numbers = chosen.get("variation", (0,) * len(shares))
    takes = chosen.get("retake_of")
    if len(numbers) not in (len(shares), 0 if shares else 1) or (
        takes is not None and len(takes) not in (len(shares), 1)
    ):
        raise CannotRender(
            "variance, variation and retake_of have different numbers of values.",
            "Give one variation, and one take that is varied, for each variance.",
        )
    numbers = (*numbers, *(0,) * len(shares))
    whose = [None if takes is None else int(take) - 1 for take in (takes or ())[1:]]
    return tuple(
        Retake(share, int(number), whose[index] if index < len(whose) else None)
        for index, (share, number) in enumerate(zip(shares, numbers, strict=False))
    )


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as checked, typed values. Raises CannotRender."""
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise CannotRender(
            f"The ACE-Step engine has no option {', '.join(unknown)}.", f"Available: {', '.join(OPTIONS)}."
        )
    return {name: OPTIONS[name].read(name, value) for name, value in options.items()}


def _cover(task: ModelTask, strength: float) -> tuple[float, float]:
    """(cover strength, cover noise) for a strength: 0.5 is the published default of 1 and 0.

    Below it a cover starts closer to the song's own sound; above it the conditioning on the song ends earlier.
    """
    if task not in (ModelTask.COVER, ModelTask.COVER_NOFSQ):
        return 1.0, 0.0
    return min(1.0, 1.5 - strength), max(0.0, 0.5 - strength)


def _times(
    traits: CheckpointTraits, chosen: Mapping[str, Any], cover_noise: float, notes: list[str]
) -> schedules.Times:
    shift = chosen.get("shift", traits.defaults.shift)
    if "times" in chosen:
        times = _own_times(traits, chosen["times"], shift)
    else:
        times = _regular_times(traits, _allowed_steps(traits, chosen, notes), shift)
    return schedules.rounded(schedules.from_nearest(times, 1 - cover_noise) if cover_noise > 0 else times)


def _allowed_steps(traits: CheckpointTraits, chosen: Mapping[str, Any], notes: list[str]) -> int:
    wanted = int(chosen.get("steps", traits.defaults.steps))
    steps = min(wanted, traits.defaults.most_steps)
    if steps < wanted:
        notes.append(f"Used {steps} steps instead of {wanted}, the maximum of {traits.name}.")
    return steps


def _regular_times(traits: CheckpointTraits, steps: int, shift: float) -> schedules.Times:
    turbo = traits.training is Training.TURBO
    return schedules.turbo_times(steps, shift) if turbo else schedules.base_times(steps, shift)


def _own_times(traits: CheckpointTraits, wanted: tuple[float, ...], shift: float) -> schedules.Times:
    if traits.training is Training.TURBO:
        return schedules.turbo_custom(wanted, shift)
    with _explained_times():
        return schedules.base_custom(wanted)


@contextmanager
def _explained_times() -> Iterator[None]:
    try:
        yield
    except ValueError as wrong:
        raise CannotRender(
            f"The option times is invalid: {wrong}.", "Use at least two falling times."
        ) from wrong


def _guidance(traits: CheckpointTraits, chosen: Mapping[str, Any], notes: list[str]) -> GuidanceSettings:
    scale, limit = chosen.get("guidance", traits.defaults.guidance), traits.defaults.most_guidance
    if scale > limit:
        notes.append(f"Ignored guidance: {traits.name} was distilled to work without it.")
    start, end = chosen.get("guidance_start", 0.0), chosen.get("guidance_end", 1.0)
    if start > end:
        raise CannotRender(
            f"guidance_start ({start:g}) is above guidance_end ({end:g}).",
            "Use a guidance_start of at most guidance_end.",
        )
    return GuidanceSettings(min(scale, limit), chosen.get("guidance_kind", GuidanceKind.APG), start, end)


def _sampler(traits: CheckpointTraits, chosen: Mapping[str, Any]) -> SamplerSettings:
    return SamplerSettings(
        Sampling.TURBO if traits.training is Training.TURBO else Sampling.BASE,
        chosen.get("method", Method.ODE),
        chosen.get("solver", Solver.EULER),
        chosen.get("velocity_limit", 0.0),
        chosen.get("velocity_memory", 0.0),
        _wavelet(chosen),
    )


def _wavelet(chosen: Mapping[str, Any]) -> WaveletSettings | None:
    """On by default, like the official application since spring 2026."""
    mode: WaveletChoice = chosen.get("wavelet", WaveletChoice.DOUBLE)
    if mode is WaveletChoice.OFF:
        return None
    published = WaveletSettings()
    return WaveletSettings(
        WaveletMode(mode.value),
        chosen.get("wavelet_scale", published.scale),
        chosen.get("wavelet_high_scale", published.high_scale),
        chosen.get("wavelet_filter", WaveletName.HAAR).value,
    )


def _repaint(task: ModelTask, strength: float, chosen: Mapping[str, Any]) -> RepaintSettings | None:
    if task is not ModelTask.REPAINT:
        return None
    return repaint_settings(chosen.get("repaint_mode", RepaintMode.BALANCED), strength)
