"""One song as training sees it: its latents' distribution and its prompts, kept in a file between runs.

Mean and deviation are kept rather than one sample, so that every example may draw anew. The prompts are those of
renders; there is one for each task that is trained. The file says which checkpoint it is for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from model.acestep.training.whole_file import write_whole_file
from model.acestep.weights.capabilities import ModelTask

TASKS = (ModelTask.TEXT2MUSIC, ModelTask.REPAINT)
"""What is trained: whole songs, and regions of them."""

Latents = tuple[Tensor, Tensor]
"""Mean and deviation of a song's latents, each float32 [T, 64]."""


@dataclass(frozen=True)
class PreparedSong:
    """digest: of the song's audio. key: of all that the tensors were computed from.

    mean, deviation: of the latents, float32 [T, 64]. states: the encoded prompt of each task, float32 [S, C].
    """

    name: str
    digest: str
    key: str
    mean: Tensor
    deviation: Tensor
    states: Mapping[ModelTask, Tensor]

    @property
    def frames(self) -> int:
        return int(self.mean.shape[0])


def write_prepared(path: Path, song: PreparedSong) -> None:
    """Writes the song's file, whole or not at all. Raises CannotRender if the disk refuses."""
    tensors = {"mean": song.mean, "deviation": song.deviation}
    tensors |= {f"states.{task.value}": states for task, states in song.states.items()}
    about = {"song": json.dumps({"name": song.name, "digest": song.digest, "key": song.key})}
    write_whole_file(path, save({name: value.contiguous() for name, value in tensors.items()}, about))


def read_prepared(path: Path, key: str) -> PreparedSong | None:
    """The song in a file, if it is whole and was computed from what `key` says; else None: prepare it again."""
    try:
        with safe_open(path, framework="pt", device="cpu") as opened:
            about = json.loads((opened.metadata() or {})["song"])
            if about["key"] != key:
                return None
            states = {task: opened.get_tensor(f"states.{task.value}") for task in TASKS}
            mean, deviation = opened.get_tensor("mean"), opened.get_tensor("deviation")
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None
    return PreparedSong(str(about["name"]), str(about["digest"]), key, mean, deviation, states)


def write_latents(path: Path, key: str, latents: Latents) -> None:
    """Writes a song's latents ahead of its prompts, whole or not at all. Raises CannotRender if the disk refuses."""
    mean, deviation = latents
    write_whole_file(
        path, save({"mean": mean.contiguous(), "deviation": deviation.contiguous()}, {"key": key})
    )


def read_latents(path: Path, key: str) -> Latents | None:
    """The latents in a file, if it is whole and was computed from what `key` says; else None."""
    try:
        with safe_open(path, framework="pt", device="cpu") as opened:
            if (opened.metadata() or {}).get("key") != key:
                return None
            return opened.get_tensor("mean"), opened.get_tensor("deviation")
    except (OSError, SafetensorError):
        return None
