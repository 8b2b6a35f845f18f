"""A server that is asked to ends soon, with status 0; `python -m benchmarks.faults --only stop` times each state."""

from __future__ import annotations

import sys

import pytest

from tests.faults.stops import stopped, stopped_while_it_starts, stuck_rig

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="SKIPPED: Windows has no SIGTERM and no SIGSTOP"),
]

# Twice what is promised: other tests want the processor too.
SECONDS = 4.0


def test_with_all_that_may_hold_it_up(tmp_path):
    found = stopped(stuck_rig(tmp_path), "all of these")
    assert found.status == 0
    assert found.seconds < SECONDS


def test_while_it_starts(tmp_path):
    rig = stuck_rig(tmp_path)
    found = stopped_while_it_starts(rig, 0.3)
    assert found.status == 0
    assert found.seconds < SECONDS
