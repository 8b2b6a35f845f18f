"""A failed allocation, told to the producer."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="SKIPPED: needs torch: pip install takebridge[acestep]")

from model.errors import RanOutOfMemory
from model.memory_failures import memory_explained


def test_a_failed_allocation_is_told_after_everything_is_freed() -> None:
    freed: list[str] = []
    with (
        pytest.raises(RanOutOfMemory, match="It is full") as told,
        memory_explained(lambda: freed.append("all"), "It is full.", "Make room."),
    ):
        raise MemoryError
    assert freed == ["all"]
    assert told.value.remedy == "Make room."
    assert isinstance(told.value.__cause__, MemoryError)


def test_other_errors_stay_as_they_are_and_nothing_is_freed() -> None:
    freed: list[str] = []
    with (
        pytest.raises(RuntimeError, match="another thing"),
        memory_explained(lambda: freed.append("all"), "It is full.", "Make room."),
    ):
        raise RuntimeError("another thing")
    assert freed == []
