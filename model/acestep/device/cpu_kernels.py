"""How a processor computes fastest: measured once, on one matrix product of the transformer's kind and a few others.

torch sends linear layers in float32 to MKL, which leaves half of an AMD processor idle where oneDNN, in the same torch,
does not; on Intel's they are even. Processors with AVX-512 BF16 or AMX multiply bfloat16 three to six times as fast as
float32, all others slower. torch's attention in bfloat16 may take twice as long as two products with the scores between
them. The measured difference is either large or none, and only a large one counts, so a processor gets the same answer
each time. What one process finds is kept in a file, if it has one, so that all agree and give a request equal samples.

`fit` then lets a loaded network compute so. The weights that do most of the work are packed: put in the order in which
oneDNN multiplies them, once instead of for each product. A packed linear layer gives the same bits as a plain one.
"""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from model.acestep.networks.attention import Attention, GatedMlp, attend
from model.acestep.networks.attention_in_blocks import attend_in_blocks
from model.acestep.networks.packed_convolution import PackedConvolution
from model.acestep.networks.snake_in_pieces import snake_in_pieces
from model.acestep.networks.vae import Decoder, Encoder, Snake, snake
from model.kernel_choices import chosen_once
from model.torch_device import spared_threads

ONEDNN_GAIN = 1.4
"""How much faster oneDNN has to be: 1.9 to 2.2 was measured on AMD (Zen 4), 0.9 to 1.1 on Intel (Sapphire Rapids)."""
BFLOAT16_GAIN, UNKNOWN_BFLOAT16_GAIN = 1.3, 1.8
"""How much faster bfloat16 has to be where the processor has instructions for it, with which 1.9 to 6 was measured, and
where torch does not know of any: without them it is slower.
"""

ATTENTION_GAIN = 1.3
"""How much faster attention in blocks has to be in bfloat16: 1.6 to 2.2 was measured on AMD (Zen 5)."""

SINE_GAIN = 1.3
"""How much faster the activation in pieces has to be: 1.7 to 2.1 was measured on AMD (Zen 5)."""
SINE_THREADS = 2
"""The most threads with which it is taken: numpy's sine runs in one, torch's in all of them."""

_METHOD = 1  # of measuring; what was kept by an older one does not count
_TOKENS, _WIDTH = 384, 2048  # 30 s of music in a published layer: 3.2 GFLOP
_HEADS, _KEY_HEADS, _HEAD_WIDTH = 4, 2, 128
_SAMPLES, _CHANNELS = 4096, 128
_LISTING = Path("/proc/cpuinfo")
_RUNS = 5


@dataclass(frozen=True)
class CpuKernels:
    """What is fastest here.

    onednn: linear layers and attention in float32 run through oneDNN. bfloat16: the transformer computes in bfloat16.
    blocks: attention in bfloat16 runs in blocks. packs: torch can keep weights in oneDNN's order. sine: the
    autoencoder's activation runs in pieces, by numpy's sine.
    """

    onednn: bool
    bfloat16: bool
    blocks: bool = False
    packs: bool = False
    sine: bool = False

    def fit(self, network: nn.Module) -> None:
        """Lets a network on the processor compute in the fastest way; again after any of its weights were replaced.

        Layers keep their names. A layer's weight is in memory twice only while it is packed.
        """
        for part in network.modules():
            if self.onednn and type(part) is nn.Linear and part.weight.dtype is torch.float32:
                part.__class__ = OneDnnLinear  # a copy would have the weights twice while both exist
            if isinstance(part, Attention) and self.in_blocks(part.query.weight.dtype):
                part.attend = attend_in_blocks
            if self.sine and isinstance(part, Snake) and part.gain.dtype is torch.float32:
                part.wave = snake_in_pieces
            if self.packs:
                self._pack(part)

    def in_blocks(self, dtype: torch.dtype) -> bool:
        """Whether attention in this dtype is computed block by block."""
        return self.onednn if dtype is torch.float32 else self.blocks and dtype is torch.bfloat16

    def _pack(self, part: nn.Module) -> None:
        if isinstance(part, (Encoder, Decoder)) and part.first.weight.dtype is torch.float32:
            for layer in part.modules():
                if isinstance(layer, nn.Conv1d) and not layer.weight.is_mkldnn:
                    layer.__class__ = PackedConvolution
                    assert isinstance(layer, PackedConvolution)
                    layer.pack()
        if isinstance(part, (Attention, GatedMlp)):
            for layer in part.children():
                if isinstance(layer, nn.Linear) and self._multiplies(layer.weight):
                    layer.__class__ = OneDnnLinear
                    assert isinstance(layer, OneDnnLinear)
                    layer.pack()

    def _multiplies(self, weight: Tensor) -> bool:
        """Whether a layer with this plain weight computes through oneDNN."""
        return not weight.is_mkldnn and (
            self.onednn if weight.dtype is torch.float32 else self.bfloat16 and weight.dtype is torch.bfloat16
        )


@cache
def fastest_kernels(kept: Path | None = None) -> CpuKernels:
    """This processor's, as kept in a file, or else measured, in under half a second; once a process."""
    threads = spared_threads(torch.get_num_threads(), os.cpu_count() or 1)
    if kept is None:
        return measured_kernels(threads)
    names = frozenset(field.name for field in fields(CpuKernels))
    return CpuKernels(
        **chosen_once(kept, what_it_depends_on(threads), names, lambda: asdict(measured_kernels(threads)))
    )


