"""The autoencoder's time for a second of sound: that it is measured, with a small one."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from benchmarks.decoder import each_second
from model.acestep.networks.vae import VaeConfig


def test_both_ways_are_timed() -> None:
    found = each_second(VaeConfig(latent_channels=8, encoder_width=4, decoder_width=4), frames=25, runs=1)
    assert list(found) == ["encoding", "decoding"]
    assert all(0 < seconds < 60 for seconds in found.values())
