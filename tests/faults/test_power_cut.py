"""What a client was told is on the disk by then: read from the system calls of a real server."""

from __future__ import annotations

import pytest

from tests.faults.power_cut import EXPECTED, strace, traced_run

pytestmark = pytest.mark.slow


@pytest.mark.skipif(strace() is None, reason="SKIPPED: needs strace (Linux: apt install strace)")
def test_what_was_acknowledged_survives_a_power_cut(tmp_path):
    check = traced_run(tmp_path)
    assert check.problems == []
    for kind in EXPECTED:
        assert any(kind in found for found in check.acknowledged), f"the log shows no {kind}"
