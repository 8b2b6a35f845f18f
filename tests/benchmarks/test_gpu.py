"""The GPU's eight checks from end to end, with small networks on the processor."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from benchmarks.gpu import CHECKS, TINY, rows
from model.acestep.device.devices import choose_device


def test_every_check_says_what_it_found() -> None:
    found = list(rows(choose_device("cpu"), TINY))
    assert {number for number, _, _ in found} == set(CHECKS)
    figures = {what: value for _, what, value in found}
    assert figures["largest error of the transformer, float32"].endswith("(at most 1e-4: True)")
    assert figures["the same step twice: equal bits"] == "True"
    assert all(figures.values())
