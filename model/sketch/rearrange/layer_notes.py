"""What a producer should know about a layer: how far the stem it depends on could be taken out of the mix."""

from __future__ import annotations

from typing import Any

from model.sketch import parameters as p
from model.sketch.separation.generous_voice import kept_share
from model.sketch.separation.separation import Stems

_DECISIVE = {"keep vocals": "vocals", "drums only": "drums", "fill": "drums", "no drums": "drums"}
"""The stem on which each layer depends."""


def figures(stems: Stems) -> dict[str, Any]:
    """What was found in the region, for the take's report."""
    return {
        "separation": stems.by or "rules",
        "vocal_share": round(stems.vocal_share, 3),
        "vocal_recognised": stems.has_vocal,
        "confidence": {name: round(share, 2) for name, share in stems.confidence.items()},
    }


def notes(layer: str, stems: Stems) -> tuple[str, ...]:
    """The warnings for this layer, from the separation of the region itself."""
    if layer not in _DECISIVE:
        return ()
    found = [stems.note] if stems.note else []
    if layer == "keep vocals" and _hardly_sung(stems):
        return (*found, _HARDLY_SUNG.format(100 * stems.vocal_share) if stems.vocals.any() else _NOT_SUNG)
    stem = _DECISIVE[layer]
    sure = stems.confidence.get(stem, 0.0)
    if layer == "keep vocals" and not stems.by:
        sure = kept_share(sure)
    if layer == "keep vocals" and not stems.has_vocal:
        found.append(
            "No vocal was found for certain in the region. Its lead was kept all the same, as you asked; check that it "
            "is the voice."
        )
    if 0.0 < sure < (p.VOICE_KEPT if layer == "keep vocals" else p.LOW_CONFIDENCE):
        found.append(_UNSURE[layer].format(100 * sure))
    return tuple(found)


def _hardly_sung(stems: Stems) -> bool:
    """Whether there is next to no voice; a network knows a quiet one where the rules only know a loud lead."""
    return not stems.has_vocal if stems.by else stems.vocal_share < p.LEAST_VOCAL_SHARE


_NOT_SUNG = "No vocal was found in the region, so all of it was re-rendered."
_HARDLY_SUNG = (
    "No vocal was found in the region: what sounds most like one has {:.1f} % of the energy and was kept, everything "
    "else was re-rendered. If somebody sings there, send the mix with a louder voice, or repaint the instrumental."
)
_UNSURE = {
    "keep vocals": "About {:.0f} % of the voice is kept: the rest lies under the band in this mix and was re-rendered "
    "with it. Where you have the vocal track, repaint the instrumental instead.",
    "drums only": "Only {:.0f} % of the drums stand clear of the mix: re-rendering them also changes some of the "
    "voice's consonants and other attacks. Where you have the drum track, repaint that instead.",
    "fill": "Only {:.0f} % of the drums stand clear of the mix: moving them also moves some of the voice's consonants "
    "and other attacks. Where you have the drum track, repaint that instead.",
    "no drums": "Only {:.0f} % of the drums stand clear of the mix: some of them remain, and some of the voice's "
    "consonants go with them.",
}
