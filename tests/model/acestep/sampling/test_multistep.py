"""Solvers that look back, against the published formulas on stored velocities."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.sampling.multistep import History, Multistep
from model.acestep.sampling.samplers import SamplerSettings, Sampling, Solver, denoise
from tests.model.acestep.golden_data import tensors, worst

GOLDEN = tensors("solvers")
TIMES = (*GOLDEN["times"].tolist(), 0.0)
TOLERANCE = 1e-9
# The number of substeps of STORK4 has no effect: a polynomial is integrated exactly by any number of them.
FORMULAS = {"dpm3m": Multistep.DPM3M, "stork4.sub2": Multistep.STORK4, "stork4.sub10": Multistep.STORK4}


def test_every_stored_solver_is_compared() -> None:
    assert set(GOLDEN) - {"times", "velocities", "x0"} == set(FORMULAS)


@pytest.mark.parametrize("name", FORMULAS)
def test_every_step_of_the_reference(name: str) -> None:
    history, x = History(FORMULAS[name], TIMES), GOLDEN["x0"]
    for step, velocity in enumerate(GOLDEN["velocities"]):
        x = x + (TIMES[step + 1] - TIMES[step]) * history.slope(velocity, step)
        assert worst(x, GOLDEN[name][step]) <= TOLERANCE


@pytest.mark.parametrize("sampling", Sampling)
@pytest.mark.parametrize("name", ["dpm3m", "stork4.sub10"])
def test_a_render_uses_them(name: str, sampling: Sampling) -> None:
    start = GOLDEN["x0"][None, None]

    def velocity(_latents: torch.Tensor, _time: float, step: int, corrector: bool) -> torch.Tensor:
        assert not corrector
        return GOLDEN["velocities"][step][None, None]

    settings = SamplerSettings(sampling, solver=Solver(FORMULAS[name].value))
    found = denoise(velocity, start, start, TIMES, settings)
    assert worst(found[0, 0], GOLDEN[name][-1]) <= TOLERANCE


def test_a_leap_is_not_believed() -> None:
    """A velocity that jumps would be carried on: the step is a plain one then."""
    history = History(Multistep.STORK4, (1.0, 0.6, 0.3, 0.0))
    calm, wild = torch.ones(1, 4, 2), torch.full((1, 4, 2), -9.0)
    assert torch.equal(history.slope(wild, 0), wild)
    assert torch.equal(history.slope(calm, 1), calm)
