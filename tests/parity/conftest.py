"""What the comparisons with the peer have in common."""

from tests.one_thread import one_thread  # noqa: F401 - a fixture
