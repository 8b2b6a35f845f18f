"""Single steps of every solver, against the published code's numbers."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

from model.acestep_v1.sampling.schedules import euler, heun
from model.acestep_v1.sampling.steps import HeunSteps, moved, omega_factor, renoised
from tests.model.acestep_v1.golden_v1 import table, tensors, worst

CLOSE = 1e-5
GOLDEN = tensors("scheduler_steps")


@pytest.mark.parametrize("omega", [-50, 0, 10])
def test_euler(omega: int):
    x, levels = GOLDEN["x0"], euler(5).levels
    for index in range(5):
        v = GOLDEN["velocities"][index]
        x = moved(x, v, levels[index], levels[index + 1], omega_factor(omega))
        assert worst(x, GOLDEN[f"euler_omega{omega}.states"][index]) < CLOSE


@pytest.mark.parametrize("omega", [0, 10])
def test_heun(omega: int):
    x, levels = GOLDEN["x0"], heun(5).levels
    steps = HeunSteps(omega_factor(omega))
    for index in range(9):
        x = steps.moved(x, GOLDEN["velocities"][index], levels[index], levels[index + 1])
        assert worst(x, GOLDEN[f"heun_omega{omega}.states"][index]) < CLOSE


def test_ping_pong():
    x, levels = GOLDEN["x0"], euler(5).levels
    for index in range(5):
        v, noise = GOLDEN["velocities"][index], GOLDEN["pingpong_noises"][index]
        x = renoised(x, v, levels[index], levels[index + 1], noise)
        assert worst(x, GOLDEN["pingpong_omega10.states"][index]) < CLOSE


def test_the_omega_factor():
    for omega, factor in table("schedules")["omega_factor"].items():
        assert omega_factor(float(omega)) == pytest.approx(factor, abs=1e-9)
