"""Turns on the event loop."""

import asyncio

from bridge_server.endpoints.turns import Turns


def test_one_turn_a_round_in_the_order_they_were_asked_for():
    async def work():
        turns, taken, rounds = Turns(), [], []
        count = 0

        async def client(name):
            for _ in range(3):
                await turns.next()
                taken.append(name)
                rounds.append(count)

        async def others():
            nonlocal count
            while len(taken) < 9:
                count += 1
                await asyncio.sleep(0)

        await asyncio.gather(*(client(name) for name in "abc"), others())
        return taken, rounds

    taken, rounds = asyncio.run(work())
    assert taken == list("abc" * 3)
    assert len(set(rounds)) == len(rounds), "two turns in one round: nothing else came in between"
