"""The log-mel picture, with exact tables and with the stored ones."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch

from model.acestep_v1.networks.mel import MelPicture, scaled, unscaled
from tests.model.acestep_v1.golden_v1 import tensors, tiny_weights, worst


def test_the_picture_with_stored_tables():
    golden = tensors("mel")
    mel = tiny_weights().mel()
    assert worst(mel.of(golden["audio"]), golden["log_mel_stored_tables"]) < 1e-4


def test_exact_tables_give_another_picture():
    golden, stored = tensors("mel"), tiny_weights().mel()
    assert worst(stored.filterbank[:200], golden["filterbank"].bfloat16().float()) == 0
    assert worst(stored.filterbank[::64], golden["filterbank_rows"].bfloat16().float()) == 0
    assert worst(stored.filterbank.sum(1), golden["filterbank_sum_per_bin"]) < 1e-3
    assert worst(stored.filterbank.sum(0), golden["filterbank_sum_per_mel"]) < 1e-3
    exact = MelPicture(torch.hann_window(2048), stored.filterbank)
    assert worst(exact.spectrum(golden["audio"])[:, ::8], golden["linear"]) < 1e-4
    exact.filterbank[:200] = golden["filterbank"]
    assert worst(exact.of(golden["audio"])[:, :40], golden["log_mel_exact_tables"][:, :40]) < 1e-4
    assert not torch.allclose(golden["log_mel_exact_tables"], golden["log_mel_stored_tables"], atol=0.01)


def test_scaling_there_and_back():
    picture = torch.tensor([-11.0, 3.0, -11.51])
    assert torch.allclose(scaled(picture)[:2], torch.tensor([-1.0, 1.0]))
    assert torch.allclose(unscaled(scaled(picture)), picture, atol=1e-5)
