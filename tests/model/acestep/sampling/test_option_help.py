"""The engine's switches are all explained, and can be where there is no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from model.acestep.sampling.option_help import (
    ADAPTERS,
    CHECKPOINT,
    ENGINE_HELP,
    PLANNER,
    PLANNER_HELP,
    SAMPLING_HELP,
    VAE,
    strength_of,
)


def test_every_switch_of_the_samplers_is_explained() -> None:
    pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
    from model.acestep.sampling.render_settings import OPTIONS

    assert set(SAMPLING_HELP) == set(OPTIONS)


def test_the_engine_has_more_of_its_own() -> None:
    more = {CHECKPOINT, PLANNER, *PLANNER_HELP, VAE, *ADAPTERS, *map(strength_of, ADAPTERS)}
    assert set(ENGINE_HELP) - set(SAMPLING_HELP) == more


def test_each_is_explained_in_a_line() -> None:
    for name, line in ENGINE_HELP.items():
        assert 0 < len(line) < 120, name
        assert "\n" not in line, name


def test_no_torch_is_needed_for_that() -> None:
    code = "import sys, model.acestep.sampling.option_help; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
