"""Stops a network that a library runs in one call: a check before each of its parts, every few milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@contextmanager
def checked_between_parts(network: nn.Module, check: Callable[[], None]) -> Iterator[None]:
    """Inside, `check` runs before any part of `network` does; what it raises ends the library's call."""
    hooks = [part.register_forward_pre_hook(lambda *_: check()) for part in network.modules()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
