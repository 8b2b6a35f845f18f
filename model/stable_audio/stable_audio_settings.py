"""The engine's options. Needs no torch, so that a wrong one is refused before anything loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.acestep.sampling.option_kinds import Number
from model.errors import CannotRender
from model.library_engine import CHECKPOINT, CHECKPOINT_HELP

GUIDANCE, STEPS, NOISE, AVOID = "guidance", "steps", "noise", "avoid"
LEAST_NOISE, MOST_NOISE = 0.5, 500.0
"""Of a repaint: at the first, little more than the grain changes; at the second, nothing of the old sound is left."""
LONGEST_AVOID = 1000  # characters
_NUMBERS = {
    GUIDANCE: Number("how closely to follow the prompt, 1 to 15 (default 7; 1 = off)", 1, 15),
    STEPS: Number("more steps, finer sound, 10 to 500 (default 100)", 10, 500, whole=True),
    NOISE: Number(
        "for repaint: how much noise covers the old sound at first, 0.5 to 500 (default: from the strength)",
        LEAST_NOISE,
        MOST_NOISE,
    ),
}
OPTIONS: Mapping[str, str] = {
    CHECKPOINT: CHECKPOINT_HELP,
    AVOID: "what it should not sound like, in words: low quality, hiss (needs guidance above 1)",
    **{name: kind.help for name, kind in _NUMBERS.items()},
}


@dataclass(frozen=True)
class StableAudioSettings:
    """How a sound is drawn, as the authors have it unless a request says otherwise.

    noise: a repaint's first noise level, in standard deviations of the latents; None = by the request's strength.
    avoid: a prompt to move away from; "" = from no prompt at all.
    """

    guidance: float = 7.0
    steps: int = 100
    noise: float | None = None
    avoid: str = ""

    @property
    def guided(self) -> bool:
        """Whether it is drawn towards the prompt and away from `avoid`."""
        return self.guidance > 1

    def noise_level(self, strength: float) -> float:
        """A repaint's first noise level; by the strength, its logarithm rises evenly."""
        if self.noise is not None:
            return self.noise
        return float(LEAST_NOISE * (MOST_NOISE / LEAST_NOISE) ** strength)


def settings_of(options: Mapping[str, Any]) -> StableAudioSettings:
    """The options as the network takes them. Raises CannotRender."""
    usual = StableAudioSettings()

    def read(name: str, default: float) -> float:
        return _NUMBERS[name].read(name, options.get(name, default))

    avoid = options.get(AVOID, usual.avoid)
    if not isinstance(avoid, str) or len(avoid) > LONGEST_AVOID:
        raise CannotRender(
            f"The option {AVOID} must be words, at most {LONGEST_AVOID} characters.",
            "Shorten it, or leave it out.",
        )
    return StableAudioSettings(
        guidance=float(read(GUIDANCE, usual.guidance)),
        steps=int(read(STEPS, usual.steps)),
        noise=float(_NUMBERS[NOISE].read(NOISE, options[NOISE])) if NOISE in options else None,
        avoid=avoid.strip(),
    )
