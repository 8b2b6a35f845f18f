"""The header of a safetensors file: enough to check that it is complete and to identify it, without torch.

The format: 8 bytes, the header's length (little-endian); the header, JSON, name -> dtype, shape and data_offsets
[begin, end) counted from its own end; then the tensors, without gaps.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from model.errors import NotLoaded

LONGEST_HEADER = 100_000_000  # bytes; the format's own limit
METADATA = "__metadata__"


def read_header(path: Path) -> Mapping[str, Any]:
    """Tensor name -> dtype, shape and offsets. Raises NotLoaded if the file is truncated or not a safetensors file."""
    return _read(path)[0]


def read_metadata(path: Path) -> Mapping[str, str]:
    """The file's metadata by name; {} if there is none. Raises NotLoaded like `read_header`."""
    return _read(path)[1]


def _read(path: Path) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(LONGEST_HEADER, size - 8):
            raise NotLoaded(f"{path.name} ({size} bytes) is not a complete safetensors file.")
        try:
            header = json.loads(file.read(length))
            tensors = {name: entry for name, entry in header.items() if name != METADATA}
            metadata = dict(header.get(METADATA) or {})
            end = 8 + length + max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
        except (ValueError, AttributeError, TypeError, KeyError, IndexError, RecursionError) as broken:
            raise NotLoaded(f"{path.name} has no readable safetensors header.") from broken
    if end != size:
        raise NotLoaded(f"{path.name} is incomplete or damaged: {size} bytes instead of {end}.")
    return tensors, metadata


BLOCKS, BLOCK_BYTES = 64, 16_384
"""Sampled for a file's fingerprint: blocks spread evenly over it, the first one with its header."""


def fingerprint(files: Iterable[Path], *, with_folder: bool = True) -> str:
    """SHA-256 of sizes and samples of weight files: distinguishes trainings without reading gigabytes.

    with_folder: the name of a file's folder counts too.

    It does not verify that a file is intact; `takebridge models verify` reads every byte.
    """
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda each: (each.parent.name, each.name)):
        with path.open("rb") as file:
            size = file.seek(0, 2)
            name = f"{path.parent.name}/{path.name}" if with_folder else path.name
            digest.update(f"{name} {size}\n".encode())
            for block in range(BLOCKS):
                file.seek(block * max(0, size - BLOCK_BYTES) // (BLOCKS - 1))
                digest.update(file.read(BLOCK_BYTES))
    return digest.hexdigest()
