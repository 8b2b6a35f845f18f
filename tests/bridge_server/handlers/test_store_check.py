"""The store is read once for all who ask, tells each how far it is, and goes on until nobody waits any more."""

import asyncio
import threading

import pytest

from bridge_server.handlers.running_requests import RunningRequests
from bridge_server.handlers.store_check import READING, StoreCheck
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.handlers.asking import Asking


class Reading:
    """What reads: as often as it is asked to, step by step until `whole`."""

    def __init__(self):
        self.begun, self.ended = [], threading.Semaphore(0)
        self.steps, self.whole = threading.Semaphore(0), threading.Event()

    def __call__(self):
        return self.read

    def read(self, tell):
        self.begun.append(1)
        self.steps.release()
        try:
            while not self.whole.wait(0.001):
                tell(0.5)
            return ["damaged"]
        finally:
            self.ended.release()


def checking(work):
    reading, running = Reading(), RunningRequests()

    async def run():
        check = StoreCheck(running, reading)
        await asyncio.wait_for(work(check, reading, running), 60)

    asyncio.run(run())


def test_who_asks_is_told_and_whoever_is_cancelled_leaves_the_others_waiting(monkeypatch):
    monkeypatch.setattr("bridge_server.handlers.running_requests.PROGRESS_SECONDS", 0.0)
    one, other = Asking(), Asking(sender="studio@2")

    async def work(check, reading, running):
        first = asyncio.create_task(check.problems("v1", one))
        await asyncio.to_thread(reading.steps.acquire)
        second = asyncio.create_task(check.problems("v2", other))
        while len(other.sent) < 2:
            await asyncio.sleep(0)
        assert [(sent.id, sent.job, sent.stage, sent.fraction) for sent in other.sent[:2]] == [
            ("v2", "", READING, 0.0), ("v2", "", READING, 0.5),
        ]  # fmt: skip
        assert running.of_client("v1", one).ending == "The check v1 of the store is being cancelled."
        running.of_client("v1", one).cancel()
        with pytest.raises(ProtocolError) as caught:
            await first
        assert caught.value.code is ErrorCode.CANCELLED
        assert not second.done()
        reading.whole.set()
        assert await second == ["damaged"]
        assert len(reading.begun) == 1

    checking(work)


def test_a_key_that_repeats_is_told_once_and_ends_with_one_cancel(monkeypatch):
    monkeypatch.setattr("bridge_server.handlers.running_requests.PROGRESS_SECONDS", 0.0)
    asking = Asking()

    async def work(check, reading, running):
        presses = [asyncio.create_task(check.problems("v", asking)) for _ in range(5)]
        await asyncio.sleep(0)
        assert len(asking.sent) == 5, "each answers at once"
        for _ in range(3):
            seen = len(asking.sent)
            while len(asking.sent) == seen:
                await asyncio.sleep(0)
            assert len(asking.sent) < seen + 5
        running.cancel(running.of_client("v", asking))
        await asyncio.gather(*presses, return_exceptions=True)
        await asyncio.to_thread(reading.ended.acquire)
        assert all(press.exception().code is ErrorCode.CANCELLED for press in presses)
        assert len(reading.begun) == 1

    checking(work)


@pytest.mark.parametrize("how", ["cancelled", "gone"])
def test_a_reading_that_nobody_waits_for_ends_and_the_next_one_reads_anew(how):
    async def work(check, reading, running):
        asking = Asking()
        first = asyncio.create_task(check.problems("v1", asking))
        await asyncio.to_thread(reading.steps.acquire)
        if how == "gone":
            first.cancel()  # as an endpoint does whose client has left
        else:
            running.of_client("v1", asking).cancel()
        await asyncio.gather(first, return_exceptions=True)
        # It may come before the thread has noticed: then it is read to the end, or again.
        second = asyncio.create_task(check.problems("v2", asking))
        third = asyncio.create_task(check.problems("v3", asking))
        await asyncio.sleep(0)
        for each in ("v2", "v3"):
            running.of_client(each, asking).cancel()
        await asyncio.gather(second, third, return_exceptions=True)
        await asyncio.to_thread(reading.ended.acquire)
        last = asyncio.create_task(check.problems("v4", asking))
        await asyncio.to_thread(reading.steps.acquire)
        reading.whole.set()
        assert await last == ["damaged"]

    checking(work)
