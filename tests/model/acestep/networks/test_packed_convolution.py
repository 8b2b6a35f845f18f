"""Packed convolutions give what plain ones give, one by one and in the autoencoder."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import nn
from torch.nn import functional

from model.acestep.device.cpu_kernels import CpuKernels, fastest_kernels
from model.acestep.networks.packed_convolution import PackedConvolution, along_time
from model.acestep.networks.vae import Vae
from model.acestep.networks.vae_streaming import pieces, stream_decode, stream_encode
from model.acestep.weights.checkpoint import load_vae
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import VAE_TOLERANCE
from tests.places import TINY

GOLDEN = tensors("vae_tiled")

pytestmark = pytest.mark.skipif(
    not fastest_kernels().packs, reason="SKIPPED: this torch cannot keep weights in oneDNN's order"
)


@pytest.mark.parametrize("channels", [(2, 24), (24, 2), (33, 17), (64, 64)])
@pytest.mark.parametrize("kernel", [(1, 1, 1), (7, 1, 1), (7, 1, 9), (8, 4, 1), (2, 1, 1)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_convolution_is_the_plain_one(
    channels: tuple[int, int], kernel: tuple[int, int, int], bias: bool
) -> None:
    size, stride, dilation = kernel
    torch.manual_seed(1)
    conv = nn.Conv1d(*channels, size, stride, size // 2, dilation, bias=bias).requires_grad_(False)
    x = torch.randn(2, channels[0], 61)
    whole = conv(x)
    valid = functional.conv1d(x, conv.weight, conv.bias, stride, 0, dilation)
    names = list(conv.state_dict())
    conv.__class__ = PackedConvolution
    assert isinstance(conv, PackedConvolution)
    conv.pack()
    assert conv.weight.is_mkldnn
    assert list(conv.state_dict()) == names
    assert worst(conv(x), whole) <= 1e-5
    for rows in (x.mT, x.mT.contiguous()):
        found = along_time(conv)(rows, conv.bias)
        assert found.is_contiguous()
        assert worst(found.mT, valid) <= 1e-5


@pytest.fixture(name="packed", scope="module")
def _packed() -> Vae:
    vae = load_vae(TINY / "vae", torch.float32, "cpu")
    CpuKernels(onednn=True, bfloat16=False, packs=True).fit(vae)
    assert sum(isinstance(part, PackedConvolution) for part in vae.modules()) == sum(
        isinstance(part, nn.Conv1d) for part in vae.modules()
    )
    return vae


@pytest.mark.parametrize("length", [1, 7, 70])
def test_the_packed_autoencoder_gives_the_stored_numbers(packed: Vae, length: int) -> None:
    audio = torch.cat(list(stream_decode(packed, pieces(GOLDEN["decode.latents"], length))), dim=2)
    assert worst(audio, GOLDEN["decode.full"]) <= VAE_TOLERANCE
    found = stream_encode(packed, pieces(GOLDEN["encode.audio"], 48 * length))
    assert worst(torch.cat([part.mean for part in found], dim=2), GOLDEN["encode.full_mean"]) <= VAE_TOLERANCE
    assert worst(packed.decode(GOLDEN["decode.latents"]), GOLDEN["decode.full"]) <= VAE_TOLERANCE


def test_another_precision_stays_plain() -> None:
    double = load_vae(TINY / "vae", torch.float64, "cpu")
    CpuKernels(onednn=True, bfloat16=True, packs=True).fit(double)
    assert not any(isinstance(part, PackedConvolution) for part in double.modules())
