"""What a planner may write, and the bars of what it wrote."""

from __future__ import annotations

from fractions import Fraction

import pytest

from bridge_server.rendering.blueprints import own_tempo_map, planned_song, sent, with_bars, written_fields
from daw_protocol.recipe import BlueprintRecord, SectionRecord
from daw_protocol.requests import Generate, Plan, Rewrite
from daw_protocol.timeline import Key, Meter, TempoMap

EVERYTHING = {"caption", "lyrics", "language", "key", "tempo", "meter"}


@pytest.mark.parametrize(
    ("request_", "kept"),
    [
        (Plan(), set()),
        (Plan(prompt="calm piano"), set()),
        (Plan(prompt="calm piano", lock="prompt"), {"caption"}),
        (Plan(bpm=96), {"tempo"}),
        (Plan(meter="3/4", key="C minor"), {"meter", "key"}),
        (Plan(tempo_map=TempoMap.constant(96, Meter(4, 4)).to_json()), {"tempo", "meter"}),
        (Rewrite(lyrics="la", language="pt"), {"lyrics", "language"}),
        (Plan(instrumental=True), {"lyrics"}),
    ],
)
def test_what_is_known_is_not_written(request_: Plan, kept: set[str]) -> None:
    assert set(written_fields(request_)) == EVERYTHING - kept


def test_other_requests_write_nothing() -> None:
    assert written_fields(Generate(prompt="x")) == ()
    assert sent(Generate(prompt="x", key=Key.parse("C"))) == {"prompt", "key"}


def test_a_request_is_rendered_by_the_blueprint_it_carries() -> None:
    assert planned_song(Generate(prompt="x")) is None
    found = planned_song(Generate(blueprint={"codes": [1, 2], "notes": ["a"], "chords_text": ""}))
    assert found is not None
    assert found.codes == (1, 2)


def test_sections_have_bars() -> None:
    sections = tuple(
        SectionRecord(name="a", start=start, end=end) for start, end in ((0, 8), (8, 10), (10, 12))
    )
    found = with_bars(BlueprintRecord(sections=sections), TempoMap.constant(120, Meter(4, 4)), Fraction(16))
    assert [one.bars for one in found.sections] == ["9-12", "13", "14"]


def test_a_planners_own_tempo() -> None:
    found = own_tempo_map(BlueprintRecord(tempo=96.0, meter="3/4"))
    assert found == TempoMap.constant(96, Meter(3, 4))
    assert own_tempo_map(BlueprintRecord(tempo=96.0)) is None
