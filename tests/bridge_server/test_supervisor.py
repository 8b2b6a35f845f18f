import asyncio
import logging

import pytest

from bridge_server.supervisor import CALM_SECONDS, MAX_RESTARTS, Supervisor, close_each
from daw_protocol.results import MidiStatus, WatchFolderStatus


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self):
        return self.now


def supervised(scenario, **given):
    """Runs a coroutine function with a supervisor that restarts at once."""

    async def run():
        supervisor = Supervisor(pause=0.0, **given)
        try:
            return await asyncio.wait_for(scenario(supervisor), 10)
        finally:
            await supervisor.close()

    return asyncio.run(run())


async def settled():
    for _ in range(50):
        await asyncio.sleep(0)


def test_a_part_that_dies_is_logged_and_started_again(caplog):
    runs = []

    async def scenario(supervisor):
        recovered = asyncio.Event()

        async def part():
            runs.append(1)
            if len(runs) == 1:
                raise OSError("too many open files")
            recovered.set()
            await asyncio.Event().wait()

        supervisor.start("render worker", part)
        await recovered.wait()
        return supervisor.problems()

    with caplog.at_level(logging.WARNING):
        assert supervised(scenario) == {}
    assert len(runs) == 2
    assert "render worker" in caplog.text
    assert "too many open files" in caplog.text


@pytest.mark.parametrize("essential", [True, False])
def test_a_part_that_keeps_dying_is_given_up(essential):
    runs = []

    async def scenario(supervisor):
        async def part():
            runs.append(1)
            raise OSError("no")

        supervisor.start("mailbox", part, essential=essential)
        await settled()
        ended = supervisor.failed.done()
        return ended, supervisor.problems(), supervisor.failed.result() if ended else ""

    ended, problems, sentence = supervised(scenario)
    assert len(runs) == MAX_RESTARTS + 1
    assert problems == {"mailbox": "failed: OSError: no"}
    assert ended is essential
    assert ("mailbox" in sentence) is essential


def test_a_part_that_ran_long_enough_has_recovered():
    clock, runs = Clock(), []

    async def scenario(supervisor):
        async def part():
            runs.append(1)
            clock.now += CALM_SECONDS
            if len(runs) < 3 * MAX_RESTARTS:
                raise OSError("now and then")
            await asyncio.Event().wait()

        supervisor.start("mailbox", part)
        await settled()
        return supervisor.failed.done()

    assert supervised(scenario, clock=clock) is False
    assert len(runs) == 3 * MAX_RESTARTS


def test_a_part_that_returns_has_died_too():
    runs = []

    async def scenario(supervisor):
        async def part():
            runs.append(1)

        supervisor.start("mailbox", part)
        await settled()
        return supervisor.problems()

    assert supervised(scenario) == {"mailbox": "failed: It ended by itself."}


def test_an_errand_that_fails_is_logged(caplog):
    async def scenario(supervisor):
        async def errand():
            raise KeyError("a bug")

        await supervisor.spawn("export", errand())

    supervised(scenario)
    assert "export failed" in caplog.text
    assert "a bug" in caplog.text


def test_closing_ends_parts_and_errands():
    ended = []

    async def forever(name):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def scenario(supervisor):
        supervisor.start("part", lambda: forever("part"))
        supervisor.spawn("errand", forever("errand"))
        await settled()

    supervised(scenario)
    assert sorted(ended) == ["errand", "part"]


def test_sections_are_what_parts_report():
    async def scenario(supervisor):
        supervisor.report(MidiStatus, lambda: MidiStatus(input="Pads", problem=""))
        return supervisor.section(MidiStatus), supervisor.section(WatchFolderStatus)

    assert supervised(scenario) == (MidiStatus(input="Pads", problem=""), None)


def test_an_errand_that_is_ended_before_it_begins_leaves_nothing_behind():
    begun = []

    async def errand():
        begun.append(1)

    async def stopping():
        supervisor = Supervisor()
        work = errand()
        supervisor.spawn("an errand", work)
        await supervisor.close()
        return work

    work = asyncio.run(stopping())
    assert begun == []
    assert work.cr_frame is None, "it is closed: Python warns of work that was never begun"


def test_what_does_not_close_keeps_nothing_else_from_it(caplog):
    closed = []

    async def broken() -> None:
        closed.append("broken")
        raise OSError("no such device")

    async def whole() -> None:
        closed.append("whole")

    asyncio.run(close_each(broken, whole, lambda: closed.append("plain")))
    assert closed == ["broken", "whole", "plain"]
    assert "no such device" in caplog.text
