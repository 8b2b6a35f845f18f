"""The MusicGen Melody checkpoints that can be fetched, and which of them a folder of models holds. Needs no torch.

J. Copet and others, "Simple and Controllable Music Generation", NeurIPS 2023. The weights are in the layout of the
library transformers; the older files of the same weights are pickles and are never read.
"""

from __future__ import annotations

from pathlib import Path

from model.acestep.weights.model_folders import read_fields
from model.errors import NotLoaded
from model.library_checkpoint import LibraryCheckpoint, checkpoint_folders
from model.published import Kind, Published, PublishedFile

LICENCE = "CC-BY-NC 4.0: not for commercial use"
MODEL_TYPE = "musicgen_melody"
GET_MUSICGEN = (
    "Run `takebridge models pull musicgen-stereo-melody` (6.3 GB), or start the server with --models and your models "
    "folder."
)
_FILES = (
    PublishedFile("model-00001-of-00002.safetensors"), PublishedFile("model-00002-of-00002.safetensors"),
    PublishedFile("model.safetensors.index.json"), PublishedFile("config.json"),
    PublishedFile("generation_config.json"), PublishedFile("tokenizer.json"),
)  # fmt: skip

MUSICGEN_MODELS = (
    Published(
        "musicgen-stereo-melody", Kind.OTHER_MUSIC, "musicgen-stereo-melody", "facebook/musicgen-stereo-melody",
        _FILES, 6_330_000_000,
        "MusicGen Melody, not for commercial use: accompanies, continues and generates; does not sing.",
        licence=LICENCE,
    ),
    Published(
        "musicgen-melody", Kind.OTHER_MUSIC, "musicgen-melody", "facebook/musicgen-melody",
        _FILES, 6_230_000_000, "The same in mono, not for commercial use.", licence=LICENCE,
    ),
)  # fmt: skip


class MusicgenCheckpoint(LibraryCheckpoint):
    """One checkpoint of MusicGen Melody."""

    published = MUSICGEN_MODELS
    library = "transformers"


def find_musicgen(folder: Path) -> tuple[MusicgenCheckpoint, ...]:
    """The checkpoints that `folder` is or has directly inside; those in stereo first, then by name."""
    found = [one for place in checkpoint_folders(folder) if (one := _checkpoint(place)) is not None]
    return tuple(sorted(found, key=lambda one: ("stereo" not in one.name, one.name)))


def _checkpoint(place: Path) -> MusicgenCheckpoint | None:
    try:
        fields = read_fields(place / "config.json")
    except NotLoaded:
        return None  # of another engine, which says what is wrong with it
    if fields.get("model_type") != MODEL_TYPE or not any(place.glob("*.safetensors")):
        return None
    return MusicgenCheckpoint(place, place.resolve().name, bool(fields.get("untrained")))
