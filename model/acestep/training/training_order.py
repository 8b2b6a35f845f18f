"""What a training is asked for: songs, the checkpoint, the settings that differ from the preset, and the folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.acestep.conditioning.prompts import LANGUAGES
from model.acestep.latent_grid import FRAMES_PER_SECOND
from model.acestep.training.preparation import TrainingSong
from model.acestep.training.preview import PreviewWish
from model.acestep.training.training_settings import MAX_COUNT, AdapterKind, OptimiserKind
from model.engine import Samples
from model.errors import CannotRender

ReadDigest = Callable[[str], tuple[Samples, int]]
"""The samples [n, channels] of the song with this digest, and their rate."""


@dataclass(frozen=True)
class TrainingOrder:
    """What to train, and where. models: a folder of models. checkpoint: "" = the only one, or the plain turbo.

    changed: settings that differ from the preset's, by name. memory: gigabytes of the preset; 0 = what is free.
    run, adapter: the folders of what is unfinished, and of the finished adapter.
    kernels: the file that keeps what a processor computes fastest; "" = it is measured.
    about: goes into the adapter's metadata, such as that the performers agreed. preview: what to render on the way.
    """

    name: str
    models: Path
    checkpoint: str
    device: str
    memory: int
    changed: Mapping[str, Any]
    songs: tuple[TrainingSong, ...]
    run: Path
    adapter: Path
    about: Mapping[str, Any]
    preview: PreviewWish = field(default_factory=PreviewWish)
    kernels: str = ""


def order_from_fields(fields: Mapping[str, Any]) -> TrainingOrder:
    """An order from plain values; folders are given as text. Raises KeyError or TypeError for other fields,
    and CannotRender for a language the model does not know and for previews that cannot be made."""
    songs = tuple(TrainingSong(**song) for song in fields["songs"])
    for song in songs:
        if song.language not in LANGUAGES:
            raise CannotRender(
                f"{song.name} has the language {song.language!r}, which the model does not know.",
                "Write a code such as en, de or ja into its .json file, or omit it.",
            )
    folders = {name: Path(fields[name]) for name in ("models", "run", "adapter")}
    preview = PreviewWish(**fields.get("preview", {}))
    return TrainingOrder(**{**fields, **folders, "songs": songs, "preview": preview})


def changed_settings(changed: Mapping[str, Any]) -> dict[str, Any]:
    """Changed settings by name as `TrainingSettings` has them. seconds: length of an example. Raises ValueError.

    A rank brings twice its value as alpha, unless that is given too.
    """
    found = dict(changed)
    if "kind" in found:
        found["kind"] = AdapterKind(found["kind"])
    if "optimiser" in found:
        found["optimiser"] = OptimiserKind(found["optimiser"])
    if "seconds" in found:
        seconds = found.pop("seconds")
        if not 1 / FRAMES_PER_SECOND <= seconds <= MAX_COUNT // FRAMES_PER_SECOND:
            raise ValueError(
                f"seconds must be from {1 / FRAMES_PER_SECOND} to {MAX_COUNT // FRAMES_PER_SECOND}, not {seconds}"
            )
        found["crop_frames"] = round(seconds * FRAMES_PER_SECOND)
    if "rank" in found and found["rank"] <= MAX_COUNT:  # beyond that the rank itself is refused
        found.setdefault("alpha", 2.0 * found["rank"])
    return found
