"""The autoencoder against the stored answers of the reference."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from collections.abc import Callable

import torch
from torch.nn import functional

from model.acestep.networks.vae import Encoder, ResidualUnit, Upsample, Vae, VaeConfig
from model.acestep.weights.checkpoint import load_vae
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import BLOCK_TOLERANCE, VAE_TOLERANCE, exact_vae, vae
from tests.places import TINY

GOLDEN = tensors("vae")
PRECISIONS = pytest.mark.parametrize(
    ("network", "tolerance"),
    [(exact_vae, BLOCK_TOLERANCE), (vae, VAE_TOLERANCE)],
    ids=["double precision", "float32"],
)


def unit_of_first_block(encoder: Encoder, index: int) -> ResidualUnit:
    unit = encoder.steps()[1 + index]
    assert isinstance(unit, ResidualUnit)
    return unit


def test_weight_norm_is_folded() -> None:
    ours = vae().encoder.first.weight
    assert worst(ours, GOLDEN["effective_weight.encoder.conv1"]) <= 1e-6


def test_snake_and_residual_unit() -> None:
    first, second = (unit_of_first_block(vae().encoder, index) for index in (0, 1))
    assert worst(first.wide_snake(GOLDEN["snake.in"]), GOLDEN["snake.out"]) <= BLOCK_TOLERANCE
    # The stored unit is the one with dilation 3.
    assert worst(second(GOLDEN["snake.in"]), GOLDEN["res_unit.out"]) <= BLOCK_TOLERANCE


def test_first_encoder_block() -> None:
    x = GOLDEN["snake.in"]
    for step in vae().encoder.steps()[1:6]:
        x = step(x)
    assert worst(x, GOLDEN["enc_block0.out"]) <= BLOCK_TOLERANCE


@PRECISIONS
@pytest.mark.parametrize("case", ["even", "ragged", "batch"])
def test_encode(case: str, network: Callable[[], Vae], tolerance: float) -> None:
    found = network().encode(GOLDEN[f"{case}.audio"])
    assert worst(found.mean, GOLDEN[f"{case}.mean"]) <= tolerance
    assert worst(found.scale, GOLDEN[f"{case}.scale"]) <= tolerance
    assert worst(found.deviation, GOLDEN[f"{case}.std"]) <= tolerance
    assert worst(found.sample(GOLDEN[f"{case}.noise"]), GOLDEN[f"{case}.sample"]) <= tolerance


@PRECISIONS
@pytest.mark.parametrize("case", ["dec", "dec_batch"])
def test_decode(case: str, network: Callable[[], Vae], tolerance: float) -> None:
    audio = network().decode(GOLDEN[f"{case}.latents"])
    assert worst(audio, GOLDEN[f"{case}.audio"]) <= tolerance


def test_decoding_leaves_the_latents_alone() -> None:
    latents = GOLDEN["dec.latents"].clone()
    vae().decode(latents)
    assert torch.equal(latents, GOLDEN["dec.latents"])


@pytest.mark.parametrize("stride", [2, 4, 6, 10])
def test_two_taps_equal_the_transposed_convolution(stride: int) -> None:
    generator = torch.Generator().manual_seed(stride)
    weight = torch.randn(5, 3, 2 * stride, generator=generator)
    bias, x = torch.randn(3, generator=generator), torch.randn(2, 5, 7, generator=generator)
    layer = Upsample(5, 3, stride)
    layer.load_state_dict({"taps.weight": Upsample.fold(weight, stride), "bias": bias})
    expected = functional.conv_transpose1d(x, weight, bias, stride, padding=stride // 2)
    with torch.no_grad():
        assert worst(layer(x), expected) <= 1e-5


def test_less_than_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match=r"47 samples are less than one latent frame \(48\)"):
        vae().encode(torch.zeros(1, 2, 47))


def test_published_sizes() -> None:
    config = VaeConfig()
    assert config.hop == 1920
    assert config.encoder_widths() == [128, 128, 256, 512, 1024, 2048]
    assert config.decoder_widths() == [2048, 1024, 512, 256, 128, 128]


def test_impossible_configs() -> None:
    with pytest.raises(ValueError, match="got 5 and 2"):
        VaeConfig(strides=(2, 4))
    with pytest.raises(ValueError, match=r"must be even .* \(2, 3\)"):
        VaeConfig(multiples=(1, 2), strides=(2, 3))


def test_half_precision_stays_near() -> None:
    half = load_vae(TINY / "vae", torch.bfloat16, "cpu")
    audio = half.decode(GOLDEN["dec.latents"])
    assert audio.dtype is torch.float32
    assert float((audio - GOLDEN["dec.audio"]).norm() / GOLDEN["dec.audio"].norm()) < 0.05
    found = half.encode(GOLDEN["even.audio"])
    assert float((found.mean - GOLDEN["even.mean"]).norm() / GOLDEN["even.mean"].norm()) < 0.05
