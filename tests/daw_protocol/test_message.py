"""What all messages share, on one small message of the test's own."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from daw_protocol import replies, requests, results
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Names, Switches, Text, Whole
from daw_protocol.message import MAX_ERROR_TEXT, Message, read_field, unknown_field, value
from daw_protocol.timeline import AtSample
from daw_protocol.timeline.position import Position
from daw_protocol.timeline_fields import PositionKind
from tests.refusals import refusal

DEEP: list[Any] = []
for _ in range(900):
    DEEP = [DEEP]


@dataclass(frozen=True, kw_only=True)
class Knock(Message):
    """A knock on a door."""

    door: str = value(Text(10, 1), "which door")
    times: int = value(Whole(1, 9), "how often", 2)
    at: Position | None = value(PositionKind(), "when", None)
    names: tuple[str, ...] = value(Names(), "who", ())
    options: dict[str, Any] = value(Switches(), "how", {})

    def check(self) -> None:
        if self.door == "cellar" and self.times > 3:
            raise ProtocolError(ErrorCode.OUT_OF_RANGE, "times: too often.", "Knock less.", "times")


def test_values_are_read_when_a_message_is_built():
    knock = Knock(door="front", times="3", at="96000", names="a,b")
    assert (knock.times, knock.at, knock.names) == (3, AtSample(96000), ("a", "b"))


def test_a_message_never_changes():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Knock(door="front").door = "back"


def test_a_message_evolves_and_reads_only_what_changes(monkeypatch):
    knock = Knock(door="front", times=2, names="a,b")
    evolved = knock.evolve(times="3", at=5)
    assert evolved == Knock(door="front", times=3, at=AtSample(5), names=("a", "b"))
    assert knock == Knock(door="front", times=2, names=("a", "b"))
    assert evolved.evolve(at=None) == Knock(door="front", times=3, names=("a", "b"))
    assert refusal(knock.evolve, times=10).field == "times"
    assert refusal(Knock(door="cellar").evolve, times=4).field == "times", (
        "the rules across fields hold as well"
    )
    with pytest.raises(KeyError):
        knock.evolve(dor="back")
    monkeypatch.setattr(Text, "read", lambda *_: pytest.fail("read again"))
    assert knock.evolve(times=4).door == "front"


def kinds_of_messages(base: type[Message]) -> Iterator[type[Message]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds_of_messages(kind)


def test_every_default_is_what_reading_it_gives():
    """Values at their default are not read again when a message is built."""
    of_ours = [kind for kind in kinds_of_messages(Message) if kind.__module__.startswith("daw_protocol.")]
    assert {requests.Repaint, replies.Done, results.JobList} <= set(of_ours)
    for kind in of_ours:
        for entry in dataclasses.fields(kind):
            if entry.default not in (dataclasses.MISSING, None):
                found = read_field(entry, entry.default)
                assert (found, type(found)) == (entry.default, type(entry.default)), (kind, entry.name)


def test_defaults_are_left_out_of_the_fields_and_come_back():
    knock = Knock(door="front", at=5)
    assert knock.to_fields() == {"door": "front", "at": "5"}
    assert Knock.from_fields(knock.to_fields()) == knock


@dataclass(frozen=True, kw_only=True)
class Note(Message):
    """A note that is kept."""

    writes_defaults: ClassVar[bool] = True
    text: str = value(Text(10), "what it says", "")
    times: int | None = value(Whole(1, 9), "how often", None)


def test_a_message_may_write_its_defaults_but_no_null():
    assert Note().to_fields() == {"text": ""}
    assert Note.from_fields(Note(times=2).to_fields()) == Note(times=2)


def test_what_another_version_stored_is_read_as_far_as_it_is_known():
    stored = {"door": "front", "times": None, "bell": True}
    assert Knock.from_stored(stored) == Knock(door="front")
    with pytest.raises(ProtocolError, match="door is missing"):
        Knock.from_stored({"times": 2})
    with pytest.raises(ProtocolError, match="times: must be 1 to 9"):
        Knock.from_stored({"door": "front", "times": 10})
    with pytest.raises(ProtocolError, match="door: must be text"):
        Knock.from_stored({"door": None})


def test_two_messages_do_not_share_a_default():
    assert Knock(door="a").options is not Knock(door="b").options


@pytest.mark.parametrize(
    ("fields", "code", "field", "words"),
    [
        ({}, ErrorCode.MISSING_FIELD, "door", "door is missing"),
        ({"door": ""}, ErrorCode.OUT_OF_RANGE, "door", "1 to 10 characters"),
        ({"door": 1.5}, ErrorCode.WRONG_TYPE, "door", "must be text"),
        ({"door": None}, ErrorCode.WRONG_TYPE, "door", "must be text"),
        ({"door": "a", "times": 10}, ErrorCode.OUT_OF_RANGE, "times", "1 to 9, got 10"),
        ({"door": "a", "times": None}, ErrorCode.WRONG_TYPE, "times", "whole number"),
        ({"door": "a", "at": "soon"}, ErrorCode.OUT_OF_RANGE, "at", "accepted form"),
        ({"door": "cellar", "times": 4}, ErrorCode.OUT_OF_RANGE, "times", "too often"),
        ({"door": "a", "dor": "b"}, ErrorCode.UNKNOWN_FIELD, "dor", "no value called 'dor'"),
        ({"door": "a", "\x00\ud800": 1}, ErrorCode.UNKNOWN_FIELD, "??", "no value called"),
    ],
)
def test_errors_name_the_field_and_the_remedy(fields, code, field, words):
    error = refusal(Knock.from_fields, fields)
    assert (error.code, error.field) == (code, field)
    assert words in error.sentence
    assert error.remedy


def test_a_missing_value_is_explained():
    assert refusal(Knock.from_fields, {}).remedy == "Send door as well: which door."


def test_a_slip_of_the_pen_is_recognised():
    assert refusal(Knock.from_fields, {"door": "a", "time": 1}).remedy == "Did you mean times?"
    assert (
        refusal(Knock.from_fields, {"door": "a", "qqq": 1}).remedy
        == "Available: at, door, names, options, times."
    )


def test_a_name_of_four_million_letters_costs_no_time():
    # difflib takes seconds for it, and more than that for one that is nearly a known name.
    error = unknown_field("source" * 700_000, {"source": 1})
    assert len(error.sentence) < 150
    assert len(error.field) <= 64


def test_a_complaint_about_a_long_value_stays_short():
    assert (
        len(refusal(Knock.from_fields, {"door": "a", "options": {"x" * 100_000: []}}).sentence)
        < MAX_ERROR_TEXT + 100
    )
    assert (
        len(refusal(Knock.from_fields, {"door": "a", "at": "17|" + "1" * 100_000}).sentence)
        < MAX_ERROR_TEXT + 100
    )


@pytest.mark.parametrize("field", ["door", "times", "at", "names", "options"])
def test_lists_in_lists_in_lists_are_refused(field):
    assert refusal(Knock.from_fields, {"door": "a", field: DEEP}).code is ErrorCode.WRONG_TYPE
