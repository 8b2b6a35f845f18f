"""A step of the transformer as a CUDA graph: its thousand small orders to the device are given once and then replayed.

Over a short window the device is done with each order before the next one comes. A graph repeats the same kernels, so
it has to give the same bits: that is compared in every render before it is used. Its time is measured once for a size.
Where it cannot be captured, differs or gains nothing, the steps stay plain, and the take's notes say why.
Not yet run on a GPU, so it is used only when asked for (the option `step`).
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from model.acestep.networks.dit import Step
from model.engine import ShouldStop, stop_if_asked
from model.errors import DeviceUnusable
from model.torch_device import out_of_memory

_MEMORY = "memory was short"
_DIFFERS = "the graph gave other numbers"
_STEPS_AHEAD = 2  # given to the device at once: more would not be faster, and a stop has to wait for them

Work = Callable[[], Tensor]
_Shape = tuple[int, ...]
"""Of the latents."""


class Capture(Protocol):
    """What records work on a device."""

    def capture(self, work: Work) -> Work:
        """Records what `work` gives the device to do; what is returned repeats it into the same memory.

        Raises RuntimeError, and DeviceUnusable where the device is of no more use to this process.
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
        now = torch.cuda.current_stream(self._place)
        # Put back here: `torch.cuda.graph` leaves its own stream only where the recording could be ended.
        with torch.cuda.device(self._place), torch.cuda.stream(now):
            try:
                with torch.cuda.graph(graph):
                    found = work()
            except RuntimeError as error:
                if not out_of_memory(error):  # where memory was short it was ended
                    _end_recording(graph)
                raise
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
        return seconds_on(self._place, work)


def seconds_on(place: torch.device, work: Callable[[], object]) -> float:
    """How long it takes until the device has done the work."""
    wait_for(place)
    began = time.perf_counter()
    work()
    wait_for(place)
    return time.perf_counter() - began


def wait_for(place: torch.device) -> None:
    """Until the device has done what it was given; a processor always has."""
    if place.type == "mps":  # there is only one
        torch.mps.synchronize()
    elif place.type != "cpu":
        getattr(torch, place.type).synchronize(place)


def _end_recording(graph: Any) -> None:
    """After a recording that failed, torch may still hold memory for it and then refuses to give any back.

    Raises DeviceUnusable where it does so all the same.
    """
    with contextlib.suppress(RuntimeError, AttributeError):  # it was ended, or this torch has no such call
        torch._C._cuda_endAllocateToPool(torch.cuda.current_device(), graph.pool())
    try:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
    except RuntimeError as broken:
        raise DeviceUnusable(
            "The card could not record the steps as a graph, and this process cannot use it any more.",
            "Start the server without acestep.step=graph.",
        ) from broken


class StepGraphs:
    """Captures the steps of renders. on_refusal: gets the reason in words, in every render in which they stay plain.

    used: whether any step of this render has run as a graph.
    """

    def __init__(self, capture: Capture, on_refusal: Callable[[str], None]) -> None:
        self.begin()
        self._capture, self._on_refusal = capture, on_refusal
        self._differ: set[_Shape] = set()  # whose graphs have other bits
        self._figures: dict[_Shape, tuple[float, float]] = {}  # seconds: recording took, a call then saves
        self._never = ""  # why none is tried any more

    def begin(self, should_stop: ShouldStop = lambda: False) -> None:
        """A render begins. should_stop: asked before each step that is recorded, compared or measured."""
        self.used, self._should_stop = False, should_stop

    def captured(self, step: Step, calls: int) -> Step:
        """The same step: as a graph from its second call on, if that is as good and faster over the calls that come."""
        return _CapturedStep(step, self, calls)

    def graph_of(self, step: Step, noisy: Tensor, time: Tensor, calls: int) -> _Graph | None:
        """None where a graph is of no use. calls: how many are still to come. Raises RenderStopped."""
        shape = tuple(noisy.shape)
        refusal = self._never or (_DIFFERS if shape in self._differ else "") or self._costs(shape, calls)
        graph = None
        if not refusal:
            graph, refusal = self._tried(step, noisy, time)
            refusal = refusal or self._costs(shape, calls)
        if refusal:
            self._on_refusal(f"The steps were not run as a graph: {refusal}.")
            return None
        self.used = True
        return graph

    def _costs(self, shape: _Shape, calls: int) -> str:
        """Why a graph does not pay over so many calls; "" where it does, or where that is not known."""
        spent, saved = self._figures.get(shape, (0.0, 1.0))
        return "" if saved * calls > spent else "recording the graph takes longer than it saves"

    def _tried(self, step: Step, noisy: Tensor, time: Tensor) -> tuple[_Graph | None, str]:
        """A graph of the step, or why it is of no use. Raises RenderStopped."""
        own, recorded = (noisy.clone(), time.clone()), list[Work]()
        try:
            spent = self._took(lambda: recorded.append(self._capture.capture(lambda: step(*own))))
            graph = _Graph(*own, recorded[0])
            stop_if_asked(self._should_stop)
            replayed = graph(noisy, time)
            stop_if_asked(self._should_stop)
            if not torch.equal(replayed, step(noisy, time)):
                self._differ.add(tuple(noisy.shape))
                return None, _DIFFERS
            if tuple(noisy.shape) not in self._figures:
                plain = self._took(lambda: step(noisy, time))
                saved = plain - self._took(lambda: graph(noisy, time))
                self._figures[tuple(noisy.shape)] = spent, saved
        except RuntimeError as error:
            if out_of_memory(error):
                return None, _MEMORY
            self._never = "the device could not capture them"
            return None, self._never
        return graph, ""

    def _took(self, work: Callable[[], object]) -> float:
        """Seconds. Raises RenderStopped before it."""
        stop_if_asked(self._should_stop)
        return self._capture.seconds(work)


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
    def __init__(self, step: Step, graphs: StepGraphs, calls: int) -> None:
        self._step, self._graphs = step, graphs
        self._called, self._calls = 0, calls
        self._graph: _Graph | None = None

    def __call__(self, noisy: Tensor, time: Tensor) -> Tensor:
        self._called += 1
        if self._called == 2:  # the first call also plans
            self._graph = self._graphs.graph_of(self._step, noisy, time, self._calls - 1)
        return self._step(noisy, time) if self._graph is None else self._graph(noisy, time)
