"""Whether a server is ready, and why not."""

import asyncio
import sqlite3
from types import SimpleNamespace

import pytest

from bridge_server.handlers import health
from bridge_server.handlers.health import ENGINE_KEPT, Health
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.servers import settings_in


class Parts:
    """Small stand-ins for what health asks, each as it is told to be."""

    def __init__(self):
        self.asked = 0
        self.error = None
        self.starting = None
        self.dead = {}
        self.now = 1000.0

    async def refuse_unusable(self, name):
        self.asked += 1
        if self.starting is not None:
            await self.starting.wait()
        if self.error is not None:
            raise self.error

    def count(self, state):
        if isinstance(self.error, sqlite3.Error):
            raise self.error
        return 0

    def problems(self):
        return self.dead


@pytest.fixture
def parts():
    return Parts()


def problems_of(tmp_path, parts, rounds=1):
    async def work():
        settings = settings_in(tmp_path)
        settings.store.mkdir(exist_ok=True)
        found = Health(settings, parts, parts, parts, lambda: parts.now)
        try:
            for _ in range(rounds):
                answer = await found.problems()
            return answer
        finally:
            await found.close()

    return asyncio.run(work())


def test_ready(tmp_path, parts):
    assert problems_of(tmp_path, parts) == {}


def test_the_engine(tmp_path, parts):
    parts.error = ProtocolError(
        ErrorCode.ENGINE_NOT_READY, "No weights in /home/someone/models.", "Fetch them."
    )
    found = problems_of(tmp_path, parts)
    assert list(found) == ["engine"]
    assert "/home" not in found["engine"]


def test_an_engine_that_takes_long_is_starting(tmp_path, parts, monkeypatch):
    monkeypatch.setattr(health, "ENGINE_WAIT", 0.01)
    parts.starting = asyncio.Event()
    assert problems_of(tmp_path, parts, rounds=3) == {"engine": "The engine is starting."}
    assert parts.asked == 1


def test_the_engine_is_not_asked_each_time(tmp_path, parts):
    async def work():
        settings = settings_in(tmp_path)
        settings.store.mkdir()
        found = Health(settings, parts, parts, parts, lambda: parts.now)
        for _ in range(5):
            await found.problems()
        assert parts.asked == 1
        parts.now += ENGINE_KEPT
        await found.problems()
        assert parts.asked == 2

    asyncio.run(work())


def test_the_store(tmp_path, parts):
    parts.error = sqlite3.OperationalError("disk I/O error")
    parts.refuse_unusable = Parts().refuse_unusable
    assert list(problems_of(tmp_path, parts)) == ["store"]


def test_the_disk(tmp_path, parts, monkeypatch):
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * 2**20))
    assert problems_of(tmp_path, parts) == {"disk": "Only 3 MB are free."}


def test_a_part_that_has_died(tmp_path, parts):
    parts.dead = {"render worker": "failed: FileNotFoundError: /home/someone/x"}
    assert problems_of(tmp_path, parts) == {"render worker": "It has died; the log says why."}
