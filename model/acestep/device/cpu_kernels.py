"""How a processor multiplies fastest: measured once a process, on one matrix product of the transformer's kind.

torch sends linear layers in float32 to MKL, which leaves half of an AMD processor idle where oneDNN, in the same torch,
does not; on Intel's they are even. Processors with AVX-512 BF16 or AMX multiply bfloat16 three to six times as fast as
float32, all others slower. The measured difference is either large or none, and only a large one counts, so a
processor gets the same answer, and a request the same samples, each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

ONEDNN_GAIN = 1.4
"""How much faster oneDNN has to be: 1.9 to 2.2 was measured on AMD (Zen 4), 0.9 to 1.1 on Intel (Sapphire Rapids)."""
BFLOAT16_GAIN = 1.8
"""How much faster bfloat16 has to be: 3 to 6 was measured where the processor has instructions for it."""

_TOKENS, _WIDTH = 384, 2048  # 30 s of music in a published layer: 3.2 GFLOP
_RUNS = 5


@dataclass(frozen=True)
class CpuKernels:
    """onednn: linear layers in float32 run through oneDNN. bfloat16: the transformer computes in bfloat16."""

    onednn: bool
    bfloat16: bool


@cache
def fastest_kernels() -> CpuKernels:
    """Measures this processor; under half a second, once."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so that the thread's own time is all there is: other programs do not count
    try:
        with torch.no_grad():
            return chosen_kernels(*_shortest(_products()))
    finally:
        torch.set_num_threads(threads)


def chosen_kernels(usual: float, onednn: float, bfloat16: float) -> CpuKernels:
    """The choice after measured seconds; infinite = not to be had."""
    return CpuKernels(onednn * ONEDNN_GAIN < usual, bfloat16 * BFLOAT16_GAIN < min(usual, onednn))


def _products() -> tuple[Callable[[], Tensor], ...]:
    """The same product as torch computes it, through oneDNN, and in bfloat16."""
    x, weight = torch.ones(_TOKENS, _WIDTH), torch.ones(_WIDTH, _WIDTH)
    half = x.bfloat16(), weight.bfloat16()
    return (
        lambda: functional.linear(x, weight),
        lambda: onednn_linear(x, weight, None),
        lambda: functional.linear(*half),
    )


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

    def forward(self, x: Tensor) -> Tensor:
        return onednn_linear(x, self.weight, self.bias)


def use_onednn(network: nn.Module) -> None:
    """Lets all plain linear layers of a network compute through oneDNN. They keep their weights and names."""
    for part in network.modules():
        if type(part) is nn.Linear:
            part.__class__ = OneDnnLinear  # a copy would have the weights twice while both exist
