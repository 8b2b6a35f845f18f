"""Where the copy of a checkpoint's transformer in half precision lies (half_copy.py makes it). Needs no torch."""

from __future__ import annotations

from pathlib import Path

ENDING = ".bfloat16"
"""Not that of the published files: nothing that looks for weights takes it for some."""
_STEM = "transformer"


def half_copy_place(checkpoint: Path) -> Path:
    """In a checkpoint's folder, or next to its single file."""
    return checkpoint.with_suffix(ENDING) if checkpoint.is_file() else checkpoint / f"{_STEM}{ENDING}"


def unfinished(place: Path) -> Path:
    """What a copy is called while it is being written."""
    return place.with_name(f"{place.name}.part")


def remove_half_copy(checkpoint: Path) -> int:
    """Removes the copy, and what a broken attempt left; the bytes that are free now. Raises OSError."""
    place, freed = half_copy_place(checkpoint), 0
    for path in (place, unfinished(place)):
        if path.is_file():
            size = path.stat().st_size
            path.unlink()
            freed += size
    return freed
