"""A render host and its places: who waits reads how long, a dead engine is replaced once, idle ones are let go."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bridge_server.studio import render_host
from bridge_server.studio.host_files import HostFiles
from bridge_server.studio.host_orders import HostPlace, OrderState
from bridge_server.studio.host_trainings import HostTrainings
from bridge_server.studio.render_host import HostOffer, RenderHost, waiting_stage
from daw_protocol.errors import ErrorCode
from tests.bridge_server.hosts import DIED, NOT_STARTED, REFUSED, HostHere
from tests.bridge_server.render_hosts import order


def on_host(folder, work, places: int = 1):
    """Runs work with a host whose places render when the test lets them."""

    async def run():
        rooms = [
            HostPlace(f"place {number}", {"noise": HostHere(folder / "results", f"place {number}")})
            for number in range(1, places + 1)
        ]
        offer = HostOffer("studio", "test device", {"noise": rooms[0].engines["noise"].description})
        files = HostFiles(folder / "host", 10**6, 10**6)
        trainings = HostTrainings(folder / "trainings", "studio", None)
        host = RenderHost(offer, rooms, files, folder / "results", trainings)
        working = asyncio.create_task(host.run())
        try:
            await asyncio.wait_for(work(host, [place.engines["noise"] for place in rooms]), 60)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        assert all(engine.closed for place in rooms for engine in place.engines.values())

    asyncio.run(run())


async def until(order, condition):
    while not condition():
        await order.changed.wait()


def test_who_waits_reads_how_many_are_before(tmp_path):
    async def work(host, engines):
        first, *others = [await host.accept("anna", "noise", order(f"j{number}")) for number in range(4)]
        await until(others[2], lambda: others[2].progress is not None)
        assert [each.progress.stage for each in others] == [
            waiting_stage("studio", before) for before in range(3)
        ]
        assert waiting_stage("studio", 2) == "waiting for a place on studio, 2 before you"
        engines[0].end(0).set_result(None)
        await until(first, lambda: first.ended)
        await until(others[2], lambda: "1 before you" in others[2].progress.stage)

    on_host(tmp_path, work)


def test_an_order_whose_engine_dies_is_rendered_in_another_place_once(tmp_path):
    async def work(host, engines):
        found = await host.accept("anna", "noise", order())
        engines[0].end(0).set_exception(DIED)
        engines[1].end(0).set_result(None)
        await until(found, lambda: found.ended)
        assert found.state is OrderState.DONE
        assert [engine.began for engine in engines] == [[(0,)], [(0,)]]
        assert all(place.order is None for place in host.orders.places)

    on_host(tmp_path, work, places=2)


def several(*takes: int):
    command = order()
    return replace(command, request=replace(command.request, takes=takes))


@pytest.mark.parametrize(
    ("died", "again", "state"),
    [(DIED, [(2,)], OrderState.DONE), (REFUSED, [], OrderState.FAILED)],
    ids=["its engine dies", "it is refused"],
)
def test_takes_that_are_complete_before_one_fails_are_kept_and_rendered_once(tmp_path, died, again, state):
    async def work(host, engines):
        engines[0].end(2).set_exception(died)
        found = await host.accept("anna", "noise", several(0, 1, 2))
        engines[0].end(0).set_result(None)
        engines[1].end(2).set_result(None)
        await until(found, lambda: found.ended)
        assert (found.state, engines[0].began, engines[1].began) == (state, [(0, 1, 2)], again)
        assert [*found.finished] == [0, 1, *(take for (take,) in again)]
        assert [take for take, _ in found.grown] == [*found.finished]

    on_host(tmp_path, work, places=2)


def test_an_engine_that_dies_after_its_last_take_has_rendered_its_order(tmp_path, monkeypatch):
    plain = HostHere.render

    async def render(host, *given):
        await plain(host, *given)
        raise DIED

    monkeypatch.setattr(HostHere, "render", render)

    async def work(host, engines):
        found = await host.accept("anna", "noise", several(0, 1))
        engines[0].end(0).set_result(None)
        await until(found, lambda: found.ended)
        assert (found.state, found.left, engines[0].began) == (OrderState.DONE, (), [(0, 1)])

    on_host(tmp_path, work)


def test_an_order_whose_machine_is_lost_waits_for_a_place_that_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(render_host, "LOOK_SECONDS", 0.02)
    gone = set()

    async def work(host, engines):
        one = host.orders.places[0]

        async def there() -> bool:
            return one.name not in gone

        one.there = there
        first = await host.accept("anna", "noise", order("j1"))
        second = await host.accept("anna", "noise", order("j2", seconds=1.0))
        await until(second, lambda: second.state is OrderState.RENDERING)
        gone.add(one.name)
        while not engines[0].closed:
            await asyncio.sleep(0.01)
        engines[0].end(0).set_exception(DIED)  # what comes of that, with processes
        await until(first, lambda: first.state is OrderState.WAITING)
        assert (one.lost, one.order, host.orders.next()) == (True, None, None), "nothing is given to it"
        engines[1].end(0).set_result(None)
        await until(second, lambda: second.ended)
        while len(engines[1].began) < 2:
            await asyncio.sleep(0.01)
        engines[1].end(0).set_result(None)
        await until(first, lambda: first.ended)
        assert (first.state, second.state, len(engines[1].began)) == (OrderState.DONE, OrderState.DONE, 2)
        gone.clear()
        while one.lost:
            await asyncio.sleep(0.01)
        assert [place.name for place in host.orders.free()] == ["place 1", "place 2"], "it came back"

    on_host(tmp_path, work, places=2)


def test_a_look_that_fails_or_gets_no_answer_is_not_the_last(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(render_host, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(render_host, "THERE_SECONDS", 0.01)

    async def work(host, engines):
        place, looks = host.orders.places[0], []

        async def there() -> bool:
            looks.append(len(looks))
            if len(looks) == 1:
                raise KeyError("a bug")
            if len(looks) == 2:
                await asyncio.Event().wait()
            return False

        place.there = there
        while not place.lost:
            await asyncio.sleep(0.01)
        assert len(looks) == 3

    on_host(tmp_path, work)
    assert "by a bug" in caplog.text
    assert "does not say" in caplog.text


def test_an_order_that_kills_every_engine_fails(tmp_path):
    async def work(host, engines):
        found = await host.accept("anna", "noise", order())
        for engine in engines:
            engine.end(0).set_exception(DIED)
        await until(found, lambda: found.ended)
        assert (found.state, found.error.code) == (OrderState.FAILED, ErrorCode.ENGINE_DIED)
        assert sum(len(engine.began) for engine in engines) == 2

    on_host(tmp_path, work, places=2)


def test_a_place_that_cannot_start_the_engine_is_named_and_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(render_host, "LOOK_SECONDS", 0.02)

    async def rendered_in(host, engine, name):
        found = await host.accept("anna", "noise", order(name))
        engine.end(0).set_result(None)
        await until(found, lambda: found.ended)
        assert found.state is OrderState.DONE
        return found

    async def work(host, engines):
        broken, sound = engines
        broken.refuses = NOT_STARTED
        assert (await rendered_in(host, sound, "j1")).run == 1
        assert host.orders.notes() == ("The engine is another one. Install this one.",)
        host.orders.places[1].song = "another"  # the first place would be next
        await rendered_in(host, sound, "j2")
        assert (broken.starts, len(sound.began)) == (1, 2), "it is not asked again"

    on_host(tmp_path, work, places=2)


def test_a_place_that_cannot_start_the_engine_is_tried_again_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(render_host, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(render_host, "FIRST_PAUSE", 0.01)

    async def work(host, engines):
        place, engine = host.orders.places[0], engines[0]
        engine.refuses = NOT_STARTED
        host._refuses(place, "noise", "It lacks a package.")
        noted = host.noted
        await noted.wait()
        assert host.orders.notes() == ("The engine is another one. Install this one.",), (
            "what is wrong by now"
        )
        noted, engine.refuses = host.noted, None
        await noted.wait()
        assert (host.orders.notes(), engine.closed) == ((), 1), "whoever wants it loads it"

    on_host(tmp_path, work)


def test_a_trial_gives_way_to_an_order(tmp_path, monkeypatch):
    monkeypatch.setattr(render_host, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(render_host, "FIRST_PAUSE", 0.0)

    async def work(host, engines):
        place, starting, plain = host.orders.places[0], asyncio.Event(), engines[0].start

        async def never(_):
            starting.set()
            await asyncio.Event().wait()

        engines[0].start = never
        host._refuses(place, "noise", "It lacks a package.")
        await starting.wait()
        assert host.orders.free() == []
        engines[0].start = plain
        found = await host.accept("anna", "noise", order())
        engines[0].end(0).set_result(None)
        await until(found, lambda: found.ended)
        assert (found.state, host.orders.notes()) == (OrderState.DONE, ())

    on_host(tmp_path, work)


def test_what_was_wrong_with_a_lost_machine_is_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(render_host, "LOOK_SECONDS", 0.01)

    async def work(host, engines):
        one, two = host.orders.places
        gone = asyncio.Event()

        async def there() -> bool:
            return not gone.is_set()

        two.there = there
        engines[0].refuses = NOT_STARTED
        engines[1].end(0)
        first = await host.accept("anna", "noise", order("j1"))
        while not engines[1].began:
            await asyncio.sleep(0.01)
        host._refuses(two, "noise", "It lacks a package.")
        noted = host.noted
        second = await host.accept("anna", "noise", order("j2"))
        second.refused_by[one] = NOT_STARTED
        gone.set()
        await noted.wait()
        assert (two.refused, len(host.orders.notes())) == ({}, 1)
        await until(second, lambda: second.ended)
        assert second.error is NOT_STARTED, "there is no other place any more"
        engines[1].end(0).set_exception(DIED)
        await until(first, lambda: first.ended)
        assert first.error is NOT_STARTED

    on_host(tmp_path, work, places=2)


def test_an_order_waits_for_the_place_that_starts_its_engine(tmp_path):
    async def work(host, engines):
        engines[1].refuses = NOT_STARTED
        first = await host.accept("anna", "noise", order("j1"))
        while not engines[0].began:
            await asyncio.sleep(0.01)
        second = await host.accept("anna", "noise", order("j2", seconds=1.0))
        await until(second, lambda: second.state is OrderState.WAITING and second.refused_by)
        for found in (first, second):
            engines[0].end(0).set_result(None)
            await until(found, lambda found=found: found.ended)
        assert (first.state, second.state) == (OrderState.DONE, OrderState.DONE)
        assert engines[1].starts == 1

    on_host(tmp_path, work, places=2)


def test_an_engine_that_starts_nowhere_says_why_every_time(tmp_path):
    async def work(host, engines):
        for engine in engines:
            engine.refuses = NOT_STARTED
        for name in ("j1", "j2"):
            found = await host.accept("anna", "noise", order(name))
            await until(found, lambda found=found: found.ended)
            assert found.error is NOT_STARTED
        assert [engine.starts for engine in engines] == [2, 2], "each place once, each time"

    on_host(tmp_path, work, places=2)


def test_a_refusal_leaves_an_order_its_second_try(tmp_path):
    async def work(host, engines):
        engines[0].refuses = NOT_STARTED
        found = await host.accept("anna", "noise", order())
        engines[1].end(0).set_exception(DIED)
        while len(engines[1].began) < 2:
            await asyncio.sleep(0.01)
        engines[1].end(0).set_result(None)
        await until(found, lambda: found.ended)
        assert (found.state, found.run, engines[0].starts) == (OrderState.DONE, 2, 1)

    on_host(tmp_path, work, places=2)


def test_what_the_engine_refuses_is_not_tried_again(tmp_path):
    async def work(host, engines):
        found = await host.accept("anna", "noise", order())
        engines[0].end(0).set_exception(REFUSED)
        await until(found, lambda: found.ended)
        assert found.error is REFUSED
        assert engines[1].began == []

    on_host(tmp_path, work, places=2)


def test_a_bug_ends_its_order_only(tmp_path):
    async def work(host, engines):
        found = await host.accept("anna", "noise", order("j1"))
        engines[0].end(0).set_exception(KeyError("a bug"))
        await until(found, lambda: found.ended)
        assert found.error.code is ErrorCode.INTERNAL
        other = await host.accept("anna", "noise", order("j2"))
        engines[0].end(0).set_result(None)
        await until(other, lambda: other.ended)
        assert other.state is OrderState.DONE

    on_host(tmp_path, work)


def test_an_order_that_comes_again_while_its_engine_stops_keeps_what_it_gives(tmp_path):
    async def work(host, engines):
        stopped, plain = asyncio.Event(), engines[0].render

        async def slow_to_stop(*given):
            try:
                return await plain(*given)
            finally:
                await stopped.wait()

        engines[0].render = slow_to_stop
        dropped = await host.accept("anna", "noise", order())
        await until(dropped, lambda: dropped.state is OrderState.RENDERING)
        while not engines[0].began:
            await asyncio.sleep(0)
        host.drop(dropped)
        again = await host.accept("anna", "noise", order())
        engines[1].end(0).set_result(None)
        await until(again, lambda: again.ended)
        stopped.set()
        while host.orders.places[0].order is not None:
            await asyncio.sleep(0)
        (outcome,) = again.finished.values()
        assert outcome.stem("mix").samples().size

    on_host(tmp_path, work, places=2)


def test_an_engine_without_work_gives_its_memory_back(tmp_path, monkeypatch):
    monkeypatch.setattr(render_host, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(render_host, "IDLE_SECONDS", 0.0)

    async def work(host, engines):
        while not engines[0].closed:
            await asyncio.sleep(0.01)

    on_host(tmp_path, work)
