"""Whole renders from noise to latents, against the published code's: every task but editing (test_edit.py)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch

from model.acestep_v1.sampling.conditions import Weakening, Words, conditions_of
from model.acestep_v1.sampling.denoise import Region, Watch, cover_start, generated, repainted, varied
from model.acestep_v1.sampling.guidance import Formula, Guidance
from model.acestep_v1.sampling.schedules import euler, heun, picked
from model.acestep_v1.sampling.steps import SongSolver
from model.acestep_v1.sampling.velocity import GuidedVelocity, Network, RenderConditions
from model.errors import RenderStopped
from tests.model.acestep_v1.golden_v1 import tensors, tiny_condition_network, tiny_transformer, worst

CLOSE = 1e-4
GIVEN = tensors("e2e_inputs")
GOLDEN = tensors("e2e")
NOISE, OTHER, SOURCE = GIVEN["noise"], GIVEN["retake_noise"], GIVEN["src_latents"]
NONE = Weakening(text=False, lyrics=False, transformer=False)
STEPS = 8
USUAL = Guidance()


@cache
def conditions(weakening: Weakening = NONE, lyrics: bool = True, separate: bool = False) -> RenderConditions:
    ids = tuple(GIVEN["lyric_ids"][0].tolist()) if lyrics else (0,)
    words = Words(GIVEN["text_hidden"], GIVEN["text_hidden_null"], ids)
    return conditions_of(tiny_condition_network(), words, weakening, separate=separate)


@cache
def network(frames: int) -> Network:
    return Network(tiny_transformer(), frames)


def velocity(
    frames: int = 24,
    guidance: Guidance = USUAL,
    weakening: Weakening = NONE,
    steps: int = STEPS,
    **told: bool,
) -> GuidedVelocity:
    found = conditions(weakening, **told)
    return GuidedVelocity(network(frames), found, guidance, steps, weakening.transformer)


ALL = Weakening(text=True, lyrics=True, transformer=True)
WHOLE = Guidance(interval=1.0)
GENERATED: dict[str, dict[str, Any]] = {
    "text2music": {},
    "text2music_all_erg": {"weakening": ALL},
    "text2music_erg_lyric": {"weakening": replace(ALL, transformer=False)},
    "text2music_erg_lyric_no_tag": {"weakening": Weakening(False, True, False)},
    "text2music_erg_diffusion": {"weakening": Weakening(False, False, True)},
    "text2music_no_lyrics": {"lyrics": False},
    "text2music_noguidance": {"guidance": Guidance(scale=1.0)},
    "text2music_cfg5": {"guidance": Guidance(5.0, Formula.CFG)},
    "text2music_cfg_star5_interval1": {"guidance": Guidance(5.0, Formula.CFG_STAR, 1.0)},
    "text2music_interval1_decay1": {"guidance": replace(WHOLE, decay=1.0)},
    "text2music_double": {"guidance": Guidance(text=5.0, lyrics=1.5), "separate": True},
    "text2music_double_erg": {"guidance": Guidance(text=5.0, lyrics=1.5), "separate": True, "weakening": ALL},
}


@pytest.mark.parametrize("case", GENERATED)
def test_a_new_song(case: str):
    with torch.no_grad():
        found = generated(velocity(**GENERATED[case]), NOISE, euler(STEPS))
    assert worst(found, GOLDEN[f"{case}.final"]) < CLOSE


def test_without_omega_and_with_chosen_steps_and_every_solver():
    with torch.no_grad():
        assert (
            worst(generated(velocity(), NOISE, euler(8), omega=0.0), GOLDEN["text2music_omega0.final"])
            < CLOSE
        )
        found = generated(velocity(steps=4), NOISE, picked([1, 3, 5, 8]))
        assert worst(found, GOLDEN["text2music_oss.final"]) < CLOSE
        fresh = GIVEN["pingpong_noises"]
        found = generated(
            velocity(), NOISE, euler(8), SongSolver.PINGPONG, step_noise=lambda step: fresh[step]
        )
        assert worst(found, GOLDEN["text2music_pingpong.final"]) < CLOSE


def test_heun_and_the_states_on_the_way():
    for case, schedule, solver, steps in (
        ("text2music", euler(8), SongSolver.EULER, 8),
        ("text2music_heun", heun(5), SongSolver.HEUN, 5),
    ):
        states, times = GOLDEN[f"{case}.states"], GOLDEN[f"{case}.times"].tolist()
        seen: list[tuple[float, torch.Tensor]] = []
        guided = velocity(steps=steps)

        def spied(x: torch.Tensor, time: float, index: int) -> torch.Tensor:
            seen.append((time, x))  # noqa: B023 - called before the next case
            return guided(x, time, index)  # noqa: B023

        with torch.no_grad():
            found = generated(spied, NOISE, schedule, solver)
        assert worst(found, GOLDEN[f"{case}.final"]) < CLOSE
        first = 0  # of the evaluations with the same latents: with the condition, and without
        for time, x in seen:
            assert time == pytest.approx(times[first], abs=1e-3)
            assert worst(x, states[first].reshape(x.shape)) < CLOSE
            first += 1
            while first < len(times) and times[first] == times[first - 1] and len(seen) < len(times):
                if not torch.equal(states[first], states[first - 1]):
                    break
                first += 1


def test_a_batch_is_coupled_by_its_mean():
    """Why takes are rendered one by one: an item of a batch is not what it is alone."""
    both = torch.cat([NOISE, OTHER])
    with torch.no_grad():
        found = generated(_doubled(velocity()), both, euler(8))
        alone = generated(velocity(), NOISE, euler(8))
    assert worst(found, GOLDEN["text2music_batch2.final"]) < CLOSE
    assert worst(found[:1], alone) > 3e-4


def _doubled(one: GuidedVelocity) -> Any:
    """The same condition for two items."""
    other = velocity()

    def both(x: torch.Tensor, time: float, index: int) -> torch.Tensor:
        return torch.cat([one(x[:1], time, index), other(x[1:], time, index)])

    return both


def test_a_variation():
    with torch.no_grad():
        found = generated(velocity(), varied(NOISE, OTHER, 0.3), euler(8))
    assert worst(found, GOLDEN["retake_0.3.final"]) < CLOSE


def region(first: int, end: int, variance: float) -> Region:
    mask = torch.zeros(24, dtype=torch.bool)
    mask[first:end] = True
    noise = torch.where(mask, varied(NOISE, OTHER, variance), NOISE)
    return Region(SOURCE, mask, noise, variance)


@pytest.mark.parametrize("variance", ["0.5", "1", "0.2"])
def test_a_repaint(variance: str):
    with torch.no_grad():
        found = repainted(velocity(), region(7, 15, float(variance)), euler(8), 8)
    assert worst(found, GOLDEN[f"repaint_7_15_var{variance}.final"]) < CLOSE
    assert torch.equal(found[..., :7], SOURCE[..., :7])
    assert torch.equal(found[..., 15:], SOURCE[..., 15:])


def test_a_repaint_of_everything_is_a_variation():
    with torch.no_grad():
        found = generated(velocity(), varied(NOISE, OTHER, 0.5), euler(8))
    assert worst(found, GOLDEN["repaint_whole_is_retake.final"]) < CLOSE


def test_a_variance_below_one_step_gives_the_source_back():
    found = repainted(lambda *_: pytest.fail("nothing is to be computed"), region(7, 15, 0.0), euler(8), 8)
    assert torch.equal(found, SOURCE)


@pytest.mark.parametrize(
    ("case", "left", "right", "variance"),
    [("extend_right_9", 0, 9, 1.0), ("extend_left_6", 6, 0, 1.0), ("extend_right_9_var0.6", 0, 9, 0.6),
     ("extend_left_6_right_9", 6, 3, 1.0)],
)  # fmt: skip
def test_a_continuation(case: str, left: int, right: int, variance: float):
    """The published code makes both pads from one noise of the source's length."""
    pad = torch.nn.functional.pad(SOURCE, (left, right))
    new = torch.ones(pad.shape[-1], dtype=torch.bool)
    new[left : left + 24] = False
    noise = torch.cat([OTHER[..., :left], NOISE, OTHER[..., 24 - right :]], -1)
    with torch.no_grad():
        found = repainted(velocity(pad.shape[-1]), Region(pad, new, noise, variance), euler(8), 8)
    assert worst(found, GOLDEN[f"{case}.final"]) < CLOSE


@pytest.mark.parametrize("strength", [0.5, 0.2])
def test_a_cover(strength: float):
    start = cover_start(strength, 8)
    guided = velocity(steps=start.schedule.evaluations)
    with torch.no_grad():
        found = generated(guided, start.latents(GIVEN["ref_latents"], NOISE), start.schedule)
    assert worst(found, GOLDEN[f"audio2audio_{strength}.final"]) < CLOSE


def test_a_cover_may_start_where_its_first_step_expects_it():
    start = cover_start(0.5, 8, matched=True)
    assert start.level == start.schedule.levels[0]
    assert cover_start(1.0, 8).schedule.evaluations == 1


def test_a_render_stops_when_asked():
    with pytest.raises(RenderStopped):
        generated(velocity(), NOISE, euler(8), watch=Watch(should_stop=lambda: True))
