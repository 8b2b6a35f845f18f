"""One request at a time, and nothing goes on that nobody waits for. Clients that leave: test_ranking.py."""

import asyncio
import threading

import pytest

from bridge_server.handlers.aside_desk import AsideDesk, refuse_without_weights
from daw_protocol.errors import ErrorCode, ProtocolError
from model.errors import NotLoaded


def test_one_works_at_a_time():
    at_work, most = 0, 0
    guard = threading.Lock()

    def work(check):
        nonlocal at_work, most
        with guard:
            at_work += 1
            most = max(most, at_work)
        threading.Event().wait(0.01)
        with guard:
            at_work -= 1
        return most

    async def both():
        desk = AsideDesk()
        return await asyncio.gather(desk.run(work), desk.run(work))

    assert asyncio.run(both()) == [1, 1]


def test_a_closed_desk_begins_nothing():
    async def closed():
        desk = AsideDesk()
        desk.close()
        await desk.run(lambda check: pytest.fail("it began"))

    with pytest.raises(ProtocolError, match="was cancelled") as caught:
        asyncio.run(closed())
    assert caught.value.code is ErrorCode.CANCELLED


def test_what_is_missing_is_told_with_its_remedy(tmp_path):
    def missing(models):
        raise NotLoaded(f"Nothing in {models.name}.", "Fetch it.")

    with pytest.raises(ProtocolError, match="Nothing in") as caught:
        refuse_without_weights(missing, tmp_path)
    assert (caught.value.code, caught.value.remedy) == (ErrorCode.ENGINE_NOT_READY, "Fetch it.")
    refuse_without_weights(lambda models: models, tmp_path)
