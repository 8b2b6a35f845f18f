"""The separation networks that can be fetched, and which of them a folder of models holds.

Both are Hybrid Transformer Demucs (S. Rouard, F. Massa, A. Défossez, ICASSP 2023), from the author's own pages and as
safetensors: the older files of the same weights are pickles, which can run code when they are opened, and are never
read. Needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model.published import Kind, Published, PublishedFile

FOUR = ("vocals", "drums", "bass", "other")
"""The stems of the smaller network, in the order producers know from other programs."""
SIX = (*FOUR, "guitar", "piano")

LICENCE = "MIT by its page; its author said in 2022 and 2023: for research only"
"""Both statements are his; docs/model.md has where they stand."""

STEM_MODELS = (
    Published(
        "stems", Kind.STEMS, "HTDemucs", "adefossez/HTDemucs",
        (PublishedFile("955717e8.safetensors", 84_025_440, "d9fa1413"),), 84_000_000,
        "Separates a mix into vocals, drums, bass and other: for extract, and for Sketch's layers.",
        whole=False, licence=LICENCE,
    ),
    Published(
        "stems-6", Kind.STEMS, "HTDemucs-6s", "adefossez/HTDemucs-6s",
        (PublishedFile("5c90dfd2.safetensors", 54_885_744, "d2a1745f"),), 54_900_000,
        "The same with guitar and piano; its authors call the guitar acceptable and the piano not good yet.",
        whole=False, licence=LICENCE,
    ),
)  # fmt: skip

_STEMS = {"stems": FOUR, "stems-6": SIX}


@dataclass(frozen=True)
class StemModel:
    """A network whose weights are here. name: in the table; path: its file; stems: what it separates into."""

    name: str
    path: Path
    stems: tuple[str, ...]


def stem_models(folder: Path | None) -> tuple[StemModel, ...]:
    """The networks in a folder of models, the one with four stems first: it separates those better."""
    if folder is None:
        return ()
    places = [(entry.name, folder / entry.folder / entry.files[0].name) for entry in STEM_MODELS]
    return tuple(StemModel(name, path, _STEMS[name]) for name, path in places if path.is_file())


def model_for(stems: tuple[str, ...], found: tuple[StemModel, ...]) -> StemModel | None:
    """The first network that has all these stems; None if there is none."""
    return next((one for one in found if set(stems) <= set(one.stems)), None)
