"""The table of tasks, and that every request type and engine task has its row."""

import pytest

from daw_protocol.addresses import BY_NAME
from daw_protocol.requests import Render
from daw_protocol.tasks import ROWS, TASKS, Placement
from daw_protocol.timeline import Span, TempoMap
from model.engine import Task


def concrete(kind):
    """The requests of a kind that nothing is derived from."""
    below = [one for more in kind.__subclasses__() for one in concrete(more)]
    return below or [kind]


CONCRETE = {one.task: one for one in concrete(Render)}


def test_every_row_has_its_request_its_command_and_its_task_for_engines():
    names = [spec.name for spec in ROWS]
    assert len(set(names)) == len(names)
    assert set(names) == set(CONCRETE) == {task.value for task in Task}
    for name in names:
        assert BY_NAME[name].request is CONCRETE[name]
        assert CONCRETE[name].spec() is TASKS[name]


@pytest.mark.parametrize("spec", ROWS, ids=lambda spec: spec.name)
def test_a_row_does_not_contradict_itself(spec):
    if spec.spliced:
        assert spec.placement is Placement.REPLACES
    if spec.sums_to_source:
        assert not spec.spliced
    assert not (spec.whole_song and spec.default_length), "one default region"
    if spec.whole_song or spec.after_music or spec.may_lead_in:
        assert spec.needs_source
    if spec.after_music:
        assert spec.default_length is not None, "without an end there has to be a length"


@pytest.mark.parametrize(
    ("placement", "covers"),
    [
        (Placement.REPLACES, True),
        (Placement.ALONE, True),
        (Placement.BESIDE, False),
        (Placement.NEW, False),
        (Placement.WORDS, False),
        (Placement.PLANNED, False),
    ],
)
def test_where_the_song_is_muted(placement, covers):
    assert placement.covers_song is covers


def test_the_tasks_as_producers_know_them():
    def those(rule):
        return {spec.name for spec in ROWS if rule(spec)}

    assert those(lambda spec: not spec.needs_source) == {"generate", "plan", "rewrite"}
    assert those(lambda spec: spec.spliced) == {"repaint", "complete"}
    assert those(lambda spec: spec.placement.covers_song) == {"repaint", "complete", "extract", "cover"}
    assert those(lambda spec: spec.whole_song) == {"accompany", "extract", "lego", "cover", "analyse"}
    assert those(lambda spec: spec.only_whole) == {"analyse"}
    assert those(lambda spec: not spec.makes_takes) == {"analyse", "plan", "rewrite"}
    assert those(lambda spec: spec.sums_to_source) == {"extract"}
    assert those(lambda spec: not spec.may_run_on) == {"repaint", "extract", "lego", "cover", "analyse"}
    assert those(lambda spec: spec.may_lead_in) == those(lambda spec: spec.after_music) == {"complete"}
    default = TASKS["complete"].default_length
    assert default is not None
    assert Span(0, default.end_after(0, TempoMap.constant(120), 48000)).length == 8 * 96000
