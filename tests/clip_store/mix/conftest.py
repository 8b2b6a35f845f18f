from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.clip_store.exports.songs import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Callable[..., Shelf]]:
    """Makes stores with two seconds of song: `shelf(rate=..., position=...)`."""
    with ExitStack() as stack:

        def make(rate: int = 8_000, **values: Any) -> Shelf:
            made = Shelf(tmp_path / "shelf", rate=rate, **values)
            stack.enter_context(closing(made.connection))
            return made

        yield make
