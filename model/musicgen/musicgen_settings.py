"""The engine's options: how tokens are drawn. Needs no torch, so that a wrong one is refused before anything loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.acestep.sampling.option_kinds import Number
from model.library_engine import CHECKPOINT, CHECKPOINT_HELP

GUIDANCE, TEMPERATURE, TOP_K = "guidance", "temperature", "top_k"
_NUMBERS = {
    GUIDANCE: Number("how closely to follow the prompt and the melody, 1 to 10 (default 3; 1 = off)", 1, 10),
    TEMPERATURE: Number("how daring: below 1 safer, above 1 wilder, 0.1 to 2 (default 1)", 0.1, 2),
    TOP_K: Number(
        "from how many of the likeliest sounds to draw, 0 to 2048 (default 250; 0 = all)", 0, 2048, whole=True
    ),
}
OPTIONS: Mapping[str, str] = {
    CHECKPOINT: CHECKPOINT_HELP,
    **{name: kind.help for name, kind in _NUMBERS.items()},
}


@dataclass(frozen=True)
class MusicgenSettings:
    """How tokens are drawn: of the top_k likeliest (0 = of all), at a temperature, led by the prompt by `guidance`."""

    guidance: float = 3.0
    temperature: float = 1.0
    top_k: int = 250


def settings_of(options: Mapping[str, Any]) -> MusicgenSettings:
    """The options as the network takes them. Raises CannotRender."""
    usual = MusicgenSettings()

    def read(name: str, default: float) -> float:
        return _NUMBERS[name].read(name, options.get(name, default))

    return MusicgenSettings(  # the library refuses whole numbers where it expects others
        guidance=float(read(GUIDANCE, usual.guidance)),
        temperature=float(read(TEMPERATURE, usual.temperature)),
        top_k=int(read(TOP_K, usual.top_k)),
    )
