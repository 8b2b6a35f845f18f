"""Prefers the song's brighter, darker, busier or sparser beats where a prompt asks for them.

The price is added to the costs of the plan. A least-cost path with such a price never has less of what was asked for
than the one without it, whatever the song; by how much it has more depends on what the song offers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.analysis.analysis import Analysis
from model.sketch.rearrange.passage import Passage
from model.sketch.rearrange.plan import Costs

SIGNS = {"brighter": 1.0, "darker": -1.0, "busier": 1.0, "sparser": -1.0}


def brightness(analysis: Analysis) -> NDArray[np.float64]:
    """Each beat's level in the upper half of the mel bands over that in the lower half, in dB; [beats]."""
    mel = analysis.beats.mel
    middle = mel.shape[1] // 2
    return np.asarray(mel[:, middle:].mean(axis=1) - mel[:, :middle].mean(axis=1), dtype=np.float64)


def motion(analysis: Analysis) -> NDArray[np.float64]:
    """How much begins to sound in each beat: the mean of its onset envelope; [beats]."""
    envelope = analysis.listening.envelope
    running = np.concatenate([[0.0], np.cumsum(envelope, dtype=np.float64)])
    frames = (analysis.beats.seconds + p.ONSET_LAG_SECONDS) * p.ANALYSIS_RATE / p.ONSET_HOP
    edges = np.clip(np.rint(frames).astype(int), 0, len(envelope))
    return np.asarray(np.diff(running[edges]) / np.maximum(np.diff(edges), 1))


def costs(part: Passage, leans: tuple[str, ...]) -> Costs:
    """The price of each source beat, [N]: deviations from the mean of its place in the bar, times LEAN_COST."""
    total = np.zeros(len(part.sources))
    place = part.analysis.beats.position[part.sources]
    for lean in leans:
        found = _feature(part.analysis, lean)[part.sources]
        for position in np.unique(place):
            here = place == position
            spread = max(float(found[here].std()), 1e-6)
            scaled = np.clip((found[here] - found[here].mean()) / spread, -p.LEAN_LIMIT, p.LEAN_LIMIT)
            total[here] -= p.LEAN_COST * SIGNS[lean] * scaled
    return total


def texture_cost(leans: tuple[str, ...]) -> float:
    """The price of another arrangement than the replaced bars': none where a prompt asks for another sound."""
    return 0.0 if leans else p.BAR_TEXTURE_COST


def notes(part: Passage, path: NDArray[np.intp], leans: tuple[str, ...]) -> tuple[str, ...]:
    """What the producer should know where a take is not as was asked for. path: the source beat of each target beat."""
    return tuple(
        f"No {lean} beats of the song fit here, so the take is not {lean} than what it replaces."
        for lean in leans
        if not part.region_was_silent and change(part, path, lean) <= 0.0
    )


def change(part: Passage, path: NDArray[np.intp], lean: str) -> float:
    """How much more of what was asked for the chosen beats have than the beats they replace."""
    found = _feature(part.analysis, lean)
    return SIGNS[lean] * float(found[path].mean() - found[part.targets].mean())


def _feature(analysis: Analysis, lean: str) -> NDArray[np.float64]:
    return brightness(analysis) if lean in ("brighter", "darker") else motion(analysis)
