"""What the planner is asked for and what a render takes from its answer."""

from __future__ import annotations

import pytest

from tests.places import TINY_PLANNER

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)
from model.acestep.device.devices import choose_device
from model.acestep.planner.song_planning import refuse_unless_it_fits
from model.errors import CannotRender


def test_a_planner_that_does_not_fit_is_refused_before_it_is_loaded() -> None:
    cpu = choose_device("cpu")
    refuse_unless_it_fits(TINY_PLANNER, cpu, None)
    refuse_unless_it_fits(TINY_PLANNER, cpu, 1_000_000_000)
    with pytest.raises(CannotRender, match=r"needs 0\.9 GB, but the device has 0\.8 GB free") as error:
        refuse_unless_it_fits(TINY_PLANNER, cpu, 800_000_000)
    assert "acestep-5Hz-lm-0.6B" in error.value.remedy
