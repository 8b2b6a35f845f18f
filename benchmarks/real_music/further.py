"""More pieces of the packages that parameters are tuned on: planned takes are measured on them, nothing else.

Eight pieces are few to choose a price by. These have one tempo that the survey finds without doubt; it and the first
downbeat are the survey's, not somebody's ear.
"""

from __future__ import annotations

from benchmarks.real_music.pieces import PIECES, RealPiece

_ALIKE = {"singularity": "awakening", "zaz": "zaz2", "wesnoth": "loyalists", "sectoid": "feelings"}
"""A piece of the same package, whose licence and folder they share."""

_FOUND: tuple[tuple[str, str, float, float, int], ...] = (
    ("singularity", "A New Journey", 110.0, 0.0081, 4),
    ("singularity", "Aberrations", 100.0, 0.007, 4),
    ("singularity", "Advanced Simulacra", 100.0, 0.0042, 4),
    ("singularity", "By-Product", 100.015, 0.0086, 4),
    ("singularity", "Coherence", 140.02, 0.0038, 4),
    ("singularity", "Deprecation", 130.01, 0.006, 4),
    ("singularity", "Enemy Unknown", 119.995, 0.0, 4),
    ("singularity", "Inevitable", 140.02, 0.003, 4),
    ("singularity", "Nebula", 100.0, 0.0057, 4),
    ("singularity", "Orbital Elevator", 166.67, 0.0076, 4),
    ("singularity", "Through Space", 115.0, 0.0046, 4),
    ("zaz", "mus1", 100.015, 0.0884, 4),
    ("zaz", "mus4", 160.015, 0.2231, 4),
    ("wesnoth", "battle", 135.0, 0.0117, 4),
    ("wesnoth", "breaking_the_chains", 284.0, 0.0418, 7),
    ("wesnoth", "casualties_of_war", 120.01, 0.2709, 4),
    ("wesnoth", "journeys_end", 106.66, 0.493, 4),
    ("wesnoth", "knalgan_theme", 120.0, 0.0183, 4),
    ("wesnoth", "main_menu", 120.0, 0.3904, 4),
    ("wesnoth", "northern_mountains", 125.3, 0.0749, 4),
    ("wesnoth", "return_to_wesnoth", 300.0, 0.1133, 6),
    ("sectoid", "Escape from chaosland", 135.0, 0.0299, 4),
    ("sectoid", "War of freedom", 140.0, 0.046, 4),
)
"""Package, file or folder, beats a minute, seconds of the first downbeat, beats in a bar."""


def _beside(package: str, name: str, bpm: float, downbeat: float, meter: int) -> RealPiece:
    like = PIECES[_ALIKE[package]]
    files = []
    for file in like.files:
        parts = file.split("/")
        if len(like.files) > 1:  # stems: the piece is their folder
            parts[-2] = name
        else:
            parts[-1] = f"{name}.ogg"
        files.append("/".join(parts))
    kind = f"as {_ALIKE[package]}"
    return RealPiece(like.package, tuple(files), kind, like.licence, bpm, downbeat, meter, tuned_on=True)


FURTHER: dict[str, RealPiece] = {
    found[1].lower().replace(" ", "_").replace("-", "_"): _beside(*found) for found in _FOUND
}
