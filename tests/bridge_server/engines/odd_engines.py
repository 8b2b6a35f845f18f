"""Engines that describe themselves in every way there is. Each is asked in a process of its own, which loads this file
and little else."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

from model.engine import EngineDescription
from model.errors import NotLoaded
from tests.doubles import NoiseEngine


@dataclass(frozen=True)
class ShelfConfig:
    folder: str = ""


class ShelfEngine(NoiseEngine):
    """Has the names of the files in its folder for options, and its process's number for a label."""

    name = "shelf"

    config_type = ShelfConfig

    def __init__(self, config: ShelfConfig) -> None:
        self.folder = Path(config.folder)

    def describe(self) -> EngineDescription:
        names = {path.name: "a model" for path in self.folder.iterdir()}
        return replace(super().describe(), label=str(os.getpid()), options=names)


class RefusingEngine(NoiseEngine):
    """Says why it cannot be made."""

    def __init__(self) -> None:
        raise NotLoaded("There is no sun.", "Wait for the morning.")


class BrokenEngine(NoiseEngine):
    """Has a bug in what it says of itself."""

    def describe(self) -> EngineDescription:
        raise KeyError("label")


class UnreadableEngine(NoiseEngine):
    """Looks into a folder that its user may not read."""

    def describe(self) -> EngineDescription:
        raise PermissionError(13, "Permission denied", "/models")


class DyingEngine(NoiseEngine):
    """Dies when it is asked."""

    def describe(self) -> EngineDescription:
        os._exit(9)


class HangingEngine(NoiseEngine):
    """Never says what it can do."""

    def describe(self) -> EngineDescription:
        time.sleep(3600)
        raise AssertionError
