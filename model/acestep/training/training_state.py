"""Where a training stands, in one file: the change's numbers, the optimiser's, the best ones so far and the losses.

Written whole or not at all, so a killed training goes on from the last one, to the same bits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from model.acestep.training.whole_file import write_whole_file
from model.errors import CannotRender

_OPTIMISER, _NOW, _BEST = "optimiser.", "now.", "best."


@dataclass
class Curve:
    """What was measured: the loss of every step, and (step, loss on the fixed examples) at every check."""

    losses: list[float] = field(default_factory=list)
    checks: list[tuple[int, float]] = field(default_factory=list)

    @property
    def best(self) -> tuple[int, float] | None:
        """The check with the lowest loss, the first of equal ones."""
        return min(self.checks, key=lambda one: one[1], default=None)

    def is_over(self, patience: int) -> bool:
        """Whether the last `patience` checks brought nothing better."""
        best = self.best
        return (
            best is not None
            and [step for step, _ in self.checks].index(best[0]) < len(self.checks) - patience
        )


def write_state(
    path: Path,
    about: str,
    parameters: Mapping[str, nn.Parameter],
    best: Mapping[str, Tensor],
    optimiser: Optimizer,
    curve: Curve,
) -> None:
    """about: what the training is of, see `read_state`. Raises CannotRender if the disk refuses."""
    tensors = {_NOW + name: value.detach() for name, value in parameters.items()}
    tensors |= {_BEST + name: value for name, value in best.items()}
    for name, parameter in parameters.items():
        for key, value in optimiser.state[parameter].items():
            if isinstance(value, Tensor):
                tensors[f"{_OPTIMISER}{key}.{name}"] = value
    written = {"about": about, "curve": json.dumps({"losses": curve.losses, "checks": curve.checks})}
    write_whole_file(path, save({name: value.cpu().contiguous() for name, value in tensors.items()}, written))


def read_state(
    path: Path, about: str, parameters: Mapping[str, nn.Parameter], optimiser: Optimizer
) -> tuple[Curve, dict[str, Tensor]]:
    """Puts parameters and optimiser back to where they were; returns the curve and the best numbers.

    Raises CannotRender for a damaged file, and for that of a training of something else.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as opened:
            written = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
        curve = _curve(json.loads(written["curve"]))
        if written["about"] != about:
            raise CannotRender(
                f"The training in {path.parent.name} was begun with other songs, settings or another checkpoint.",
                "Start it as it was begun, or choose another name.",
            )
        for name, parameter in parameters.items():
            parameter.data.copy_(tensors[_NOW + name])
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as broken:
        raise CannotRender(
            f"The state of the training in {path.parent.name} is damaged: {broken}.",
            "Choose another name; the songs are prepared again.",
        ) from broken
    for name, parameter in parameters.items():
        optimiser.state[parameter] = _optimiser_state(tensors, name, parameter)
    best = {name.removeprefix(_BEST): value for name, value in tensors.items() if name.startswith(_BEST)}
    return curve, best


def _optimiser_state(tensors: Mapping[str, Tensor], name: str, parameter: nn.Parameter) -> dict[str, Tensor]:
    found = {}
    for stored, value in tensors.items():
        if stored.startswith(_OPTIMISER) and stored.endswith(f".{name}"):
            key = stored.removeprefix(_OPTIMISER).removesuffix(f".{name}")
            # The optimisers count their steps on the CPU and keep everything else next to the parameter.
            found[key] = value.clone() if key == "step" else value.to(parameter.device, copy=True)
    return found


def _curve(fields: Mapping[str, Any]) -> Curve:
    checks = [(int(step), float(loss)) for step, loss in fields["checks"]]
    return Curve([float(loss) for loss in fields["losses"]], checks)
