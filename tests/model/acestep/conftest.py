"""What several tests of this folder need and what takes a moment to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.one_thread import one_thread  # noqa: F401 - a fixture


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an untrained turbo and an untrained base checkpoint and what they need; not to be changed."""
    pytest.importorskip(
        "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
    )
    from tests.model.acestep.tiny_folder import write_models

    return write_models(tmp_path_factory.mktemp("models"), "acestep-v15-turbo", "acestep-v15-base")
