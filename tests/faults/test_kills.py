"""Some kills at random moments; `python -m benchmarks.faults --only kill --count 300` is the long run."""

from __future__ import annotations

import pytest

from tests.faults.kills import KillStorm

pytestmark = pytest.mark.slow


def test_kills_lose_no_job_and_do_none_twice(tmp_path):
    storm = KillStorm(tmp_path, seed=4)
    storm.run(4)
    assert storm.problems == []
    assert storm.states["done"] >= 1, storm.figures()
