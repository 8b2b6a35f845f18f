"""Whole renders with the tiny random checkpoint: against the reference's, and what every phase promises."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep import pipeline
from model.acestep.latent_grid import plan_window
from model.acestep.networks.attention import Attention, KeysValues
from model.acestep.pipeline import Conditions, Noises, PromptStates, Scene
from model.acestep.sampling.guidance import GuidanceKind, GuidanceSettings
from model.acestep.sampling.masks import MaskMode
from model.acestep.sampling.render_settings import RenderSettings, Retake
from model.acestep.sampling.repaint_ops import RepaintMode, repaint_settings
from model.acestep.sampling.samplers import Method, SamplerSettings, Sampling, Solver, varied
from model.acestep.sampling.schedules import Times, base_times, from_nearest, turbo_times
from model.acestep.sampling.wavelet import WaveletSettings
from model.acestep.weights.capabilities import ModelTask
from model.errors import RenderStopped
from tests.model.acestep.golden_data import table, tensors, worst
from tests.model.acestep.tiny_models import TURBO, networks, silence

INPUTS = tensors("e2e_inputs")
GOLDEN = {**tensors("e2e_turbo"), **tensors("e2e_base")}
FRAMES, STEPS_OF_BASE = 33, 6
TOLERANCE = {"turbo": 1e-4, "base": 5e-4}
REPAINTED, LATE = (10, 22), (20, 33)

AGGRESSIVE = repaint_settings(RepaintMode.AGGRESSIVE)
BALANCED = repaint_settings(RepaintMode.BALANCED, 0.5)
CONSERVATIVE = repaint_settings(RepaintMode.CONSERVATIVE)
APG = GuidanceSettings(7.0)


EIGHT_STEPS = turbo_times(8, 3.0)


def turbo(times: Times = EIGHT_STEPS, **sampling: object) -> RenderSettings:
    sampler = SamplerSettings(Sampling.TURBO, **sampling)  # type: ignore[arg-type]
    return RenderSettings(times, sampler, GuidanceSettings())


def base(
    shift: float = 1.0,
    guidance: GuidanceSettings = APG,
    steps: int = STEPS_OF_BASE,
    **sampling: object,
) -> RenderSettings:
    sampler = SamplerSettings(Sampling.BASE, **sampling)  # type: ignore[arg-type]
    return RenderSettings(base_times(steps, shift), sampler, guidance)


def retaken(settings: RenderSettings, variance: float) -> RenderSettings:
    return replace(settings, retakes=(Retake(variance),))


WAVELET = WaveletSettings()
AUTO = MaskMode.AUTO
NOISED = from_nearest(EIGHT_STEPS, 1 - 0.3)

Case = tuple[ModelTask, RenderSettings, tuple[int, int] | None]


def words(settings: RenderSettings) -> Case:
    return ModelTask.TEXT2MUSIC, settings, None


def cover(settings: RenderSettings, **changed: float) -> Case:
    return ModelTask.COVER, replace(settings, **changed), None  # type: ignore[arg-type]


def repaint(settings: RenderSettings, region: tuple[int, int] = REPAINTED, **changed: object) -> Case:
    return ModelTask.REPAINT, replace(settings, **changed), region  # type: ignore[arg-type]


def lego(**changed: object) -> Case:
    return ModelTask.LEGO, replace(base(), **changed), REPAINTED  # type: ignore[arg-type]


CASES: dict[str, Case] = {
    "turbo.text2music": words(turbo()),
    "turbo.text2music_shift1": words(turbo(turbo_times(8, 1.0))),
    "turbo.text2music_dcw": words(turbo(wavelet=WAVELET)),
    "turbo.text2music_heun": words(turbo(solver=Solver.HEUN)),
    "turbo.text2music_sde": words(turbo(method=Method.SDE)),
    "turbo.text2music_clamp_ema": words(turbo(velocity_limit=0.8, velocity_memory=0.3)),
    "turbo.text2music_heun_clamp_ema_dcw": words(
        turbo(
            turbo_times(4, 3.0),
            solver=Solver.HEUN,
            velocity_limit=0.8,
            velocity_memory=0.3,
            wavelet=WAVELET,
        )
    ),
    "turbo.text2music_retake": words(retaken(turbo(), 0.3)),
    "turbo.cover": cover(turbo()),
    "turbo.cover_strength0.5": cover(turbo(), cover_strength=0.5),
    "turbo.cover_strength0.0": cover(turbo(), cover_strength=0.0),
    "turbo.cover_noise0.3": cover(turbo(NOISED), cover_noise=0.3),
    "turbo.cover_noise0.3_strength0.5": cover(turbo(NOISED), cover_noise=0.3, cover_strength=0.5),
    "turbo.cover_nofsq": (ModelTask.COVER_NOFSQ, turbo(), None),
    "turbo.codes": words(turbo()),
    "turbo.repaint_aggressive_explicit": repaint(turbo(), repaint=AGGRESSIVE),
    "turbo.repaint_balanced0.5_explicit": repaint(turbo(), repaint=BALANCED),
    "turbo.repaint_aggressive_auto": repaint(turbo(), repaint=AGGRESSIVE, mask_mode=AUTO),
    "turbo.repaint_balanced0.5_auto": repaint(turbo(), repaint=BALANCED, mask_mode=AUTO),
    "turbo.repaint_conservative_auto": repaint(turbo(), repaint=CONSERVATIVE, mask_mode=AUTO),
    "turbo.repaint_default": repaint(
        turbo(turbo_times(8, 1.0), wavelet=WAVELET), repaint=BALANCED, mask_mode=AUTO
    ),
    "turbo.continue": repaint(turbo(), LATE, repaint=BALANCED, mask_mode=AUTO),
    "base.text2music_apg": words(base(3.0)),
    "base.text2music_noguidance": words(base(1.0, GuidanceSettings(1.0))),
    "base.text2music_interval": words(base(1.0, GuidanceSettings(7.0, interval_start=0.4, interval_end=0.8))),
    "base.text2music_adg": words(base(3.0, GuidanceSettings(7.0, GuidanceKind.ADG))),
    "base.text2music_heun": words(base(3.0, steps=4, solver=Solver.HEUN)),
    "base.text2music_sde": words(base(3.0, method=Method.SDE)),
    "base.text2music_dcw": words(base(3.0, wavelet=WAVELET)),
    "base.extract": (ModelTask.EXTRACT, base(), None),
    "base.complete": (ModelTask.COMPLETE, base(), None),
    "base.lego_whole": (ModelTask.LEGO, replace(base(), repaint=BALANCED), None),
    "base.lego_range_explicit": lego(repaint=AGGRESSIVE),
    "base.lego_range_auto_balanced": lego(repaint=BALANCED, mask_mode=AUTO),
    "base.repaint_conservative_auto": repaint(base(), repaint=CONSERVATIVE, mask_mode=AUTO),
    "base.cover_strength0.5": cover(base(3.0), cover_strength=0.5),
}


def remix(settings: RenderSettings, **changed: float) -> Case:
    return ModelTask.COVER_NOFSQ, replace(settings, **changed), None  # type: ignore[arg-type]


NEWER = tensors("remix_retake")
NEWER_CASES: dict[str, Case] = {
    "turbo.nofsq": remix(turbo()),
    "turbo.nofsq_strength0.5": remix(turbo(), cover_strength=0.5),
    "turbo.nofsq_noise0.4_strength0.7_dcw": remix(
        turbo(from_nearest(EIGHT_STEPS, 1 - 0.4), wavelet=WAVELET), cover_noise=0.4, cover_strength=0.7
    ),
    "base.nofsq_apg": remix(base(3.0)),
    "base.nofsq_strength0.4_noise0.25": remix(
        replace(base(1.0, GuidanceSettings(5.0)), times=from_nearest(base_times(8, 1.0), 1 - 0.25)),
        cover_strength=0.4,
        cover_noise=0.25,
    ),
    "turbo.retake0.15": words(retaken(turbo(), 0.15)),
    "turbo.retake1.0": words(retaken(turbo(), 1.0)),
    "turbo.retake0.5_cover_noise0.3": cover(retaken(turbo(NOISED), 0.5), cover_noise=0.3),
    "turbo.retake0.4_repaint": repaint(retaken(turbo(), 0.4), repaint=BALANCED),
    "base.retake0.25_apg": words(retaken(base(3.0), 0.25)),
}


def test_every_stored_render_is_compared() -> None:
    assert set(CASES) == {name.removesuffix(".final") for name in GOLDEN if name.endswith(".final")}


EVERY_CASE = CASES | NEWER_CASES


def test_every_remix_and_retake_is_compared() -> None:
    stored = table("remix_retake")
    assert (
        set(NEWER_CASES)
        == set(stored)
        == {name.removesuffix(".final") for name in NEWER if name.endswith(".final")}
    )
    assert BALANCED.injected_steps(100) == round(100 * stored["turbo.retake0.4_repaint"]["injection"])
    assert BALANCED.crossfade_frames == stored["turbo.retake0.4_repaint"]["crossfade"]


def code_latents(name: str) -> Tensor | None:
    loaded = networks(TURBO)
    if name == "turbo.codes":
        codes = GOLDEN["turbo.codes.codes"].reshape(1, -1)
        return pipeline.latents_of_codes(loaded.tokenizer, loaded.detokenizer, codes, silence(), FRAMES)
    if EVERY_CASE[name][0] is ModelTask.COVER:
        return pipeline.code_latents(loaded.tokenizer, loaded.detokenizer, INPUTS["src_latents"], silence())
    return None


def scene(name: str) -> Scene:
    task, settings, region = EVERY_CASE[name]
    return pipeline.set_scene(task, INPUTS["src_latents"], silence(), settings, region, code_latents(name))


@cache
def conditions() -> Conditions:
    read = PromptStates(INPUTS["text_hidden"], INPUTS["lyric_hidden"], INPUTS["text_hidden_non_cover"])
    encoder = networks(TURBO).conditions
    return pipeline.encode_conditions(encoder, read, pipeline.encode_timbre(encoder, silence()))


def noises(settings: RenderSettings) -> Noises:
    start = INPUTS["noise"]
    for retake in settings.retakes:
        start = varied(start, INPUTS["retake_noise"], retake.variance)
    return Noises(start, tuple(INPUTS["sde_noises"]).__getitem__)


@pytest.mark.parametrize("name", CASES)
def test_renders_of_the_reference(name: str) -> None:
    settings = CASES[name][1]
    shown = scene(name)
    at_first = shown.unconditioned if settings.switch_step == 0 else shown.context
    assert worst(at_first, GOLDEN[f"{name}.context"]) <= 1e-5
    if f"{name}.context_after_switch" in GOLDEN:
        assert worst(shown.unconditioned, GOLDEN[f"{name}.context_after_switch"]) <= 1e-5
    final = pipeline.compose(networks(TURBO).dit, shown, conditions(), settings, noises(settings))
    assert worst(final, GOLDEN[f"{name}.final"]) <= TOLERANCE[name.partition(".")[0]]


@pytest.mark.parametrize("name", NEWER_CASES)
def test_remixes_and_retakes_of_the_reference(name: str) -> None:
    settings = NEWER_CASES[name][1]
    final = pipeline.compose(networks(TURBO).dit, scene(name), conditions(), settings, noises(settings))
    assert worst(final, NEWER[f"{name}.final"]) <= TOLERANCE[name.partition(".")[0]]


@pytest.mark.parametrize("name", [key.removesuffix(".states") for key in GOLDEN if key.endswith(".states")])
def test_the_latents_of_every_step(name: str) -> None:
    settings, seen = CASES[name][1], []
    dit = networks(TURBO).dit
    remember = dit.register_forward_pre_hook(lambda _dit, given: seen.append(given[0]))
    try:
        pipeline.compose(dit, scene(name), conditions(), settings, noises(settings))
    finally:
        remember.remove()
    looks_per_step = 2 if settings.guidance.scale > 1 else 1
    tolerance = TOLERANCE[name.partition(".")[0]]
    assert worst(torch.stack(seen[::looks_per_step]), GOLDEN[f"{name}.states"]) <= tolerance


@pytest.mark.parametrize("name", ["turbo.text2music", "base.text2music_apg", "turbo.cover_strength0.5"])
def test_what_the_condition_says_is_computed_once_for_all_steps(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dit, settings, computed = networks(TURBO).dit, CASES[name][1], []
    really, across = Attention.keys_values, {layer.cross_attention for layer in dit.layers}  # type: ignore[union-attr]

    def counted(attention: Attention, states: Tensor) -> KeysValues:
        if attention in across:
            computed.append(states)
        return really(attention, states)

    monkeypatch.setattr(Attention, "keys_values", counted)
    pipeline.compose(dit, scene(name), conditions(), settings, noises(settings))
    # With guidance also for no condition, with a switch also for what comes after it; never once a step.
    assert len(computed) == len(dit.layers) * (1 if name == "turbo.text2music" else 2)


def test_conditions() -> None:
    assert worst(conditions().prompt, GOLDEN["encoder_states"]) <= 1e-5
    unconditioned = conditions().unconditioned
    assert unconditioned is not None
    assert worst(unconditioned, GOLDEN["encoder_states_non_cover"]) <= 1e-5


def test_one_entry_of_no_condition_stands_for_all() -> None:
    dit, shown, settings = networks(TURBO).dit, scene("base.text2music_apg"), CASES["base.text2music_apg"][1]
    spread = conditions().nothing.expand_as(conditions().prompt)
    one = pipeline.compose(dit, shown, conditions(), settings, noises(settings))
    many = pipeline.compose(dit, shown, replace(conditions(), nothing=spread), settings, noises(settings))
    assert worst(one, many) <= TOLERANCE["base"]


# --- seeds, takes, stopping ---------------------------------------------------------------------------

RANDOM = retaken(turbo(method=Method.SDE), 0.4)


def composed(seed: int, takes: tuple[int, ...]) -> Tensor:
    drawn = pipeline.seeded_noises(seed, takes, FRAMES, 64, RANDOM)
    return pipeline.compose(networks(TURBO).dit, scene("turbo.text2music"), conditions(), RANDOM, drawn)


def test_a_repeat_is_identical_and_another_seed_or_take_is_not() -> None:
    first = composed(5, (0,))
    assert torch.equal(first, composed(5, (0,)))
    assert worst(first, composed(6, (0,))) > 0.1
    assert worst(first, composed(5, (1,))) > 0.1


def test_a_variation_turns_the_noise_of_a_take_towards_another() -> None:
    def start(*retakes: Retake, takes: tuple[int, ...] = (0,), of_take: int | None = None) -> Tensor:
        settings = replace(turbo(), retakes=retakes, start_take=of_take)
        return pipeline.seeded_noises(5, takes, FRAMES, 64, settings).start

    assert torch.equal(start(), start(Retake(0.0, 3)))
    near, far = (worst(start(), start(Retake(variance))) for variance in (0.05, 0.5))
    assert 0 < near < far
    assert worst(start(Retake(0.5)), start(Retake(0.5, 3))) > 0.1
    assert torch.equal(start(takes=(2,)), start(Retake(0.0), takes=(7,), of_take=2)), "take 3 is varied"
    assert worst(start(Retake(0.2), takes=(7,), of_take=2), start(Retake(0.2), takes=(8,), of_take=2)) > 0.1
    # Take 8 of the variations of take 3 is varied again: a little from where it was.
    first = start(Retake(0.2), takes=(7,), of_take=2)
    again = start(Retake(0.2, take=7), Retake(0.05), takes=(0,), of_take=2)
    assert 0 < worst(first, again) < worst(first, start(Retake(0.5)))
    assert torch.equal(first, start(Retake(0.2, take=7), Retake(0.0), takes=(0,), of_take=2))


@pytest.mark.parametrize("name", CASES)
def test_takes_in_a_batch_equal_takes_one_by_one(name: str) -> None:
    """Whatever a step measures or remembers (guidance, limits, the running difference), it does for each take alone."""
    settings, shown = CASES[name][1], scene(name)

    def composed(takes: tuple[int, ...]) -> Tensor:
        drawn = pipeline.seeded_noises(5, takes, FRAMES, 64, settings)
        # The later takes louder, so that what belongs to one take would show in the others.
        louder = torch.tensor([1.0 + take for take in takes])[:, None, None]
        return pipeline.compose(
            networks(TURBO).dit, shown, conditions(), settings, replace(drawn, start=louder * drawn.start)
        )

    together = composed((0, 2))
    for row, take in enumerate((0, 2)):
        assert worst(together[row : row + 1], composed((take,))) <= TOLERANCE[name.partition(".")[0]]


def test_a_stop_takes_effect_between_steps() -> None:
    done: list[int] = []
    with pytest.raises(RenderStopped):
        pipeline.compose(
            networks(TURBO).dit,
            scene("turbo.text2music"),
            conditions(),
            turbo(),
            noises(turbo()),
            on_step=lambda step, _steps: done.append(step),
            should_stop=lambda: len(done) == 3,
        )
    assert done == [1, 2, 3]


def test_a_cover_needs_its_codes() -> None:
    with pytest.raises(ValueError, match="codes"):
        pipeline.set_scene(ModelTask.COVER, INPUTS["src_latents"], silence(), turbo())


# --- audio --------------------------------------------------------------------------------------------


def test_the_source_stands_at_its_place_with_silence_around() -> None:
    window = plan_window(-48_000, 0, 48_000 * 2, 48_000)  # one second in front of two
    song = torch.full((1, 50, 64), 7.0)
    there = pipeline.placed(song, window, silence())
    assert there.shape == (1, 128, 64)
    assert torch.equal(there[:, :25], silence()[:, :25])
    assert torch.equal(there[:, 25:75], song)
    assert torch.equal(there[:, 75:], silence()[:, :53])


def test_a_silent_source_is_silence() -> None:
    window = plan_window(0, 48_000 * 10, 48_000 * 10, 48_000)
    assert torch.equal(pipeline.placed(None, window, silence()), silence()[:, :250])


class StoredText:
    """Answers with the length of a prompt, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def states(self, prompt: str) -> Tensor:
        self.asked.append(prompt)
        return torch.full((1, 2, 32), float(len(prompt)))

    def embeddings(self, prompt: str) -> Tensor:
        return self.states(prompt)

    def unread(self, prompt: str, most: int) -> str:
        return prompt[most * 1000 :]


@pytest.mark.parametrize(
    ("strength", "asked"), [(1.0, ["text", "lyrics"]), (0.5, ["freed", "text", "lyrics"])]
)
def test_the_freed_text_is_read_only_where_it_is_needed(strength: float, asked: list[str]) -> None:
    encoder = StoredText()
    prompts = pipeline.Prompts("mix", "text", "lyrics", "freed")
    read = pipeline.encode_prompts(encoder, prompts, replace(turbo(), cover_strength=strength))
    assert encoder.asked == asked
    assert (read.unconditioned is None) == (strength == 1.0)
