"""Turns on the event loop."""

import asyncio

from bridge_server.endpoints.turns import Turns, TurnTaker


def run(work):
    return asyncio.run(asyncio.wait_for(work, 30))


def test_one_turn_a_round_in_the_order_they_were_asked_for():
    async def work():
        turns, taken, rounds = Turns(), [], []
        count = 0

        async def client(name):
            taker = TurnTaker()
            for _ in range(3):
                await turns.next(taker)
                taken.append(name)
                rounds.append(count)

        async def others():
            nonlocal count
            while len(taken) < 9:
                count += 1
                await asyncio.sleep(0)

        await asyncio.gather(*(client(name) for name in "abc"), others())
        return taken, rounds

    taken, rounds = run(work())
    assert taken == list("abc" * 3)
    assert len(set(rounds)) == len(rounds), "two turns in one round: nothing else came in between"


def test_a_quiet_client_goes_before_those_that_ask_all_the_time():
    async def work():
        turns, between = Turns(), 0
        stop = False

        async def greedy():
            nonlocal between
            taker = TurnTaker()
            while not stop:
                await turns.next(taker)
                between += 1

        tasks = [asyncio.create_task(greedy()) for _ in range(20)]
        quiet, waited = TurnTaker(), []
        for pause in (500, 100, 1000, 50):
            while between < pause:
                await asyncio.sleep(0)
            between = 0
            await turns.next(quiet)
            waited.append(between)
        stop = True
        await asyncio.gather(*tasks)
        return waited

    assert max(run(work())) <= 3


def test_many_quiet_clients_do_not_starve_a_busy_one():
    async def work():
        turns, busy, had = Turns(), TurnTaker(), 0

        async def batch():
            nonlocal had
            for _ in range(50):
                await turns.next(busy)
                had += 1

        task = asyncio.create_task(batch())
        takers = [TurnTaker() for _ in range(10)]
        for _ in range(50):
            await asyncio.gather(*(turns.next(taker) for taker in takers))
        await task
        return had

    assert run(work()) == 50


def test_a_client_that_leaves_while_it_waits_holds_up_nobody():
    async def work():
        turns = Turns()
        waiting = [asyncio.create_task(turns.next(TurnTaker())) for _ in range(5)]
        await asyncio.sleep(0)
        for task in waiting[:4]:
            task.cancel()
        await waiting[4]
        await asyncio.gather(*waiting, return_exceptions=True)
        await turns.next(TurnTaker())

    run(work())
