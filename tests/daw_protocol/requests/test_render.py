"""Renders: the rules that concern several values, and everything that must be refused."""

import dataclasses
import math

import pytest

from daw_protocol import requests
from daw_protocol.addresses import COMMANDS
from daw_protocol.errors import ErrorCode
from daw_protocol.requests import PROJECT_RATES, Generate, Repaint
from daw_protocol.timeline import Key, Meter, TempoMap
from tests.refusals import refusal

RENDERS = [command.request for command in COMMANDS if issubclass(command.request, requests.Render)]
MAP = TempoMap.constant(120).to_json()


@pytest.mark.parametrize("request_type", RENDERS, ids=lambda one: one.__name__)
def test_every_render_names_a_task_of_its_own(request_type):
    assert request_type.task
    assert sum(other.task == request_type.task for other in RENDERS) == 1


@pytest.mark.parametrize("rate", PROJECT_RATES)
def test_project_rates(rate):
    assert Repaint(rate=rate).rate == rate


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_101, 48_001, 384_000])
def test_a_rate_no_clip_can_be_placed_at(rate):
    error = refusal(Repaint, rate=rate)
    assert (error.code, error.field) == (ErrorCode.OUT_OF_RANGE, "rate")
    assert "44100, 48000, 88200, 96000, 176400, 192000" in error.remedy


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"bars": "17-20", "start": 0}, ErrorCode.BAD_REGION, "bars"),
        ({"bars": "17-20", "end": 0}, ErrorCode.BAD_REGION, "bars"),
        ({"bars": "17-20", "length": "1s"}, ErrorCode.BAD_REGION, "bars"),
        ({"start": 0, "end": 10, "length": 10}, ErrorCode.BAD_REGION, "length"),
        ({"tempo_map": MAP, "bpm": 120}, ErrorCode.OUT_OF_RANGE, "tempo_map"),
        ({"tempo_map": MAP, "meter": "4/4"}, ErrorCode.OUT_OF_RANGE, "tempo_map"),
    ],
)
def test_nothing_may_be_said_twice(fields, code, field):
    error = refusal(Repaint, **fields)
    assert (error.code, error.field) == (code, field)
    assert "twice" in error.sentence


