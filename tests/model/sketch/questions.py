"""How much work passes between two questions whether to stop: processor time, which a busy machine does not change."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def work_between_questions(
    work: Callable[[Callable[[], bool]], object], rounds: int = 2
) -> NDArray[np.float64]:
    """Seconds of this thread's processor time between one question and the next, beginning with the start.

    `work` is done several times, and must ask equally often each time. Of each stretch the shortest measure counts:
    what lengthens one here and there is the machine, which caches, clocks and shares its cores as it likes.
    """
    return np.min([_one_round(work) for _ in range(rounds)], axis=0)


def _one_round(work: Callable[[Callable[[], bool]], object]) -> NDArray[np.float64]:
    # Python would go through everything that other tests of this process have left, in the middle of a stretch.
    gc.collect()
    gc.disable()
    asked = [time.thread_time()]

    def never() -> bool:
        asked.append(time.thread_time())
        return False

    try:
        work(never)
    finally:
        gc.enable()
    return np.diff(asked)
