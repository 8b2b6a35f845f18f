from dataclasses import replace

import pytest

from bridge_server.engines.usual_context import with_usual_context
from daw_protocol.addresses import BY_NAME
from model.acestep.engine import AceStepEngine, EngineConfig
from model.engine import Task

ON_A_PROCESSOR = AceStepEngine(EngineConfig(device="cpu")).describe()
REGION = {"start": 4800, "end": 9600}


def asked(task: str, **fields):
    return BY_NAME[task].request.from_fields({"source": "song.wav", **fields})


@pytest.mark.parametrize(
    ("task", "fields"),
    [("repaint", REGION), ("complete", {}), ("accompany", REGION), ("extract", {"bars": "3", "bpm": 120})],
)
def test_a_request_that_says_nothing_gets_the_engines_context_and_is_told(task, fields):
    request, note = with_usual_context(ON_A_PROCESSOR, asked(task, **fields))
    assert request.context == ON_A_PROCESSOR.context_seconds
    assert request == asked(task, **fields).evolve(context=request.context)
    assert f"{request.context:g} s" in note


@pytest.mark.parametrize(
    ("task", "fields"),
    [
        ("repaint", REGION | {"context": 600.0}),
        ("repaint", REGION | {"context": 0.0}),
        ("extract", {}),
        ("cover", {}),
    ],
)
def test_what_is_asked_for_and_whole_songs_stay(task, fields):
    assert with_usual_context(ON_A_PROCESSOR, asked(task, **fields)) == (asked(task, **fields), "")


def test_an_engine_that_uses_all_it_can_is_left_alone():
    whole = replace(ON_A_PROCESSOR, context_seconds=None)
    assert with_usual_context(whole, asked("repaint", **REGION)) == (asked("repaint", **REGION), "")
    assert AceStepEngine(EngineConfig(device="cuda")).describe().context_seconds is None
    assert Task.REPAINT in [each.task for each in whole.tasks]
