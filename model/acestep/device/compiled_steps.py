"""A step of the transformer with compiled layers: torch makes few large kernels of a layer's many small ones.

One layer is compiled and serves all of them, so compiling takes as long as for a layer, not for the network. It takes
seconds to a minute all the same, for every length, and gives other last bits than a plain step. So it is used only when
asked for (the option `compile`), for all steps of a render or for none, and where it pays: what it saves at each call,
over the calls that were asked for at a length so far, against what compiling takes. Both are measured; before there is
a figure, a cautious one stands in. Where it does not pay, fails or errs, steps stay plain, and a take's notes say why.
Not yet run on a GPU.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from model.acestep.networks.attention import KeysValues, Rotary, Visible
from model.acestep.networks.dit import DitLayer, RenderStep, RunLayer, Step
from model.engine import ShouldStop, stop_if_asked
from model.errors import EngineError
from model.torch_device import out_of_memory

FIRST_SECONDS = 20.0
"""What compiling is taken to cost before it was measured: two kinds of layer, on one core of a processor."""
FIRST_SHARE = 0.5
"""Of a step's time: what compiling is taken to save before it was measured."""
MOST_LENGTHS = 16
"""So many are compiled, then no more: torch keeps every one."""
COMPILED, IN_PART = "compiled", "compiled in part"
_KINDS = 4
"""Of a layer at one length: sliding or not, and with the words or with no condition."""
_ROUNDINGS = 8.0
"""So many rounding errors of the weights' dtype, relative to the step's mean square, a compiled step may differ."""

Compiler = Callable[[RunLayer], RunLayer]
Seconds = Callable[[Callable[[], object]], float]


class _Kind(NamedTuple):
    """What is known of a step before there are latents. wordless: its condition is that of no words, a single entry."""

    frames: int
    wordless: bool
    int8: bool


_Length = tuple[tuple[int, ...], _Kind]
"""The shape of the latents, and the rest that a compiled step is for."""


def torch_compiler(run: RunLayer) -> RunLayer:
    """For one length at a time: a layer for all lengths would depend on which one came first, and so would its bits."""
    return torch.compile(run, dynamic=False)


