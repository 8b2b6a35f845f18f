"""The Stable Audio Open checkpoints that can be fetched, and which a folder of models holds. Needs no torch.

Z. Evans and others, "Stable Audio Open", 2024, arXiv 2407.14358. The weights are in the layout of the library
diffusers: a folder for each part. The older files beside them (model.ckpt, model.safetensors) hold the same and are
not needed.
"""

from __future__ import annotations

import math
from pathlib import Path

from model.acestep.weights.model_folders import read_fields
from model.errors import NotLoaded
from model.library_checkpoint import LibraryCheckpoint, checkpoint_folders
from model.published import Kind, Published, PublishedFile

LICENCE = (
    "Stability AI Community License: free below 1 million USD of revenue a year, commercial use to be registered; "
    "above, a paid licence"
)
PIPELINE = "StableAudioPipeline"
INDEX = "model_index.json"
PUBLISHED_SECONDS = 2_097_152 / 44_100
"""How long the published checkpoint's window is."""
PUBLISHED_TOKENS = 128
"""What it reads of a prompt."""
GET_STABLE_AUDIO = (
    "Run `takebridge models pull stable-audio-open` (5.3 GB; it says how to get access), or start the server with "
    "--models and your models folder."
)
_WEIGHTS, _CONFIG = "diffusion_pytorch_model.safetensors", "config.json"
_FILES = (
    INDEX,
    *(f"{part}/{file}" for part in ("transformer", "vae", "projection_model") for file in (_CONFIG, _WEIGHTS)),
    "text_encoder/config.json", "text_encoder/model.safetensors",
    "tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json",
    "scheduler/scheduler_config.json",
)  # fmt: skip

STABLE_AUDIO_MODELS = (
    Published(
        "stable-audio-open", Kind.OTHER_MUSIC, "stable-audio-open-1.0", "stabilityai/stable-audio-open-1.0",
        tuple(PublishedFile(name) for name in _FILES), 5_292_000_000,
        "Stable Audio Open, free below 1 million USD of revenue a year: loops, textures and effects of up to 47 s.",
        whole=False, licence=LICENCE, gated=True,
    ),
)  # fmt: skip


class StableAudioCheckpoint(LibraryCheckpoint):
    """One checkpoint of Stable Audio Open."""

    published = STABLE_AUDIO_MODELS
    library = "diffusers"

    @property
    def window_seconds(self) -> float:
        """How long a sound it can make; the published length where its configs do not tell."""
        try:
            codec = read_fields(self.path / "vae" / _CONFIG)
            frames = read_fields(self.path / "transformer" / _CONFIG)["sample_size"]
            seconds = frames * math.prod(codec["downsampling_ratios"]) / codec["sampling_rate"]
            return float(seconds) if 0 < seconds <= 600 else PUBLISHED_SECONDS
        except (NotLoaded, KeyError, TypeError, ArithmeticError):
            return PUBLISHED_SECONDS  # loading says what is wrong with it


def find_stable_audio(folder: Path) -> tuple[StableAudioCheckpoint, ...]:
    """The checkpoints that `folder` is or has directly inside, by name."""
    found = [one for place in checkpoint_folders(folder) if (one := _checkpoint(place)) is not None]
    return tuple(sorted(found, key=lambda one: one.name))


def _checkpoint(place: Path) -> StableAudioCheckpoint | None:
    try:
        fields = read_fields(place / INDEX)
    except NotLoaded:
        return None  # of another engine, which says what is wrong with it
    if fields.get("_class_name") != PIPELINE or not any(place.glob("transformer/*.safetensors")):
        return None
    return StableAudioCheckpoint(place, place.resolve().name, bool(fields.get("untrained")))
