"""Takes that are listened to: progress to whoever asked, and a cancel that takes effect at work and in the queue."""

import asyncio
import threading

import pytest

from bridge_server.handlers.aside_desk import AsideDesk
from bridge_server.handlers.listening_desk import LISTENING, ListeningDesk
from bridge_server.handlers.running_requests import RunningRequests
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.handlers.asking import Asking


def test_its_id_and_its_progress_are_told(monkeypatch):
    monkeypatch.setattr("bridge_server.handlers.running_requests.PROGRESS_SECONDS", 0.0)
    asking = Asking()

    def work(check, told):
        check()
        told(0.5)
        return "heard"

    async def listened():
        found = await ListeningDesk(AsideDesk(), RunningRequests()).run("l1", asking, work)
        await asyncio.sleep(0)
        return found

    assert asyncio.run(listened()) == "heard"
    assert [(one.id, one.job, one.stage, one.fraction) for one in asking.sent] == [
        ("l1", "", LISTENING, 0.0),
        ("l1", "", LISTENING, 0.5),
    ]


def test_one_at_work_and_one_in_the_queue_end_when_they_are_cancelled():
    running, begun, ended = RunningRequests(), threading.Event(), threading.Event()
    asking = Asking()

    def work(check, told):
        begun.set()
        try:
            while not ended.wait(0.001):
                check()
        finally:
            ended.set()

    async def cancelled():
        desk = ListeningDesk(AsideDesk(), running)
        first = asyncio.create_task(desk.run("l1", asking, work))
        await asyncio.to_thread(begun.wait, 60)
        second = asyncio.create_task(desk.run("l2", asking, lambda check, told: pytest.fail("it began")))
        while running.of_client("l2", asking) is None:
            await asyncio.sleep(0)
        assert running.of_client("l2", asking).ending == "The listening l2 is being cancelled."
        running.of_client("l2", asking).cancel()
        (waiting,) = await asyncio.gather(second, return_exceptions=True)
        assert not ended.is_set(), "the other goes on"
        running.of_client("l1", asking).cancel()
        (working,) = await asyncio.gather(first, return_exceptions=True)
        assert await asyncio.to_thread(ended.wait, 60)
        return waiting, working

    try:
        outcomes = asyncio.run(asyncio.wait_for(cancelled(), 60))
    finally:
        ended.set()
    for outcome in outcomes:
        assert isinstance(outcome, ProtocolError)
        assert (outcome.code, outcome.sentence) == (
            ErrorCode.CANCELLED,
            "Listening to the takes was cancelled.",
        )
    assert running.of_client("l1", asking) is None
    assert running.exports == ()