class CompiledSteps:
    """Compiles the steps of renders. seconds: how long work takes on the device.

    on_refusal: gets the reason in words, in every render in which steps stay plain.
    """

    def __init__(
        self, seconds: Seconds, on_refusal: Callable[[str], None], compiler: Compiler = torch_compiler
    ) -> None:
        self._seconds, self._on_refusal, self._compiler = seconds, on_refusal, compiler
        self._layer: RunLayer | None = None
        self._asked: Counter[_Kind] = Counter()  # calls
        self._plain: dict[_Length, float] = {}  # seconds of a plain step
        self._saved: dict[_Length, float] = {}  # seconds a compiled one saves
        self._useless: dict[_Length, str] = {}
        self._cost, self._share = FIRST_SECONDS, FIRST_SHARE
        self._never = ""  # why nothing is compiled any more
        self.begin()

    def begin(self, should_stop: ShouldStop = lambda: False) -> None:
        """A render begins. should_stop: asked between the steps that are measured."""
        self._should_stop = should_stop
        self._of_render: dict[
            _Kind, RenderStep
        ] = {}  # one of each, until it is decided whether they are compiled
        self._compiles: bool | None = None
        self._ran: set[bool] = set()  # whether compiled

    @property
    def how(self) -> str:
        """How the steps of the render ran: COMPILED, IN_PART, or "" where all were plain."""
        if True not in self._ran:
            return ""
        return IN_PART if False in self._ran else COMPILED

    def chosen(self, step: RenderStep, calls: int, int8: bool = False) -> Step:
        """The step, compiled where that pays. calls: about how many times it will run. int8: its weights are packed."""
        kind = _Kind(step.plan.frames, step.condition.layers[0].key.shape[2] == 1, int8)
        self._asked[kind] += calls
        if self._compiles is None:
            self._of_render.setdefault(kind, step)
        return _ChosenStep(step, kind, self)

    def best(self, step: RenderStep, kind: _Kind, noisy: Tensor, time: Tensor) -> Step:
        """As `chosen`, for latents of this shape, from now on. The render's first call decides for all of its steps."""
        if self._compiles is None:
            refusal = self._refusal(noisy, time)
            self._compiles = not refusal
            self._of_render.clear()
            if refusal:
                self._refused(refusal)
        if self._compiles and (tuple(noisy.shape), kind) in self._saved:
            self._ran.add(True)
            return _CompiledStep(step, self.compiled(step), self)
        self._ran.add(False)
        return step

    def compiled(self, step: RenderStep) -> Step:
        """The step with compiled layers. Raises whatever the compiler does."""
        chosen = RenderStep(step.dit, step.context, step.condition, step.plan, self._run)

        def run(noisy: Tensor, time: Tensor) -> Tensor:
            with _limits():
                return chosen(noisy, time)

        return run

    def failed(self, error: Exception) -> None:
        """A compiled step of the render did, and goes on plain."""
        self._ran.add(False)
        self._compiles = False
        self._refused(self._because(error))

    def _refused(self, reason: str) -> None:
        self._on_refusal(f"The steps were not compiled: {reason}.")

    def _because(self, error: Exception) -> str:
        """Memory may be there again for the next render; a compiler that failed is not asked again."""
        if out_of_memory(error):
            return "memory was short"
        self._never = f"the compiler failed ({type(error).__name__})"
        return self._never

    def _refusal(self, noisy: Tensor, time: Tensor) -> str:
        """Compiles all kinds of the render's steps where that is to pay. Returns why it does not; "" where it does."""
        lengths = {(tuple(noisy.shape), kind): step for kind, step in self._of_render.items()}
        known = (self._useless[length] for length in lengths if length in self._useless)
        refusal = self._never or next(known, "")
        missing = [length for length in lengths if length not in self._saved]
        if refusal or not missing:
            return refusal
        first, calls = missing[0], sum(self._asked[kind] for _, kind in lengths)
        plain = self._plain_seconds(first, lengths[first], noisy, time)  # the others take as long
        if plain * self._share * calls <= self._cost * len(missing):
            return "compiling takes longer than it would save"
        if len(self._saved) + len(self._useless) + len(missing) > MOST_LENGTHS:
            return f"{MOST_LENGTHS} lengths are compiled already"
        for length in missing:
            refusal = self._measured(length, lengths[length], noisy, time)
            if refusal:
                return refusal
        return ""

    def _plain_seconds(self, length: _Length, step: RenderStep, noisy: Tensor, time: Tensor) -> float:
        if length not in self._plain:
            step(noisy, time)  # the first call also plans
            self._plain[length] = self._took(lambda: step(noisy, time))
        return self._plain[length]

    def _measured(self, length: _Length, step: RenderStep, noisy: Tensor, time: Tensor) -> str:
        """Compiles for a length. Returns why that is no good; "" where it is."""
        plain, compiled = self._plain_seconds(length, step, noisy, time), self.compiled(step)
        try:
            self._cost = self._took(lambda: compiled(noisy, time))
            if not _alike(compiled(noisy, time), step(noisy, time), step.dit.patchify.weight.dtype):
                self._useless[length] = "a compiled step gave other numbers"
                return self._useless[length]
            saved = plain - self._took(lambda: compiled(noisy, time))
        except EngineError:  # it was stopped
            raise
        except Exception as error:  # compilers raise errors of all kinds
            return self._because(error)
        if saved <= 0:
            self._useless[length] = "a compiled step is no faster"
            return self._useless[length]
        self._saved[length], self._share = saved, saved / plain
        return ""

    def _took(self, work: Callable[[], object]) -> float:
        """Seconds. Raises RenderStopped before it."""
        stop_if_asked(self._should_stop)
        return self._seconds(work)

    def _run(
        self,
        layer: DitLayer,
        x: Tensor,
        modulation: Tensor,
        seen: KeysValues,
        rotary: Rotary,
        visible: Visible,
    ) -> Tensor:
        if self._layer is None:
            self._layer = self._compiler(DitLayer.forward)
        if seen.key.shape[2] > 1:  # words are of any number: none of them makes it compile again
            for words in (seen.key, seen.value):
                torch._dynamo.maybe_mark_dynamic(words, 2)
        return self._layer(layer, x, modulation, seen, rotary, visible)


@contextmanager
def _limits() -> Iterator[None]:
    """torch compiles no more often than there are kinds of layers, and says so where it would.

    Around every call: torch may have to compile again later than at the first.
    """
    with warnings.catch_warnings():  # the compiler's own imports use what torch advises against
        warnings.simplefilter("ignore")
        import torch._dynamo.config as config

        wanted = {"cache_size_limit": _KINDS * MOST_LENGTHS, "fail_on_cache_limit_hit": True}
        # By their older names, which newer versions know too; the oldest one has no such failure.
        with config.patch({name: value for name, value in wanted.items() if hasattr(config, name)}):
            yield


class _ChosenStep:
    def __init__(self, step: RenderStep, kind: _Kind, steps: CompiledSteps) -> None:
        self._plain, self._kind, self._steps = step, kind, steps
        self._step: Step | None = None

    def __call__(self, noisy: Tensor, time: Tensor) -> Tensor:
        if self._step is None:
            self._step = self._steps.best(self._plain, self._kind, noisy, time)
        return self._step(noisy, time)


class _CompiledStep:
    """Plain again once it has failed."""

    def __init__(self, plain: Step, compiled: Step, steps: CompiledSteps) -> None:
        self._plain, self._steps = plain, steps
        self._compiled: Step | None = compiled

    def __call__(self, noisy: Tensor, time: Tensor) -> Tensor:
        if self._compiled is not None:
            try:
                return self._compiled(noisy, time)
            except Exception as error:  # torch compiles again where it has to, and may fail then
                self._compiled = None
                self._steps.failed(error)
        return self._plain(noisy, time)


def _alike(found: Tensor, wanted: Tensor, dtype: torch.dtype) -> bool:
    """Whether two results of a step differ by rounding only; no for what is not finite."""
    apart = (found.float() - wanted.float()).square().mean().sqrt()
    most = _ROUNDINGS * torch.finfo(dtype).eps * wanted.float().square().mean().sqrt()
    return bool(apart <= most)
