"""The names of a take's files, and the clip among its audio."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

from clip_store.audio.broadcast_wav import read_recipe
from clip_store.errors import ClipStoreError
from clip_store.marks import SHORT_NAME
from clip_store.store import file_stem
from clip_store.take import MIX


class Names(Protocol):
    """What a take's files are named after; a Take has it, and so has its record on the wire."""

    @property
    def title(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def stem(self) -> str: ...


def attachment_endings(names: Sequence[str], taken: Collection[str] = ()) -> dict[str, str]:
    """What follows a take's name in the file of each attachment: its own ending, with its name before it where another
    file of the take has that ending."""
    endings: dict[str, str] = {}
    for name in names:
        ending = Path(name).suffix
        if ending in taken or ending in endings.values():
            ending = f".{file_stem(Path(name).stem)}{ending}"
        endings[name] = ending
    return endings


def free_name(folder: Path, about: Names, take: str, label: str = "") -> str:
    """What this take's files are called, without their endings: the first number no other take's clip has.

    label: the name the take was given, in place of its task.
    """
    # A title is what a client said it is: "AC/DC", or worse, "../x".
    title = file_stem(about.title)
    stem = "" if about.stem == MIX else f".{file_stem(about.stem)}"
    what = file_stem(label, SHORT_NAME) if label else about.task
    for number in itertools.count(about.number):
        base = f"{title}.{what}.{number}{stem}"
        clip = folder / f"{base}.wav"
        if not clip.exists() or clip_of(clip, take):
            return base
    raise AssertionError("there is always a next number")


def clip_of(path: Path, take: str) -> bool:
    """Whether a file is this take's clip already."""
    try:
        recipe = read_recipe(path)
    except (OSError, ClipStoreError):
        return False
    return recipe is not None and recipe.get("take") == take
