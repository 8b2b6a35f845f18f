"""How a GPU computes the sliding layers' attention fastest: measured once for a device and dtype, when networks load.

torch's fast kernels take a mask or grouped heads. Which of its versions and which cards have one for both is written
nowhere, so both ways are timed; where they are close, heads stay grouped, so that two processes on one card
hardly ever differ: the two ways round differently.
Not yet run on a GPU: `python -m benchmarks.gpu` says which kernels it takes there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache, partial

import torch
from torch import Tensor, nn

from model.acestep.networks.attention import Attend, Attention, attend, attend_repeated, sliding_band

REPEATED_GAIN = 1.3
"""How much faster copied keys have to be."""

_TOKENS, _WINDOW = 1500, 128  # two minutes of music in a published layer
_HEADS, _KEY_HEADS, _HEAD_WIDTH = 16, 8, 128
_RUNS = 5


@cache
def fastest_attention(place: torch.device, dtype: torch.dtype) -> Attend:
    """Measures this device; some milliseconds, once."""
    band = sliding_band(_TOKENS, _WINDOW, place, dtype)
    query, key = (
        torch.ones(1, heads, _TOKENS, _HEAD_WIDTH, device=place, dtype=dtype)
        for heads in (_HEADS, _KEY_HEADS)
    )
    ways = [partial(way, query, key, key, band) for way in (attend, attend_repeated)]
    with torch.no_grad():
        grouped, repeated = _seconds(ways)
    return chosen_attention(grouped, repeated)


def chosen_attention(grouped: float, repeated: float) -> Attend:
    """The choice after measured seconds."""
    return attend_repeated if repeated * REPEATED_GAIN < grouped else attend


def use_fastest_attention(network: nn.Module, place: torch.device, dtype: torch.dtype) -> None:
    """Lets the attention layers of a network on this device, with activations in this dtype, compute so."""
    layers = [part for part in network.modules() if isinstance(part, Attention)]
    if layers:
        found = fastest_attention(place, dtype)
        for layer in layers:
            layer.attend = found


def _seconds(ways: Sequence[Callable[[], Tensor]]) -> list[float]:
    """Each way's shortest of some runs, until the device has finished.

    They take turns, so that other work on the device is in the way of all of them.
    """
    found: list[list[float]] = [[] for _ in ways]
    for _ in range(1 + _RUNS):  # the first also plans
        for way, times in zip(ways, found, strict=True):
            began = time.perf_counter()
            # Reading a number waits for the device, whichever kind it is.
            float(way().flatten()[0])
            times.append(time.perf_counter() - began)
    return [min(times[1:]) for times in found]
