"""A failed allocation, told to the producer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from model.errors import RanOutOfMemory


@contextmanager
def memory_explained(free: Callable[[], None], sentence: str, remedy: str) -> Iterator[None]:
    """Turns a failed allocation inside into RanOutOfMemory with these words, after calling `free`."""
    try:
        yield
    except Exception as error:
        from model.torch_device import (
            out_of_memory,  # late: an engine says that it loads libraries, then loads them
        )

        if not out_of_memory(error):
            raise
        free()
        raise RanOutOfMemory(sentence, remedy) from error
