"""Which engine a request goes to: the one it names, the default one, or for words any that writes them."""

import asyncio

import pytest

from bridge_server.handlers.engine_choice import engine_for
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Analyse, Plan, Repaint
from model.engine import Capability, EngineDescription, Task


def engine(*tasks, reads_words=False):
    return EngineDescription(
        "x", "x", False, tuple(Capability(task, True) for task in tasks), reads_words=reads_words
    )


class Engines:
    """Notes which engines are asked; those without a description cannot be started."""

    def __init__(self, **described):
        self.described = described
        self.names = tuple(described)
        self.asked = []

    async def describe(self, name):
        self.asked.append(name)
        if self.described[name] is None:
            raise ProtocolError(ErrorCode.ENGINE_DIED, f"{name} cannot be started.")
        return self.described[name]


MEASURES, PLANS = engine(Task.ANALYSE), engine(Task.ANALYSE, Task.PLAN, reads_words=True)


def chosen(request, engines, named=""):
    return asyncio.run(engine_for(request, named, engines))[0]


@pytest.mark.parametrize("default", ["broken", "sketch", "planner"])
@pytest.mark.parametrize(
    ("request_type", "values", "wanted"),
    [(Analyse, {}, "sketch"), (Analyse, {"words": True}, "planner"), (Plan, {}, "planner")],
)
def test_an_engine_that_cannot_be_started_takes_no_request_from_others(default, request_type, values, wanted):
    engines = Engines(broken=None, sketch=MEASURES, planner=PLANS)
    assert chosen(request_type(engine=default, **values), engines) == wanted
    assert (engines.asked == [default]) == (default == wanted)  # the default one fits: no other is started


def test_one_that_is_named_or_is_to_sound_is_taken_as_it_is():
    engines = Engines(broken=None, sketch=MEASURES, planner=PLANS)
    assert chosen(Plan(engine="sketch"), engines, named="sketch") == "sketch"
    assert chosen(Repaint(engine="sketch"), engines) == "sketch"
    for request, named in ((Plan(engine="broken"), "broken"), (Repaint(engine="broken"), "")):
        with pytest.raises(ProtocolError, match="broken cannot be started"):
            chosen(request, engines, named)


def test_where_none_can_the_one_with_a_planner_says_why_or_the_default_one():
    without_weights = engine(reads_words=True)
    assert chosen(Plan(engine="sketch"), Engines(sketch=MEASURES, planner=without_weights)) == "planner"
    assert chosen(Plan(engine="sketch"), Engines(sketch=MEASURES, other=MEASURES)) == "sketch"
    with pytest.raises(ProtocolError, match="broken cannot be started"):
        chosen(Plan(engine="broken"), Engines(broken=None, sketch=MEASURES))
