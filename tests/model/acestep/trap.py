"""What would do something if anybody opened it as a pickle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


class Trap:
    """Pickles to a call that creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)
