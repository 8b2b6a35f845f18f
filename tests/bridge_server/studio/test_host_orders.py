"""Whose order is next, and in which place."""

from __future__ import annotations

from dataclasses import replace

from bridge_server.engines.messages import RenderCommand, StackedTrack
from bridge_server.studio import host_orders
from bridge_server.studio.host_orders import HostOrders, HostPlace, OrderState
from tests.bridge_server.engines.test_messages import REQUEST

BATCH, INTERACTIVE = 0, 1


def command(name: str, song: str = "", priority: int = INTERACTIVE) -> RenderCommand:
    return RenderCommand(REQUEST, song, "", name, priority=priority)


def orders_of(*given, places: int = 1) -> HostOrders:
    """Orders of clients: ("anna", command)."""
    orders = HostOrders([HostPlace(f"place {number}", {}) for number in range(1, places + 1)])
    for client, each in given:
        orders.add(client, "noise", each)
    return orders


def names(orders) -> list[str]:
    """In the order in which they get the one place."""
    found = []
    while (chosen := orders.next()) is not None:
        order, place = chosen
        found.append(order.client)
        order.state, place.order = OrderState.DONE, None
    return found


def test_producers_take_turns_however_many_orders_each_has():
    orders = orders_of(
        *(("anna", command(f"a{number}")) for number in range(4)),
        *(("ben", command(f"b{number}")) for number in range(2)),
        ("cleo", command("c0")),
    )
    planned = [order.client for order in orders.waiting()]
    assert names(orders) == planned == ["anna", "ben", "cleo", "anna", "ben", "anna", "anna"]


def test_who_was_served_last_waits_although_the_other_comes_later():
    orders = orders_of(("anna", command("a0")), ("anna", command("a1")))
    first, place = orders.next()
    orders.add("ben", "noise", command("b0"))
    assert orders.next() is None, "the place is taken"
    first.state, place.order = OrderState.DONE, None
    assert names(orders) == ["ben", "anna"]


def test_an_interactive_order_goes_before_every_batch():
    orders = orders_of(
        ("anna", command("a0", priority=BATCH)),
        ("ben", command("b0", priority=BATCH)),
        ("anna", command("a1")),
    )
    assert [order.command.priority for order in orders.waiting()] == [INTERACTIVE, BATCH, BATCH]
    assert names(orders) == ["anna", "ben", "anna"]


def test_an_order_goes_where_its_song_was_and_a_new_song_where_none_was():
    orders = orders_of(("anna", command("a0", "song 1")), ("anna", command("a1", "song 2")), places=3)
    for _ in range(2):
        order, place = orders.next()
        order.state, place.order = OrderState.DONE, None
    assert [place.song for place in orders.places] == ["song 1", "song 2", ""]
    orders.add("anna", "noise", command("a2", "song 2"))
    assert orders.next()[1] is orders.places[1]
    orders.add("anna", "noise", command("a3", "song 3"))
    assert orders.next()[1] is orders.places[2]
    orders.add("anna", "noise", command("a4", "song 2"))
    assert orders.next()[1] is orders.places[0], "any free place is better than none"


def test_the_same_order_again_is_the_same_and_any_other_is_not():
    orders = orders_of()
    first, new = orders.add("anna", "noise", command("j1-1", "song"))
    assert new
    assert orders.add("ben", "noise", replace(command("j1-1", "song"), number=7)) == (first, False)
    others = (
        ("noise", command("j1-2", "song")),
        ("slow", command("j1-1", "song")),
        ("noise", command("j1-1", "other song")),
        ("noise", replace(command("j1-1", "song"), request=replace(REQUEST, seed=2))),
        ("noise", replace(command("j1-1", "song"), request=replace(REQUEST, takes=(1,)))),
    )
    for engine, each in others:
        assert orders.add("anna", engine, each)[1]
    assert orders.of("anna") == 1 + len(others)
    orders.remove(first)
    assert orders.add("anna", "noise", command("j1-1", "song"))[1]


def test_results_are_named_by_the_host():
    orders = orders_of()
    order, _ = orders.add("anna", "noise", command("../../etc"))
    assert order.command.results == f"{order.name}-1"
    assert order.name.isalnum()
    orders.remove(order)  # its engine may still write
    again, _ = orders.add("anna", "noise", command("../../etc"))
    assert (again.name, again.command.results) == (order.name, f"{order.name}-2")


def test_what_waiting_orders_name_is_in_use():
    stacked = replace(command("j1"), stack=(StackedTrack("t1", 0), StackedTrack("t2", 0)))
    orders = orders_of(("anna", command("a0", "song")), ("anna", stacked))
    assert orders.in_use() == {"song", "t1", "t2"}
    next(iter(orders)).state = OrderState.DONE
    assert orders.in_use() == {"t1", "t2"}


def test_turns_of_many_producers_are_not_remembered_for_ever(monkeypatch):
    monkeypatch.setattr(host_orders, "CLIENTS", 4)
    orders = orders_of(*((f"client {number}", command(f"o{number}")) for number in range(9)))
    names(orders)
    assert len(orders._served) == 4
