"""A tiny checkpoint in mono and one in stereo, for all tests here; networks compute in one thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.model.musicgen.tiny_musicgen import write_musicgen
from tests.one_thread import one_thread

__all__ = ["one_thread"]


@pytest.fixture(scope="session")
def musicgen_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with both."""
    folder = tmp_path_factory.mktemp("musicgen")
    write_musicgen(folder / "musicgen-melody")
    write_musicgen(folder / "musicgen-stereo-melody", stereo=True)
    return folder
