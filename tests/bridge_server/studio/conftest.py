"""Hosts of these tests ask their engines here what they can do: a process for each would take longer than the tests.

test_running_host.py does without.
"""

from __future__ import annotations

import pytest

from bridge_server.engines.registry import make_engine
from bridge_server.studio import running_host


async def described_here(setups, *_):
    return {name: make_engine(setup).describe() for name, setup in setups.items()}


@pytest.fixture(autouse=True)
def quick_hosts(request, monkeypatch):
    if not request.module.__name__.endswith("test_running_host"):
        monkeypatch.setattr(running_host, "offered", described_here)
