"""A step of the transformer with compiled layers: torch makes few large kernels of a layer's many small ones.

One layer is compiled and serves all of them, so compiling takes as long as for a layer, not for the network. It takes
seconds to a minute all the same, for every length, and gives other last bits than a plain step. So it is used only when
asked for (the option `compile`), from the first call of a render to the last, and where it pays: what it saves at each
call, over the calls that were asked for at a length so far, against what compiling takes. Both are measured; before
there is a figure, a cautious one stands in. Where it does not pay, fails or errs, steps stay plain, and a take's notes
say why.
Not yet run on a GPU.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor

from model.acestep.networks.attention import KeysValues, Rotary, Visible
from model.acestep.networks.dit import DitLayer, RenderStep, RunLayer, Step
from model.torch_device import out_of_memory

FIRST_SECONDS = 20.0
"""What compiling is taken to cost before it was measured: two kinds of layer, on one core of a processor."""
FIRST_SHARE = 0.5
"""Of a step's time: what compiling is taken to save before it was measured."""
MOST_LENGTHS = 16
"""So many are compiled, then no more: torch keeps every one."""
_KINDS = 4
"""Of a layer at one length: sliding or not, and with the words or with no condition."""
_ROUNDINGS = 8.0
"""So many rounding errors of the weights' dtype, relative to the step's mean square, a compiled step may differ."""

Compiler = Callable[[RunLayer], RunLayer]
Seconds = Callable[[Callable[[], object]], float]
_Length = tuple[tuple[int, ...], bool]
"""The shape of the latents, and whether the condition is that of no words, a single entry."""
_Asked = tuple[int, bool]
"""The same before there are latents: without the number of takes."""


def torch_compiler(run: RunLayer) -> RunLayer:
    """For one length at a time: a layer for all lengths would depend on which one came first, and so would its bits."""
    return torch.compile(run, dynamic=False)


class CompiledSteps:
    """Compiles the steps of renders. seconds: how long work takes on the device.

    on_refusal: gets each reason why steps stay plain in words, once.
    used: whether any step has run compiled since it was last set to False.
    """

    def __init__(
        self, seconds: Seconds, on_refusal: Callable[[str], None], compiler: Compiler = torch_compiler
    ) -> None:
        self.used = False
        self._seconds, self._on_refusal, self._compiler = seconds, on_refusal, compiler
        self._layer: RunLayer | None = None
        self._asked: Counter[_Asked] = Counter()  # calls
        self._plain: dict[_Length, float] = {}  # seconds of a plain step
        self._saved: dict[_Length, float] = {}  # seconds a compiled one saves
        self._useless: dict[_Length, str] = {}
        self._cost, self._share = FIRST_SECONDS, FIRST_SHARE
        self._never = ""  # why nothing is compiled any more
        self._told: set[str] = set()

    def chosen(self, step: RenderStep, calls: int) -> Step:
        """The step, compiled where that pays. calls: about how many times it will run."""
        self._asked[_asked(step)] += calls
        return _ChosenStep(step, self)

    def best(self, step: RenderStep, noisy: Tensor, time: Tensor) -> Step:
        """As `chosen`, for latents of this shape. Decides before the step runs, which stays as it is for the render."""
        length = tuple(noisy.shape), _asked(step)[1]
        compiled = RenderStep(step.dit, step.context, step.condition, step.plan, self._run)
        refusal = (
            self._never or self._useless.get(length) or self._measured(length, step, compiled, noisy, time)
        )
        if refusal:
            if refusal not in self._told:
                self._told.add(refusal)
                self._on_refusal(f"The steps were not compiled: {refusal}.")
            return step
        self.used = True
        return compiled

    def _measured(
        self, length: _Length, step: RenderStep, compiled: RenderStep, noisy: Tensor, time: Tensor
    ) -> str:
        """Compiles where it is to pay. Returns why it does not; "" where it does."""
        if length in self._saved:
            return ""
        if length not in self._plain:
            step(noisy, time)  # the first call also plans
            self._plain[length] = self._seconds(lambda: step(noisy, time))
        plain = self._plain[length]
        if plain * self._share * self._asked[_asked(step)] <= self._cost:
            return "compiling takes longer than it would save"
        if len(self._saved) + len(self._useless) >= MOST_LENGTHS:
            return f"{MOST_LENGTHS} lengths are compiled already"
        try:
            self._cost = self._seconds(lambda: self._compiled(compiled, noisy, time))
            if not _alike(compiled(noisy, time), step(noisy, time), step.dit.patchify.weight.dtype):
                self._useless[length] = "a compiled step gave other numbers"
                return self._useless[length]
            saved = plain - self._seconds(lambda: compiled(noisy, time))
        except (RuntimeError, ImportError, OSError) as error:
            if out_of_memory(error):
                return "memory was short"
            self._never = f"the compiler failed ({type(error).__name__})"
            return self._never
        if saved <= 0:
            self._useless[length] = "a compiled step is no faster"
            return self._useless[length]
        self._saved[length], self._share = saved, saved / plain
        return ""

    def _compiled(self, step: RenderStep, noisy: Tensor, time: Tensor) -> None:
        """The first call at a length. Raises RuntimeError, ImportError or OSError where that cannot be compiled."""
        with warnings.catch_warnings():  # the compiler's own imports use what torch advises against
            warnings.simplefilter("ignore")
            import torch._dynamo

            limits = {"recompile_limit": _KINDS * MOST_LENGTHS, "fail_on_recompile_limit_hit": True}
            with torch._dynamo.config.patch(limits):
                step(noisy, time)

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


class _ChosenStep:
    def __init__(self, step: RenderStep, steps: CompiledSteps) -> None:
        self._plain, self._steps = step, steps
        self._step: Step | None = None

    def __call__(self, noisy: Tensor, time: Tensor) -> Tensor:
        if self._step is None:
            self._step = self._steps.best(self._plain, noisy, time)
        return self._step(noisy, time)


def _asked(step: RenderStep) -> _Asked:
    return step.plan.frames, step.condition.layers[0].key.shape[2] == 1


def _alike(found: Tensor, wanted: Tensor, dtype: torch.dtype) -> bool:
    """Whether two results of a step differ by rounding only; no for what is not finite."""
    apart = (found.float() - wanted.float()).square().mean().sqrt()
    most = _ROUNDINGS * torch.finfo(dtype).eps * wanted.float().square().mean().sqrt()
    return bool(apart <= most)