def what_it_depends_on(threads: int) -> str:
    """Everything that may change what is fastest, in words."""
    try:
        ours = version("takebridge")
    except PackageNotFoundError:  # run from a source tree that was never installed
        ours = "0"
    capability = torch.backends.cpu.get_cpu_capability()
    if has_bfloat16():
        capability += ", bfloat16"
    return (
        f"{processor_name(_LISTING)} ({capability}), {threads} threads, "
        f"torch {torch.__version__}, numpy {np.__version__}, takebridge {ours}, method {_METHOD}"
    )


def processor_name(listing: Path) -> str:
    """The processor's, with its model numbers, from a Linux /proc/cpuinfo listing; without one, as Python knows it.

    Where that is no more than a kind, such as "arm", the machine's name is added: several may share a home.
    """
    try:
        lines = listing.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    found = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    numbers = [found[name] for name in ("cpu family", "model", "stepping") if name in found]
    name = found.get("model name") or platform.processor() or platform.machine()
    if " " not in name:
        name = f"{name} of {platform.node()}"
    return " ".join([name, *numbers])


def measured_kernels(threads: int) -> CpuKernels:
    """What is fastest for so many threads."""
    usual_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so that the thread's own time is all there is: other programs do not count
    try:
        with torch.no_grad():
            chosen = chosen_kernels(*_shortest(_products()), instructions=has_bfloat16())
            whole, in_pieces = _shortest(_activations())
            sine = threads <= SINE_THREADS and in_pieces * SINE_GAIN < whole
            return replace(chosen, packs=_can_pack(), sine=sine)
    finally:
        torch.set_num_threads(usual_threads)


def chosen_kernels(
    usual: float,
    onednn: float,
    bfloat16: float,
    attention: float = 1.0,
    blocks: float = math.inf,
    *,
    instructions: bool = False,
) -> CpuKernels:
    """The choice after measured seconds; infinite = not to be had. attention, blocks: in bfloat16.

    instructions: the processor has some for bfloat16. What it was measured to gain has to be far from what it has to
    gain: processes that chose differently, on a busy machine, would render a take to different samples.
    """
    return CpuKernels(
        onednn * ONEDNN_GAIN < usual,
        bfloat16 * (BFLOAT16_GAIN if instructions else UNKNOWN_BFLOAT16_GAIN) < min(usual, onednn),
        blocks * ATTENTION_GAIN < attention,
    )


def has_bfloat16() -> bool:
    """Whether torch knows that this processor has instructions for bfloat16: AVX-512 BF16 or AMX."""
    asked = (
        getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
    return any(ask() for ask in asked if ask is not None)


def _products() -> tuple[Callable[[], Tensor], ...]:
    """A product as torch's, through oneDNN and in bfloat16; attention in bfloat16 as torch's and in blocks."""
    x, weight = torch.ones(_TOKENS, _WIDTH), torch.ones(_WIDTH, _WIDTH)
    half = x.bfloat16(), weight.bfloat16()
    query, key = (
        torch.ones(1, heads, _TOKENS, _HEAD_WIDTH, dtype=torch.bfloat16) for heads in (_HEADS, _KEY_HEADS)
    )
    return (
        lambda: functional.linear(x, weight),
        lambda: onednn_linear(x, weight, None),
        lambda: functional.linear(*half),
        lambda: attend(query, key, key, None),
        lambda: attend_in_blocks(query, key, key, None),
    )


def _activations() -> tuple[Callable[[], Tensor], ...]:
    """The autoencoder's activation as torch's and in pieces."""
    x = torch.linspace(-3, 3, _SAMPLES * _CHANNELS).view(1, _SAMPLES, _CHANNELS)
    ones = torch.ones(_CHANNELS)
    return lambda: snake(x, ones, ones), lambda: snake_in_pieces(x, ones, ones)


def _can_pack() -> bool:
    """Whether this torch keeps weights in oneDNN's order, as its builds for x86 do, and multiplies by them."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    linear, convolution = OneDnnLinear(16, 16), PackedConvolution(16, 16, 3)
    x = torch.linspace(-1, 1, 160).reshape(1, 16, 10)
    with torch.no_grad():
        wanted = (
            functional.linear(x.mT, linear.weight, linear.bias),
            functional.conv1d(x, convolution.weight, convolution.bias),
        )
        try:
            linear.pack()
            convolution.pack()
            found = linear(x.mT), convolution(x)
        except (RuntimeError, AttributeError, NotImplementedError):
            return False
    return all(torch.allclose(one, other, atol=1e-4) for one, other in zip(found, wanted, strict=True))


def _shortest(works: Sequence[Callable[[], Tensor]]) -> list[float]:
    """The shortest run of each, in seconds of this thread; infinite where torch cannot do it here.

    In turns, so that what slows the machine for a moment slows all of them.
    """
    rounds = [[_seconds(work) for work in works] for _ in range(1 + _RUNS)]
    return [min(runs) for runs in zip(*rounds[1:], strict=True)]  # the first round also plans


def _seconds(work: Callable[[], Tensor]) -> float:
    began = time.thread_time()
    try:
        work()
    except (RuntimeError, AttributeError, NotImplementedError):
        return float("inf")
    return time.thread_time() - began


def onednn_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """functional.linear through oneDNN. Raises AttributeError or RuntimeError in builds of torch without it."""
    result: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return result


class OneDnnLinear(nn.Linear):
    """An nn.Linear, with the same parameters, that computes through oneDNN."""

    def pack(self) -> None:
        """Puts the weight in oneDNN's order. Raises AttributeError or RuntimeError where torch has no oneDNN."""
        packed = torch.ops.mkldnn._reorder_linear_weight(self.weight.detach(), None)
        self.weight = nn.Parameter(packed, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return onednn_linear(x, self.weight, self.bias)