BAD = [
    ("id", "x" * 65), ("id", "a\x00"), ("id", "\ud800"), ("id", 1.5), ("id", []),
    ("reply_port", 0), ("reply_port", 65536), ("reply_port", "x"),
    ("client", "x" * 65), ("token", "x" * 257),
    ("source", ""), ("source", "x" * 1025), ("source", "a\x00.wav"), ("source", 0.5), ("source", "\udcff.wav"),
    ("source_position", math.nan), ("source_position", "nowhere"), ("source_position", 10**4000),
    ("start", math.nan), ("start", math.inf), ("start", 2**63), ("start", -(2**63)), ("start", True),
    ("start", 0.5), ("start", "17.2|1"), ("start", {}), ("start", "1e5"), ("start", "99999999999999s"),
    ("end", "one"), ("end", -(10**4000)),
    ("bars", ""), ("bars", "1" * 41), ("bars", 1.5),
    ("regions", ""), ("regions", []), ("regions", "1,,2..3"), ("regions", [{}]), ("regions", [{"bars": "1", "end": 5}]),
    ("regions", "12,5s..16s"), ("regions", ["1"] * 33), ("regions", True), ("regions", {"bars": "1"}),
    ("regions", "["), ("regions", [{"bars": "1", "seed": 0.5}]), ("regions", [{"bar": "1"}]), ("regions", [1.5]),
    ("tracks", ""), ("tracks", []), ("tracks", ["a.wav", "a.wav"]), ("tracks", [1.5]), ("tracks", [{}]),
    ("tracks", [f"{n}.wav" for n in range(33)]), ("tracks", [{"source": "a.wav", "source_position": "nowhere"}]),
    ("mode", "both"), ("mode", 1),
    ("length", 0), ("length", -1), ("length", "0s"), ("length", 10**4000), ("length", math.inf),
    ("rate", 0), ("rate", -48000), ("rate", 10**4000), ("rate", 44100.5),
    ("bpm", 0), ("bpm", -120), ("bpm", math.nan), ("bpm", math.inf), ("bpm", "fast"), ("bpm", 10**4000), ("bpm", 4.99),
    ("meter", "4"), ("meter", 4), ("meter", "4/0"), ("meter", "99999/4"),
    ("tempo_map", []), ("tempo_map", "120"), ("tempo_map", "{"), ("tempo_map", {"points": {}}),
    ("tempo_map", {"points": [{"quarter": 0, "bpm": 1e400}]}),
    ("tempo_map", {"points": [{"quarter": 5, "bpm": 120}, {"quarter": 4, "bpm": 120}]}),
    ("tempo_map", {"points": [{"quarter": 0, "bpm": 120}] * 10_001}),
    ("key", "H"), ("key", "e"), ("key", 3), ("key", "C" * 5000),
    ("preset", "x" * 65), ("preset", ["x"]), ("hears", "x" * 65), ("hears", ["x"]),
    ("prompt", "x" * 2001), ("prompt", "\x07"), ("prompt", None),
    ("lyrics", "x" * 8001), ("lyrics", ["la"]),
    ("language", "x" * 17),
    ("takes", 0), ("takes", 9), ("takes", 1.5), ("takes", "many"), ("takes", 10**4000),
    ("seed", 0.5), ("seed", 2.0**31), ("seed", math.nan), ("seed", 10**20_100), ("bpm", "1,200"),
    ("handles", -0.1), ("handles", 10.1), ("handles", math.nan),
    ("crossfade", -1), ("crossfade", 1001), ("crossfade", math.inf),
    ("match_loudness", 2), ("match_loudness", "perhaps"),
    ("depth", "12"), ("depth", 16), ("depth", [24]),
    ("context", -1), ("context", 601), ("context", math.nan),
    ("engine", "x" * 33), ("engine", 1.5),
    ("reference", ""), ("reference", "x" * 1025), ("reference_consent", 2), ("reference_consent", "maybe"),
    ("options", []), ("options", {"a": {}}), ("options", "{"), ("options", {"a": math.inf}),
    ("title", True), ("track", []), ("replace", "later"), ("origin", "x" * 65),
    ("notes", 1), ("notes", [1.5]), ("notes", ["x"] * 33), ("notes", ["x" * 2001]), ("notes", {}),
    ("priority", "high"), ("priority", 1),
    ("strength", -0.001), ("strength", 1.001), ("strength", math.nan),
    ("layers", ""), ("layers", "x" * 65),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD)), ids=lambda number: f"{BAD[number][0]}{number}")
def test_every_bad_value_is_refused_by_name(number):
    field, given_value = BAD[number]
    error = refusal(Repaint.from_fields, {field: given_value})
    assert error.code in (ErrorCode.WRONG_TYPE, ErrorCode.OUT_OF_RANGE, ErrorCode.BAD_REGION)
    assert error.field == field
    assert error.sentence.startswith(f"{field}: ")
    assert len(error.sentence) < 600
    error.sentence.encode("utf-8")


def test_the_table_of_bad_values_knows_every_value():
    assert {field for field, _ in BAD} == {entry.name for entry in dataclasses.fields(Repaint)}


def test_typed_as_text_or_sent_as_values_it_is_the_same_request():
    typed = Generate.from_fields(
        {
            "id": "7",
            "length": "16 bars",
            "bpm": "84",
            "meter": "6/8",
            "key": "Am",
            "takes": "2",
            "handles": "0.5",
        }
    )
    sent = Generate(
        id=7, length="16 bars", bpm=84.0, meter=Meter(6, 8), key=Key("A", "minor"), takes=2, handles=0.5
    )
    assert typed == sent
