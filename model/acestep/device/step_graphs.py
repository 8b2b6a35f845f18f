"""A step of the transformer as a CUDA graph: its thousand small orders to the device are given once and then replayed.

Over a short window the device is done with each order before the next one comes. A graph repeats the same kernels, so
it has to give the same bits: that is compared in every render before it is used. Its time is measured once for a size.
Where it cannot be captured, differs or gains nothing, the steps stay plain, and the take's notes say why.
Not yet run on a GPU, so it is used only when asked for (the option `step`).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from model.acestep.networks.dit import Step
from model.torch_device import out_of_memory

STEPS = 7
"""Over so many steps a graph has to save what recording it took: those of the shortest usual render after its first."""
_STEPS_AHEAD = 2  # given to the device at once: more would not be faster, and a stop has to wait for them

Work = Callable[[], Tensor]


class Capture(Protocol):
    """What records work on a device."""

    def capture(self, work: Work) -> Work:
        """Records what `work` gives the device to do; what is returned repeats it into the same memory.

        Raises RuntimeError.
        """
        ...

    def seconds(self, work: Callable[[], object]) -> float:
        """How long it takes until the device has done it."""
        ...


class CudaCapture:
    """An NVIDIA or AMD card's own graphs."""

    def __init__(self, place: torch.device) -> None:
        self._place = place

    def capture(self, work: Work) -> Work:
        graph: Any = torch.cuda.CUDAGraph()
        with torch.cuda.device(self._place), torch.cuda.graph(graph):
            found = work()
        given: deque[Any] = deque()

        def replay() -> Tensor:
            if len(given) == _STEPS_AHEAD:
                given.popleft().synchronize()
            done: Any = torch.cuda.Event()  # type: ignore[no-untyped-call]
            with torch.cuda.device(self._place):
                graph.replay()
                done.record()
            given.append(done)
            return found

        return replay

    def seconds(self, work: Callable[[], object]) -> float:
        torch.cuda.synchronize(self._place)
        began = time.perf_counter()
        work()
        torch.cuda.synchronize(self._place)
        return time.perf_counter() - began


class StepGraphs:
    """Captures the steps of renders. on_refusal: gets the reason in words where they stay plain.

    used: whether any step has run as a graph since it was last set to False.
    """

    def __init__(self, capture: Capture, on_refusal: Callable[[str], None]) -> None:
        self.used = False
        self._capture, self._on_refusal = capture, on_refusal
        self._gains: dict[tuple[int, ...], bool] = {}  # by the shape of the latents

    def captured(self, step: Step) -> Step:
        """The same step: as a graph from its second call on, if that is as good and faster."""
        return _CapturedStep(step, self)

    def graph_of(self, step: Step, noisy: Tensor, time: Tensor) -> _Graph | None:
        """None where a graph is of no use."""
        shape = tuple(noisy.shape)
        if not self._gains.get(shape, True):
            return None
        graph, refusal = self._tried(step, noisy, time)
        self._gains[shape] = not refusal
        if refusal:
            self._on_refusal(f"The steps were not run as a graph: {refusal}.")
            return None
        self.used = True
        return graph

    def _tried(self, step: Step, noisy: Tensor, time: Tensor) -> tuple[_Graph | None, str]:
        """A graph of the step, or why it is of no use."""
        own, recorded = (noisy.clone(), time.clone()), list[Work]()
        try:
            spent = self._capture.seconds(lambda: recorded.append(self._capture.capture(lambda: step(*own))))
            graph = _Graph(*own, recorded[0])
            if not torch.equal(graph(noisy, time), step(noisy, time)):
                return None, "the graph gave other numbers"
            if tuple(noisy.shape) not in self._gains:
                plain = self._capture.seconds(lambda: step(noisy, time))
                if (plain - self._capture.seconds(lambda: graph(noisy, time))) * STEPS <= spent:
                    return None, "recording the graph takes longer than it saves"
        except RuntimeError as error:
            return None, "memory was short" if out_of_memory(error) else "the device could not capture them"
        return graph, ""


@dataclass(frozen=True)
class _Graph:
    """noisy, time: where the recorded work reads from."""

    noisy: Tensor
    time: Tensor
    replay: Work

    def __call__(self, noisy: Tensor, time: Tensor) -> Tensor:
        self.noisy.copy_(noisy)
        self.time.copy_(time)
        found = self.replay()
        # A copy, since the next replay writes there again; laid out alike, since sums are taken in the order of memory.
        return torch.empty_strided(
            found.size(), found.stride(), dtype=found.dtype, device=found.device
        ).copy_(found)


class _CapturedStep:
    def __init__(self, step: Step, graphs: StepGraphs) -> None:
        self._step, self._graphs = step, graphs
        self._calls = 0
        self._graph: _Graph | None = None

    def __call__(self, noisy: Tensor, time: Tensor) -> Tensor:
        self._calls += 1
        if self._calls == 2:  # the first call also plans
            self._graph = self._graphs.graph_of(self._step, noisy, time)
        return self._step(noisy, time) if self._graph is None else self._graph(noisy, time)
