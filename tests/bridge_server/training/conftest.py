"""The untrained models of a few kilobytes, and processes that compute in one thread (see tests/one_thread.py)."""

from __future__ import annotations

import pytest

from tests.model.acestep.conftest import tiny_models  # noqa: F401 - a fixture
from tests.one_thread import one_thread  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def one_thread_in_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
