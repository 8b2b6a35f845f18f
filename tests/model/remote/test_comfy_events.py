"""Progress from ComfyUI's WebSocket; nothing but progress depends on it."""

import json
import time

from model.remote.address import read_address
from model.remote.comfy_events import ComfyEvents
from tests.model.remote.comfy_double import EventsDouble


def until(found, wanted):
    for _ in range(1000):
        if found() == wanted:
            return
        time.sleep(0.01)
    raise AssertionError(f"{found()} is not {wanted}")


def event(kind: str, **data) -> str:
    return json.dumps({"type": kind, "data": data})


def test_steps_are_followed_whatever_else_comes():
    odd = ("no JSON", "{}", "[]", event("progress"), event("progress", value="x", max=0), event("status"))
    with EventsDouble(*odd, event("progress", value=3, max=8)) as double:
        with ComfyEvents(read_address(f"http://127.0.0.1:{double.port}"), "", "me") as events:
            until(lambda: events.step, (3, 8))
        assert double.clients == ["me"]


def test_between_nodes_there_is_no_step():
    with (
        EventsDouble(event("progress", value=9, max=8)) as double,
        ComfyEvents(read_address(f"http://127.0.0.1:{double.port}"), "", "me") as events,
    ):
        until(lambda: events.step, (8, 8))
        double.send(event("executing", node="9"))
        until(lambda: events.step, None)


def test_without_a_socket_there_is_no_progress_and_no_harm():
    with ComfyEvents(read_address("http://127.0.0.1:1"), "", "me") as events:
        assert events.step is None
