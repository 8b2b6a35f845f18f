"""The wavelet correction against stored numbers, and the transform against its closed forms."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.sampling.wavelet import WAVELETS, WaveletMode, WaveletSettings, corrected, low_band
from tests.model.acestep.golden_data import tensors, worst

GOLDEN = tensors("dcw")
CASES = [key for key in GOLDEN if key.count(".") >= 2]
TOLERANCE = 1e-5


@pytest.mark.parametrize("case", CASES)
def test_correction_of_the_reference(case: str) -> None:
    length, name, time = case.split(".", 2)
    mode, _, wavelet = name.partition("_")
    settings = WaveletSettings(WaveletMode(mode), wavelet=wavelet or "haar")
    ours = corrected(
        GOLDEN[f"{length}.x_next"], GOLDEN[f"{length}.denoised"], float(time.removeprefix("t")), settings
    )
    assert worst(ours, GOLDEN[case]) <= TOLERANCE


def random_latents(frames: int) -> torch.Tensor:
    return torch.randn(2, frames, 3, generator=torch.Generator().manual_seed(frames))


@pytest.mark.parametrize("frames", [2, 8, 33])
def test_the_low_band_of_haar_is_the_mean_of_pairs(frames: int) -> None:
    signal = random_latents(frames)
    even = torch.cat([signal, torch.zeros(2, frames % 2, 3)], dim=1)
    pairs = even.unflatten(1, (-1, 2)).mean(dim=2, keepdim=True).expand(-1, -1, 2, -1).flatten(1, 2)
    assert worst(low_band(signal), pairs[:, :frames]) < 1e-6


@pytest.mark.parametrize("wavelet", WAVELETS)
@pytest.mark.parametrize("frames", [16, 17])
def test_the_low_band_of_a_low_band_is_itself_away_from_an_odd_end(wavelet: str, frames: int) -> None:
    once = low_band(random_latents(frames), wavelet)
    if wavelet == "haar":
        once, twice = once[:, :16], low_band(once, wavelet)[:, :16]
    else:  # the longer filter loses what reaches over the ends
        once, twice = once[:, 6:10], low_band(once, wavelet)[:, 6:10]
    assert worst(once, twice) < 1e-5


def test_nothing_happens_where_the_step_went_to_the_clean_guess() -> None:
    latents = random_latents(12)
    assert torch.equal(corrected(latents, latents, 0.5, WaveletSettings()), latents)


def test_an_unknown_wavelet_is_refused() -> None:
    with pytest.raises(ValueError, match="haar"):
        WaveletSettings(wavelet="db40")
