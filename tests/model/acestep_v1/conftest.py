"""What the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.one_thread import one_thread  # noqa: F401 - a fixture


@pytest.fixture(scope="session")
def v1_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an untrained v1 checkpoint; not to be changed."""
    pytest.importorskip("transformers", reason="prompts need transformers: pip install takebridge[acestep]")
    from tests.model.acestep_v1.tiny_v1 import write_v1

    return write_v1(tmp_path_factory.mktemp("models"))
