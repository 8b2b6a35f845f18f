"""The untrained models of a few kilobytes."""

from tests.model.acestep.conftest import tiny_models  # noqa: F401 - a fixture
