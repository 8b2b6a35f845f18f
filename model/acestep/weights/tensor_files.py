"""Weight files on disk: memory-mapped safetensors, whole or in shards, and the one stored tensor next to them.

Knows files, not networks. Refuses anything but plain tensor files without reading further.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from model.acestep.weights.model_folders import UNSAFE_ENDINGS, read_fields
from model.acestep.weights.single_files import Held, prefix_in
from model.errors import NotLoaded

DOWNLOAD_AGAIN = "Download the model again."
SILENCE = "silence_latent.pt"
"""The one file of a checkpoint that is not a safetensors file; only a tensor is read from it."""


class TensorFiles:
    """The tensors of one file or several shards by name; with a prefix, only those that start with it, without it."""

    def __init__(self, files: Iterable[Path], prefix: str = "") -> None:
        self._prefix = prefix
        self._files: dict[str, Path] = {}
        self._open: dict[Path, Any] = {}  # safetensors has no types
        for file in files:
            handle = _open(file)
            self._open[file] = handle
            for key in handle.keys():  # noqa: SIM118 - not a mapping
                if not key.startswith(prefix):
                    continue
                if key in self._files:
                    raise NotLoaded(f"{key} is in both {self._files[key]} and {file}.", DOWNLOAD_AGAIN)
                self._files[key] = file

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(self._open)

    def names(self) -> list[str]:
        return [key.removeprefix(self._prefix) for key in self._files]

    def read(self, name: str) -> Tensor:
        """The tensor, on the CPU, as a view of the mapped file."""
        key = self._prefix + name
        tensor: Tensor = self._open[self._files[key]].get_tensor(key)
        return tensor


def _open(file: Path) -> Any:
    try:
        return safe_open(file, framework="pt", device="cpu")
    except FileNotFoundError as missing:
        raise NotLoaded(f"{file} is missing.", DOWNLOAD_AGAIN) from missing
    except (SafetensorError, OSError) as broken:
        size = file.stat().st_size
        raise NotLoaded(
            f"{file} ({size} bytes) is not a complete safetensors file: {broken}.",
            "Download that file again.",
        ) from broken


def weight_files(folder: Path, stem: str) -> list[Path]:
    """`stem`.safetensors or its shards; for a file, the file itself. Raises NotLoaded if there is none."""
    if folder.is_file():
        return [folder]
    single, index = folder / f"{stem}.safetensors", folder / f"{stem}.safetensors.index.json"
    if single.is_file():
        return [single]
    if not index.is_file():
        _refuse_pickles(folder)
        raise NotLoaded(f"There is no {single.name} in {folder}.", DOWNLOAD_AGAIN)
    shards = read_fields(index).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise NotLoaded(f"{index} lists no weight files.", "Download that file again.")
    names = sorted(set(map(str, shards.values())))
    for name in names:
        # A name with a directory in it could refer to a file outside the model's folder.
        if Path(name).name != name:
            raise NotLoaded(f"{index} refers to a file outside its folder: {name}.", DOWNLOAD_AGAIN)
    return [folder / name for name in names]


def network_files(place: Path, stem: str, held: Held) -> TensorFiles:
    """The tensors of one network in its folder (see `weight_files`) or in a single file. Raises NotLoaded."""
    prefix = prefix_in(place, held) if place.is_file() else ""
    return TensorFiles(weight_files(place, stem), prefix or "")


def _refuse_pickles(folder: Path) -> None:
    """If weights are missing because they are in an unsafe format, raises NotLoaded that says so."""
    for file in sorted(folder.iterdir()):
        if file.suffix in UNSAFE_ENDINGS and file.name != SILENCE:
            raise NotLoaded(
                f"{file} could run code when opened; weights are only read from safetensors files.",
                "Download the model in safetensors format.",
            )


def silence_from_file(path: Path, channels: int) -> Tensor:
    """Latents of silence, stored [1, 64, F], as [1, F, 64]. Raises NotLoaded for anything but a plain tensor."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as missing:
        raise NotLoaded(f"{path} is missing.", DOWNLOAD_AGAIN) from missing
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as broken:
        raise NotLoaded(
            f"{path} is not a stored tensor, so it was not loaded.", "Download that file again."
        ) from broken
    if (
        not isinstance(stored, Tensor)
        or stored.ndim != 3
        or stored.shape[:2] != (1, channels)
        or not stored.shape[2]
    ):
        raise NotLoaded(f"{path} must contain one tensor of shape [1, {channels}, frames].", DOWNLOAD_AGAIN)
    return stored.float().transpose(1, 2).contiguous()
