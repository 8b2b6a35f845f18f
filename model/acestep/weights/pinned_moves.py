"""Weights to a GPU through pinned memory: while some are on their way, the next are read and converted.

A plain copy out of a mapped file passes through a small buffer of the driver's while the processor waits. Here the
processor converts into one of two pinned buffers, which the GPU fetches by itself, and goes on with the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

from model.torch_device import ASYNCHRONOUS, pinned_memory

BUFFER_BYTES = 64_000_000
"""Long enough for the full speed of the bus. torch keeps the two for the next network, pinned and rounded up to powers
of two: 134 MB of main memory for as long as the process lives."""

Move = Callable[[Tensor, torch.dtype | None], Tensor]
"""(a tensor in main memory, the dtype it should have; None = its own) -> the same on the device."""


class NotPinned(Exception):
    """The system pins no more memory."""


class Way(Protocol):
    """How bytes get to a device."""

    def buffer(self, size: int) -> Tensor:
        """uint8 [size] in main memory, which the device reads by itself. Raises NotPinned if there is none."""
        ...

    def send(self, source: Tensor, target: Tensor) -> Callable[[], None]:
        """Begins a copy; what is returned waits for its end. Until then `source` must not change."""
        ...


class PinnedWay:
    """To an NVIDIA or AMD card."""

    def buffer(self, size: int) -> Tensor:
        found = pinned_memory((size,), torch.uint8)
        if found is None:
            raise NotPinned
        return found

    def send(self, source: Tensor, target: Tensor) -> Callable[[], None]:
        target.copy_(source, non_blocking=True)
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(target.device))
        return event.synchronize


class Mover:
    """Moves tensors one after the other, each in pieces. Raises NotPinned."""

    def __init__(self, place: torch.device, way: Way, buffer_bytes: int = BUFFER_BYTES) -> None:
        self._place, self._way = place, way
        self._buffers = [way.buffer(buffer_bytes) for _ in range(2)]
        self._sent: list[Callable[[], None]] = [lambda: None, lambda: None]
        self._next = 0

    def move(self, tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
        """The tensor on the device; it has all its numbers once `finish` was called, or for the device's own work."""
        if tensor.device.type != "cpu":
            return tensor.to(self._place, dtype)
        target = torch.empty(tensor.shape, dtype=dtype or tensor.dtype, device=self._place)
        numbers, wanted = tensor.reshape(-1), target.view(-1)
        at_once = self._buffers[0].numel() // target.itemsize
        for begin in range(0, numbers.numel(), at_once):
            piece = numbers[begin : begin + at_once]
            buffer = self._buffers[self._next].view(target.dtype)[: piece.numel()]
            self._sent[self._next]()
            buffer.copy_(piece)
            self._sent[self._next] = self._way.send(buffer, wanted[begin : begin + at_once])
            self._next = 1 - self._next
        return target

    def finish(self) -> None:
        """Waits until everything has arrived."""
        for wait in self._sent:
            wait()


@contextmanager
def moving_to(device: torch.device | str) -> Iterator[Move]:
    """Moves tensors to a device for as long as it is open."""
    place = torch.device(device)
    mover: Mover | None = None
    if place.type in ASYNCHRONOUS:
        try:
            mover = Mover(place, PinnedWay())
        except NotPinned:
            mover = None
    if mover is None:
        yield lambda tensor, dtype: tensor.to(device=place, dtype=dtype)
        return
    yield mover.move
    mover.finish()
