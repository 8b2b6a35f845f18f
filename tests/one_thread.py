"""Networks of tests compute in one thread: they are tiny, and test processes run side by side.

With a thread for each core in each process they would wait for one another; on a busy machine for many minutes.
"""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """For the rest of the process; nothing is done where there is no torch."""
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)
