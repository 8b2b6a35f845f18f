"""A tiny checkpoint for all tests here; networks compute in one thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.model.stable_audio.tiny_stable_audio import write_stable_audio
from tests.one_thread import one_thread

__all__ = ["one_thread"]


@pytest.fixture(scope="session")
def stable_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with it."""
    folder = tmp_path_factory.mktemp("stable_audio")
    write_stable_audio(folder / "stable-audio-open-1.0")
    return folder
