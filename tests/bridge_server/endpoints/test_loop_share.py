"""Giving way: others run while much is served, and nothing is waited for while there is little."""

import asyncio
import time

from bridge_server.endpoints.loop_share import SHARE_SECONDS, LoopShare


def busy(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_others_run_in_between():
    async def run():
        ran = []

        async def other():
            for number in range(5):
                ran.append(number)
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        share = LoopShare()
        await share.give_way()
        assert ran == []  # the loop was not kept yet
        for _ in range(6):
            busy(SHARE_SECONDS)
            await share.give_way()
        assert ran == [0, 1, 2, 3, 4]
        await task

    asyncio.run(run())
