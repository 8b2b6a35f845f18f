"""Every reader of foreign bytes meets damaged inputs, the same ones each time, and everything that was found before.

The inputs are counted, not timed: together they need less than 60 s of one core. `python -m benchmarks.fuzz` goes on
from here, as long as wanted.
"""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings

from tests.fuzz.changes import inputs
from tests.fuzz.targets import CORPUS, TARGETS, Target

NEEDS_TORCH = ("weights", "configs")


@pytest.fixture(params=TARGETS, ids=lambda target: target.name)
def target(request: pytest.FixtureRequest) -> Target:
    if request.param.name in NEEDS_TORCH:
        pytest.importorskip(
            "torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]"
        )
    found: Target = request.param
    return found


def test_no_input_is_met_unlawfully(target):
    """What was found and repaired first, then valid inputs, then damaged ones."""
    material = target.material()
    with target.law() as law:
        for path in target.kept():
            law.obey(path.read_bytes())
        for seed in material.seeds:
            law.obey(seed)

        @settings(
            max_examples=target.count, derandomize=True, database=None, phases=(Phase.generate, Phase.shrink)
        )
        @given(inputs(material, target.most))
        def meets(data: bytes) -> None:
            law.obey(data)

        meets()


def test_every_kept_input_belongs_to_a_target():
    names = {target.name for target in TARGETS}
    assert {path.name for path in CORPUS.iterdir() if path.is_dir()} <= names
