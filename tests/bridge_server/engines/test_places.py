"""Places are lent to one render at a time, by rank, and never get lost."""

from __future__ import annotations

import asyncio

import pytest

from bridge_server.engines.host import RenderCancelledError
from bridge_server.engines.places import EnginePlaces
from tests.bridge_server.hosts import HostHere


def places_of(folder, *names):
    return EnginePlaces(HostHere(folder, name) for name in names)


def go():
    """An event that is not set."""
    return asyncio.Event()


def test_the_first_free_place_is_lent_first(tmp_path):
    async def use() -> None:
        places = places_of(tmp_path, "one", "two")
        first, second = places.claim((0, 1)), places.claim((0, 2))
        assert [(await claim.host(go())).place for claim in (first, second)] == ["one", "two"]
        assert not places.free
        second.release()
        first.release()
        assert places.free
        assert (await places.claim((0, 3)).host(go())).place == "one"

    asyncio.run(use())


def test_of_the_free_places_that_is_lent_where_the_song_was_last(tmp_path):
    async def use() -> None:
        places = places_of(tmp_path, "one", "two", "three")

        async def lent(song: str) -> str:
            return (await places.claim((0, 1), song).host(go())).place

        held = [places.claim((0, number), song) for number, song in ((1, "a"), (2, "b"))]
        for claim in held:
            claim.release()
        assert [await lent(song) for song in ("b", "b", "c")] == ["two", "one", "three"], (
            "a busy one is not waited for"
        )

    asyncio.run(use())


def test_places_of_one_machine_know_the_same_songs(tmp_path):
    async def use() -> None:
        places = places_of(tmp_path, "one", "two", "three")
        two, three = places.hosts[1:]
        two.home = three.home = "box"
        held = [places.claim((0, number), song) for number, song in ((1, "a"), (2, "b"))]
        held[0].release()
        assert (await places.claim((0, 3), "b").host(go())).place == "three", (
            "two is busy, and one knows another song"
        )

    asyncio.run(use())


def test_a_place_goes_to_the_oldest_job_first(tmp_path):
    async def use() -> None:
        places = places_of(tmp_path, "one")
        held = places.claim((0, 1))
        claims = {rank: places.claim(rank) for rank in ((1, 1), (0, 3), (2, 1), (0, 2))}
        order = []
        while claims:
            held.release()
            rank = next(rank for rank, claim in claims.items() if claim._granted.done())
            order.append(rank)
            held = claims.pop(rank)
            assert not places.free
        assert order == [(0, 2), (0, 3), (1, 1), (2, 1)]
        held.release()
        assert places.free

    asyncio.run(use())


def test_a_stop_ends_the_waiting_and_the_place_is_not_lost(tmp_path):
    async def use() -> None:
        places, stop = places_of(tmp_path, "one"), asyncio.Event()
        held, waiting = places.claim((0, 1)), places.claim((0, 2))
        host = asyncio.create_task(waiting.host(stop))
        await asyncio.sleep(0)
        stop.set()
        with pytest.raises(RenderCancelledError):
            await host
        waiting.release()
        held.release()
        assert places.free

    asyncio.run(use())


def test_a_claim_that_is_granted_and_stopped_in_one_moment_gives_the_place_back(tmp_path):
    async def use() -> None:
        places, stop = places_of(tmp_path, "one"), asyncio.Event()
        held, waiting = places.claim((0, 1)), places.claim((0, 2))
        host = asyncio.create_task(waiting.host(stop))
        await asyncio.sleep(0)
        held.release()
        stop.set()
        with pytest.raises(RenderCancelledError):
            await host
        waiting.release()
        waiting.release()
        held.release()
        assert places.free
        first, second = places.claim((0, 3)), places.claim((0, 4))
        assert (first._granted.done(), second._granted.done()) == (True, False), (
            "given back once, however often"
        )

    asyncio.run(use())


def test_idle_seconds_count_from_the_last_use_and_not_while_a_place_is_lent(tmp_path):
    async def work():
        now = [100.0]
        hosts = [HostHere(tmp_path, name) for name in ("one", "two")]
        places = EnginePlaces(hosts, clock=lambda: now[0])
        now[0] = 107.0
        assert (places.in_use, places.idle_seconds) == (False, 7.0)
        claim = places.claim((1, 1))
        now[0] = 150.0
        assert (places.in_use, places.idle_seconds) == (True, 0.0), "whatever its other place does"
        claim.release()
        assert places.idle_seconds == 0.0
        now[0] = 153.0
        assert places.idle_seconds == 3.0
        places.used()
        assert places.idle_seconds == 0.0

    asyncio.run(work())


def of_two_kinds(folder, usual=("far", "far 2"), reserve=("here",)):
    """Places elsewhere, and one here in reserve; `state["open"]` says whether that is lent."""
    state = {"open": False}
    hosts = {name: HostHere(folder, name) for name in (*usual, *reserve)}
    places = EnginePlaces(
        [hosts[name] for name in usual],
        reserve=[hosts[name] for name in reserve],
        reserve_open=lambda: state["open"],
    )
    return places, hosts, state


def test_the_reserve_is_lent_in_place_of_the_others_and_never_beside_them(tmp_path):
    async def use() -> None:
        places, hosts, state = of_two_kinds(tmp_path)
        claims = [places.claim((0, number)) for number in range(1, 4)]
        assert [claim._granted.done() for claim in claims] == [True, True, False]
        assert places.count == 2
        state["open"] = True
        assert places.count == 1
        places.changed()
        assert claims[2]._granted.result() is hosts["here"]
        claims[0].release()
        assert not places.free, "only the reserve is open, and it is lent"

    asyncio.run(use())


def test_a_place_that_can_be_reached_goes_first_and_one_that_cannot_is_better_than_none(tmp_path):
    async def use() -> None:
        places, hosts, _ = of_two_kinds(tmp_path)
        hosts["far"].ready = False
        first, second = places.claim((0, 1)), places.claim((0, 2))
        assert first._granted.result() is hosts["far 2"]
        assert not second._granted.done(), "it waits for the place that is there"
        hosts["far 2"].ready = False
        places.changed()
        assert second._granted.result() is hosts["far"], "it waits there for whichever comes back"

    asyncio.run(use())


def test_places_that_are_added_are_lent_at_once(tmp_path):
    async def use() -> None:
        places, _, _ = of_two_kinds(tmp_path, usual=("far",))
        first, second = places.claim((0, 1)), places.claim((0, 2))
        more = HostHere(tmp_path, "far 2")
        places.add([more])
        assert (first._granted.done(), second._granted.result()) == (True, more)

    asyncio.run(use())
