"""What ComfyUI offers a node that runs: its progress bar, and the button that interrupts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from comfy.model_management import throw_exception_if_processing_interrupted
    from comfy.utils import ProgressBar
except ImportError:  # outside ComfyUI, as in the tests of older versions
    throw_exception_if_processing_interrupted = None
    ProgressBar = None

STEPS = 1000


class Progress:
    """The bar on the node that runs."""

    def __init__(self) -> None:
        self._bar: Any = ProgressBar(STEPS) if ProgressBar else None

    def show(self, fraction: float) -> None:
        """fraction: 0 to 1."""
        if self._bar is not None:
            self._bar.update_absolute(round(fraction * STEPS), STEPS)


def raise_if_interrupted() -> None:
    """Raises ComfyUI's own exception once its user has interrupted the run."""
    check: Callable[[], None] | None = throw_exception_if_processing_interrupted
    if check is not None:
        check()
