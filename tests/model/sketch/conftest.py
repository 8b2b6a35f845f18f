"""librosa, whose numbers some of ours are compared with; the product never imports it."""

from __future__ import annotations

import os
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def librosa(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    # What numba compiles for librosa it keeps beside librosa's own files; where two processes do so at once, what
    # they leave crashes every later one. Each compiles for itself instead.
    os.environ["NUMBA_CACHE_DIR"] = str(tmp_path_factory.mktemp("numba"))
    found: ModuleType = pytest.importorskip(
        "librosa", reason="SKIPPED: librosa is not installed (extra oracles)"
    )
    return found
