"""Signing a sound file before it has its name: what signs is given from outside, and is asked for each file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from clip_store.atomic_file import temporary_path
from clip_store.take import Take

Seal = Callable[[Path, str, Sequence[Take]], None]
"""Signs a WAV file that takes are in, in its place: where it is, the name it will have, its takes."""

_BLOCK = 1 << 20


def signed(
    pieces: Iterable[bytes], seal: Seal | None, name: str, takes: Sequence[Take], folder: Path
) -> Iterator[bytes]:
    """A WAV file, piece by piece, signed. seal: None leaves it plain; folder: where it goes, so there is room for it.

    Raises OSError, and what `seal` raises.
    """
    if seal is None:
        yield from pieces
        return
    part = temporary_path(folder / "sound")  # a signature covers the whole file, so it comes last
    try:
        with part.open("xb") as file:
            file.writelines(pieces)
        seal(part, name, takes)
        with part.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
