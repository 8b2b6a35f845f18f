from dataclasses import replace

import pytest

from bridge_server.rendering.plan import Plan
from bridge_server.rendering.usual_context import with_usual_context
from daw_protocol.addresses import BY_NAME
from daw_protocol.timeline import Span, TempoMap
from model.acestep.engine import CPU_CONTEXT_SECONDS, AceStepEngine, EngineConfig

ON_A_PROCESSOR = AceStepEngine(EngineConfig(device="cpu")).describe()
RATE = 1000
NEAR = round(CPU_CONTEXT_SECONDS * RATE)


def asked(task: str, **fields):
    return BY_NAME[task].request.from_fields({"source": "song.wav", "start": 4800, "end": 9600, **fields})


def planned(before: int, after: int, task: str = "repaint") -> Plan:
    """A region with so much of the song on its sides."""
    region = Span(100_000, 101_000)
    song = Span(region.start - before, region.end + after)
    return Plan(asked(task), TempoMap.constant(120), RATE, 2, song, region, region.length)


@pytest.mark.parametrize("task", ["repaint", "complete", "accompany", "extract", "cover"])
@pytest.mark.parametrize(
    "plans", [[planned(NEAR + 1, 0)], [planned(0, NEAR + 1)], [planned(0, 0), planned(0, 99_000)]]
)
def test_a_request_that_says_nothing_gets_the_engines_context_and_a_note(task, plans):
    request, note = with_usual_context(ON_A_PROCESSOR, asked(task), plans)
    assert request == asked(task).evolve(context=CPU_CONTEXT_SECONDS)
    assert "16 s" in note
    assert "context 600" in note


@pytest.mark.parametrize("context", [600.0, 0.0])
def test_what_is_asked_for_stays(context):
    request = asked("repaint", context=context)
    assert with_usual_context(ON_A_PROCESSOR, request, [planned(90_000, 0)]) == (request, "")


def test_short_songs_and_new_ones_stay():
    near = [planned(NEAR, NEAR), replace(planned(0, 0), song=None)]
    assert with_usual_context(ON_A_PROCESSOR, asked("repaint"), near) == (asked("repaint"), "")


def test_an_engine_that_uses_all_it_can_is_left_alone():
    whole = replace(ON_A_PROCESSOR, context_seconds=None)
    assert with_usual_context(whole, asked("repaint"), [planned(90_000, 0)]) == (asked("repaint"), "")
    assert AceStepEngine(EngineConfig(device="cuda")).describe().context_seconds is None
