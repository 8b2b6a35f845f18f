"""Signing a sound file before it has its name: what signs is given from outside, and is asked for each file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from clip_store.take import Take

Seal = Callable[[Path, str, Sequence[Take]], None]
"""Signs a WAV file that takes are in, in its place: where it is, the name it will have, its takes."""

_BLOCK = 1 << 20


def signed(pieces: Iterable[bytes], seal: Seal | None, name: str, takes: Sequence[Take]) -> Iterator[bytes]:
    """A WAV file, piece by piece, signed. seal: None leaves it plain. Raises OSError, and what `seal` raises."""
    if seal is None:
        yield from pieces
        return
    with tempfile.TemporaryDirectory(prefix="takebridge-") as folder:
        part = Path(folder, "sound.wav")  # a signature covers the whole file, so it comes last
        with part.open("xb") as file:
            file.writelines(pieces)
        seal(part, name, takes)
        with part.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
