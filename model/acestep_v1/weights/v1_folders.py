"""Recognises ACE-Step v1 checkpoints: the official folder of four, or ComfyUI's single file. Needs no torch.

Reads config files and headers, never weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from model.acestep.weights.model_folders import read_fields
from model.acestep_v1.weights.published_v1 import (
    CODEC,
    FOLDER,
    LYRICS,
    PARTS,
    TEXT_ENCODER,
    TRANSFORMER,
    VOCABULARY,
    VOCODER,
)
from model.errors import NotLoaded
from model.weight_header import read_header

SIGN = "proj_in.early_conv_layers.0.weight"
"""A tensor that only this transformer has."""
SINGLE_PREFIXES = {
    TRANSFORMER: "model.diffusion_model.",
    CODEC: "vae.dcae.",
    VOCODER: "vae.vocoder.",
    TEXT_ENCODER: "text_encoders.umt5base.transformer.",
}
SENTENCE_PIECES = "text_encoders.spiece_model"
"""The prompt's tokenizer in a single file, as bytes."""
SINGLE_FOLDERS = ("checkpoints",)
COMFYUI_VOCABULARY = Path("comfy") / "text_encoders" / "ace_lyrics_tokenizer" / VOCABULARY
LEVELS = 4  # folders up from a checkpoint in which the vocabulary may lie
GET_V1 = "Run `takebridge models pull v1`, or start the server with --models and your models folder."


@dataclass(frozen=True)
class V1Checkpoint:
    """One checkpoint. path: the folder of four, or the file. name: its own, in lists and receipts."""

    path: Path
    name: str
    vocabulary: Path | None = None

    @property
    def single(self) -> bool:
        """Whether all networks are in one file."""
        return self.path.is_file()

    def place(self, part: str) -> Path:
        """Where a part is: its folder, or the file."""
        return self.path if self.single else self.path / part

    def prefix(self, part: str) -> str:
        """Of the part's tensors."""
        return SINGLE_PREFIXES[part] if self.single else ""

    @property
    def missing(self) -> tuple[str, ...]:
        """Parts that are not there."""
        if self.single:
            names = _names(self.path)
            return tuple(
                part
                for part, prefix in SINGLE_PREFIXES.items()
                if not any(name.startswith(prefix) for name in names)
            )
        return tuple(part for part in PARTS if not (self.path / part / "config.json").is_file())

    @property
    def untrained(self) -> bool:
        """Whether its config says that its weights are random: those of tests are."""
        return not self.single and bool(read_fields(self.place(TRANSFORMER) / "config.json").get("untrained"))


def find_v1(folder: Path) -> tuple[V1Checkpoint, ...]:
    """The checkpoints that `folder` is or has directly inside, or in ComfyUI's folder of checkpoints, by name."""
    if folder.is_file():
        return (_named(folder, folder.stem),) if is_single_file(folder) else ()
    if not folder.is_dir():
        return ()
    whole = [place for place in (folder, *_folders(folder)) if (place / TRANSFORMER).is_dir()]
    return tuple(
        [_named(place, place.resolve().name) for place in whole]
        + [_named(file, file.stem) for file in _single_files(folder)]
    )


def is_single_file(path: Path) -> bool:
    """Whether this is a safetensors file with this transformer."""
    return path.suffix == ".safetensors" and SINGLE_PREFIXES[TRANSFORMER] + SIGN in _names(path)


def _folders(folder: Path) -> Iterator[Path]:
    return (child for child in sorted(folder.iterdir()) if child.is_dir() and not child.name.startswith("."))


def _single_files(folder: Path) -> Iterator[Path]:
    for place in (folder, *(root / name for root in (folder, folder / "models") for name in SINGLE_FOLDERS)):
        for file in sorted(place.glob("*.safetensors")):
            if is_single_file(file):
                yield file


def _named(path: Path, name: str) -> V1Checkpoint:
    return V1Checkpoint(path, name, _vocabulary_of(path))


def _vocabulary_of(path: Path) -> Path | None:
    """In the checkpoint's folder, as downloaded, or where ComfyUI has it."""
    for above in [path, *list(path.absolute().parents)[:LEVELS]]:
        for inside in (Path(LYRICS) / VOCABULARY, Path(FOLDER) / LYRICS / VOCABULARY, COMFYUI_VOCABULARY):
            if (above / inside).is_file():
                return above / inside
    return None


def _names(path: Path) -> frozenset[str]:
    try:
        about = path.stat()
        return _names_of(path, about.st_size, about.st_mtime_ns)
    except (NotLoaded, OSError):
        return frozenset()


@lru_cache(maxsize=256)  # folders are looked through again and again
def _names_of(path: Path, _size: int, _modified: int) -> frozenset[str]:
    return frozenset(read_header(path))


def is_v1(place: Path) -> bool:
    """Whether this is the folder of one of v1's parts, or a single file with all of them."""
    return is_single_file(place) if place.is_file() else place.name in PARTS


def v1_models(folder: Path) -> tuple[V1Checkpoint, ...]:
    """Single files with v1: what a list of models shows besides the published folders."""
    return tuple(one for one in find_v1(folder) if one.single)
