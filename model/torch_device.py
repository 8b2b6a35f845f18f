"""Which device torch computes on, with how many threads, and what running out of its memory looks like.

Asks torch what is available and decides by plain rules, testable without a device. Reads no environment variables: the
producer's choice comes as a string.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from model.errors import NotLoaded

AUTO = "auto"
KINDS = ("cuda", "xpu", "mps", "cpu")
"""Tried by `auto` in this order. AMD's ROCm builds of torch use "cuda" too."""

_MISSING = {
    "cuda": "Install an NVIDIA driver and a torch build with CUDA, or use the device auto.",
    "xpu": "Install Intel's driver and a torch build with XPU, or use the device auto.",
    "mps": "Only Macs with Apple silicon have it; use the device auto.",
}


def choose_place(wanted: str = AUTO) -> tuple[torch.device, str]:
    """The device named `wanted` ("auto", one of KINDS, or one with an index such as "cuda:1"). Raises NotLoaded.

    With its label for producers, such as "cuda (NVIDIA H100)".
    """
    if wanted == AUTO:
        wanted = next(kind for kind in KINDS if is_there(kind))
    kind = wanted.partition(":")[0]
    if kind not in KINDS:
        raise NotLoaded(f"There is no device type {wanted!r}.", f"Use auto, {', '.join(KINDS)}.")
    if not is_there(kind):
        raise NotLoaded(f"The device {wanted} is not available: torch finds none here.", _MISSING[kind])
    try:
        place = torch.device(wanted)
        return place, _label(place)
    except (RuntimeError, AssertionError) as wrong:
        raise NotLoaded(f"There is no device {wanted} on this machine.", f"Use {kind}, or auto.") from wrong


def is_there(kind: str) -> bool:
    """Whether torch can use a device of this kind."""
    checks: Mapping[str, bool] = {
        "cuda": torch.cuda.is_available(),
        "xpu": hasattr(torch, "xpu") and torch.xpu.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    return checks[kind]


def _label(place: torch.device) -> str:
    if place.type == "cuda":
        return f"{place} ({torch.cuda.get_device_name(place)})"
    if place.type == "xpu":
        return f"{place} ({torch.xpu.get_device_name(place)})"
    return str(place)


OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "could not create a primitive",  # oneDNN, which plans a convolution or product and finds no room for its workspace
)
"""What the libraries say, in lower case."""


def out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on any device; the CPU allocator reports it only in the message."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and any(phrase in words for phrase in OUT_OF_MEMORY)


def spared_threads(threads: int, cores: int) -> int:
    """Number of threads for a render: leaves one core to the DAW if there are more than two."""
    return max(1, min(threads, cores - 1 if cores > 2 else cores))


def spare_a_core() -> int:
    """Limits torch to `spared_threads`; returns the number. Never raises a lower limit set by the user."""
    threads = spared_threads(torch.get_num_threads(), os.cpu_count() or 1)
    torch.set_num_threads(threads)
    return threads


def widest(values: Tensor) -> Tensor:
    """Double precision; float32 on Apple GPUs, which lack float64."""
    return values.float() if values.device.type == "mps" else values.double()


ASYNCHRONOUS = frozenset({"cuda"})
"""Kinds that fetch from pinned memory by themselves, while the processor goes on."""


def send(values: Tensor, place: torch.device) -> Tensor:
    """Values from main memory on the device, for use inside a loop.

    A plain copy waits until the device has done all that it was given before, and then the device waits for its next
    work. From pinned memory, which stays in place, the copy takes its turn among that work.
    """
    if place.type not in ASYNCHRONOUS or values.device.type != "cpu":
        return values.to(place)
    return pinned(values.contiguous()).to(
        place, non_blocking=True
    )  # torch keeps the pinned memory until the copy is done


def pinned(values: Tensor) -> Tensor:
    """A copy in memory that a GPU reads by itself; the values themselves where the system pins no more."""
    try:
        return values.pin_memory()
    except RuntimeError:
        return values


def pinned_memory(shape: Sequence[int], dtype: torch.dtype) -> Tensor | None:
    """Memory that a GPU reads and writes by itself; None where the system pins no more."""
    try:
        return torch.empty(tuple(shape), dtype=dtype, pin_memory=True)
    except RuntimeError:
        return None


def fetch(values: Tensor) -> Callable[[], Tensor]:
    """Begins to bring values to main memory; what is returned waits for them.

    What the device is given in between it does meanwhile.
    """
    if values.device.type not in ASYNCHRONOUS:
        return values.cpu
    here = pinned_memory(values.shape, values.dtype)
    if here is None:
        return values.cpu
    here.copy_(values, non_blocking=True)
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(values.device))

    def arrived() -> Tensor:
        event.synchronize()
        return here

    return arrived
