"""The tiny checkpoint, opened; tests change nothing about it."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from model.acestep.weights.checkpoint import Weights, open_weights
from model.acestep.weights.model_folders import recognise
from tests.model.acestep.tiny_models import TURBO


@pytest.fixture(scope="session")
def weights() -> Weights:
    return open_weights(recognise(TURBO))
