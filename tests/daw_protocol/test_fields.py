"""Each kind of value, plain or musical, as a table: what is accepted and as what, what is refused in which words."""

import contextlib
import math
import re
from fractions import Fraction

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daw_protocol import fields as kinds
from daw_protocol import timeline_fields as timeline_kinds
from daw_protocol.timeline import (
    AtBbt,
    AtQuarters,
    AtSample,
    AtSeconds,
    Bbt,
    Key,
    Meter,
    TempoMap,
)
from daw_protocol.timeline.duration import Duration, DurationUnit
from tests.daw_protocol.generated import FEW, values

HUGE = 10**5000
NAN, INF = math.nan, math.inf
DEEP = []
for _ in range(5000):
    DEEP = [DEEP]

TEXT = kinds.Text(8, 1)
WHOLE = kinds.Whole(-5, 2**53)
REAL = kinds.Real(-1, 1000)
FLAG = kinds.Flag()
CHOICE = kinds.Choice(("queued", "running"))
NAMES = kinds.Names(3)
TEXTS = kinds.Texts(2)
POSITION = timeline_kinds.PositionKind()
DURATION = timeline_kinds.DurationKind()
KEY = timeline_kinds.KeyKind()
METER = timeline_kinds.MeterKind()
MAP = timeline_kinds.TempoMapKind()
SWITCHES = kinds.Switches(2)
ALL = (TEXT, WHOLE, REAL, FLAG, CHOICE, NAMES, TEXTS, POSITION, DURATION, KEY, METER, MAP, SWITCHES)

TEMPO_MAP = TempoMap.constant(120)

ACCEPTED = [
    (TEXT, "a\tb\nc", "a\tb\nc"),
    (TEXT, "a\r\nb\rc\n\r\n", "a\nb\nc\n\n"),  # line ends of Windows and of old Macs
    (TEXT, 17, "17"),  # what was typed as a number may have been meant as a name
    (TEXT, "日本🎵", "日本🎵"),
    (WHOLE, 3, 3),
    (WHOLE, 3.0, 3),  # some surfaces send nothing but floats
    (WHOLE, "3", 3),
    (WHOLE, " 3 ", 3),
    (WHOLE, "-5", -5),
    (WHOLE, str(2**53), 2**53),
    (REAL, 3, 3.0),
    (REAL, "0.25", 0.25),
    (REAL, -1, -1.0),
    (FLAG, True, True),
    (FLAG, 0, False),
    (FLAG, 1.0, True),
    (FLAG, " Yes", True),
    (FLAG, "off", False),
    (CHOICE, " Queued ", "queued"),
    (NAMES, "Vocals, drums,", ("vocals", "drums")),
    (NAMES, ["Vocals", "drums "], ("vocals", "drums")),
    (NAMES, "", ()),
    (TEXTS, ["a", "b"], ("a", "b")),
    (POSITION, 384000, AtSample(384000)),
    (POSITION, 384000.0, AtSample(384000)),
    (POSITION, "384000", AtSample(384000)),
    (POSITION, "-12.5s", AtSeconds(Fraction(-25, 2))),
    (POSITION, "17|3|240", AtBbt(Bbt(17, 3, Fraction(240)))),
    (POSITION, "64b", AtQuarters(Fraction(64))),
    (DURATION, 192000, Duration(Fraction(192000), DurationUnit.SAMPLES)),
    (DURATION, 192000.0, Duration(Fraction(192000), DurationUnit.SAMPLES)),
    (DURATION, "8 bars", Duration(Fraction(8), DurationUnit.BARS)),
    (KEY, "F# minor", Key("F#", "minor")),
    (METER, "7/8", Meter(7, 8)),
    (MAP, {"points": [{"quarter": 0, "bpm": 120}]}, TEMPO_MAP),
    (MAP, '{"points": [{"quarter": 0, "bpm": "120/1"}]}', TEMPO_MAP),
    (SWITCHES, {"guidance": 2.5, "sampler": "ode"}, {"guidance": 2.5, "sampler": "ode"}),
    (SWITCHES, '{"steps": 8}', {"steps": 8}),
]


@pytest.mark.parametrize(("kind", "given", "read"), ACCEPTED, ids=kinds.shown)
def test_accepted(kind, given, read):
    found = kind.read(given)
    assert found == read
    assert type(found) is type(read)


TYPE, RANGE = TypeError, ValueError
REFUSED = [
    (TEXT, None, TYPE, "must be text"),
    (TEXT, True, TYPE, "must be text"),
    (TEXT, 1.5, TYPE, "must be text"),
    (TEXT, b"blob", TYPE, "must be text"),
    (TEXT, "", RANGE, "1 to 8 characters"),
    (TEXT, "x" * 9, RANGE, "got 9"),
    (TEXT, "a\x00b", RANGE, "control characters"),
    (TEXT, "a\x1b[2J", RANGE, "control characters"),
    (TEXT, "a\ud800", RANGE, "not valid Unicode"),
    (WHOLE, True, TYPE, "whole number"),
    (WHOLE, 1.5, TYPE, "whole number"),
    (WHOLE, "1.5", TYPE, "whole number"),
    (WHOLE, "one", TYPE, "whole number, got 'one'"),
    (WHOLE, NAN, TYPE, "whole number, got nan"),
    (WHOLE, INF, TYPE, "whole number, got inf"),
    (WHOLE, "nan", TYPE, "whole number"),
    (WHOLE, "9" * 5000, TYPE, "whole number"),
    (WHOLE, -6, RANGE, "must be -5 to 9007199254740992, got -6"),
    (WHOLE, 2**64, RANGE, "must be"),
    (WHOLE, HUGE, RANGE, "a number of 16610 bits"),
    (WHOLE, -HUGE, RANGE, "a number of 16610 bits"),
    (WHOLE, 1e300, RANGE, "must be"),
    (WHOLE, [3], TYPE, "a list of 1"),
    (REAL, True, TYPE, "must be a number"),
    (REAL, "fast", TYPE, "must be a number"),
    (REAL, NAN, RANGE, "must be -1 to 1000, got nan"),
    (REAL, "nan", RANGE, "got nan"),
    (REAL, INF, RANGE, "got inf"),
    (REAL, -INF, RANGE, "got -inf"),
    (REAL, "1e999", RANGE, "got inf"),
    (REAL, HUGE, RANGE, "a number of 16610 bits"),
    (REAL, 1000.001, RANGE, "must be -1 to 1000"),
    (FLAG, 2, TYPE, "true or false"),
    (FLAG, "maybe", TYPE, "true or false"),
    (FLAG, NAN, TYPE, "true or false"),
    (FLAG, None, TYPE, "true or false"),
    (CHOICE, "done", RANGE, "one of queued, running, got 'done'"),
    (CHOICE, 1, TYPE, "one of queued, running"),
    (NAMES, 5, TYPE, "list of names"),
    (NAMES, ["a", 5], TYPE, "list of names"),
    (NAMES, "a,b,c,d", RANGE, "at most 3 names, got 4"),
    (NAMES, "drums, Drums", RANGE, "twice: drums, drums"),
    (NAMES, ["a,b"], RANGE, "commas"),
    (NAMES, [""], RANGE, "1 to 64 characters"),
    (NAMES, ["a\x00"], RANGE, "control characters"),
    (TEXTS, "a", TYPE, "list of texts"),
    (TEXTS, ["a"] * 3, RANGE, "at most 2 texts"),
    (POSITION, True, TYPE, "position on the timeline"),
    (POSITION, DEEP, TYPE, "a list of 1"),
    (POSITION, 1.5, RANGE, '"1.5s"'),
    (POSITION, NAN, RANGE, "finite"),
    (POSITION, INF, RANGE, "finite"),
    (POSITION, 2**41, RANGE, "must lie between"),
    (POSITION, HUGE, RANGE, "a number of 16610 bits"),
    (POSITION, 2.0**25, RANGE, "neighbouring samples"),
    (POSITION, "bar seventeen", RANGE, "none of the accepted forms"),
    (POSITION, "", RANGE, "it is empty"),
    (POSITION, "x" * 5000, RANGE, "none of the accepted forms"),
    (DURATION, True, TYPE, "length on the timeline"),
    (DURATION, DEEP, TYPE, "a list of 1"),
    (DURATION, 1.5, TYPE, "length"),
    (DURATION, NAN, TYPE, "length"),
    (DURATION, 0, RANGE, "more than 0"),
    (DURATION, -5, RANGE, "more than 0"),
    (DURATION, HUGE, RANGE, "at most"),
    (DURATION, "-4s", RANGE, "must be a length"),
    (DURATION, "soon", RANGE, "must be a length"),
    (KEY, 5, TYPE, "such as"),
    (KEY, "H minor", RANGE, "H is German"),
    (METER, 4, TYPE, '"4/4"'),
    (METER, "4/5", RANGE, "denominator"),
    (METER, "0/4", RANGE, "numerator"),
    (MAP, 120, TYPE, "must be an object"),
    (MAP, "{", RANGE, "not valid JSON"),
    (MAP, "[" * 100_000, RANGE, "not valid JSON"),
    (MAP, "[1]", TYPE, "must be an object"),
    (MAP, {}, RANGE, "lacks points"),
    (MAP, {"points": []}, RANGE, "between 1 and"),
    (MAP, {"points": [{"quarter": 0, "bpm": NAN}]}, RANGE, r"points\[0\].bpm"),
    (MAP, {"points": [{"quarter": 0, "bpm": 0}]}, RANGE, r"points\[0\]"),
    (MAP, {"points": [{"quarter": 0, "bpm": 120}], "tempo": 1}, RANGE, "unknown field 'tempo'"),
    (SWITCHES, {"a": 1, "b": 2, "c": 3}, RANGE, "at most 2 entries, got 3"),
    (SWITCHES, [], TYPE, "must be an object"),
    (SWITCHES, {"a": [1]}, TYPE, "'a' must be a plain value, got a list of 1"),
    (SWITCHES, {"a": None}, TYPE, "plain value"),
    (SWITCHES, {"a": NAN}, RANGE, "'a' must be finite"),
    (SWITCHES, {"a": HUGE}, RANGE, "'a' is too large"),
    (SWITCHES, {"a": "\ud800"}, RANGE, "not valid Unicode"),
    (SWITCHES, {"a": "x" * 2001}, RANGE, "characters long"),
    (SWITCHES, {"\x00": 1}, RANGE, "control characters"),
    (SWITCHES, {"x" * 65: 1}, RANGE, "characters long"),
    (SWITCHES, '{"a": NaN}', RANGE, "must be finite"),
]


@pytest.mark.parametrize(("kind", "given", "error", "words"), REFUSED, ids=kinds.shown)
def test_refused(kind, given, error, words):
    with pytest.raises(error) as raised:
        kind.read(given)
    assert re.search(words, str(raised.value)), str(raised.value)
    assert type(raised.value) is error


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: type(kind).__name__)
def test_what_is_written_reads_as_the_same_value(kind):
    @FEW
    @given(values(kind))
    def check(value):
        read = kind.read(value)
        assert kind.read(kind.write(read)) == read
        jsonschema.validate(kind.write(read), kind.schema())

    check()


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: type(kind).__name__)
def test_anything_else_is_a_type_or_value_error(kind):
    plain = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=4)
    )
    anything = st.recursive(
        plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=5
    )

    @FEW
    @given(anything)
    def check(value):
        with contextlib.suppress(TypeError, ValueError):
            kind.read(value)

    check()


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: type(kind).__name__)
def test_each_kind_says_what_it_takes(kind):
    assert kind.describe()
    assert set(kind.osc.split()) <= set("ifshTF")
    jsonschema.Draft202012Validator.check_schema(kind.schema())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (HUGE, "a number of 16610 bits"),
        ([1, 2], "a list of 2"),
        ({"a": 1}, "a table of 1"),
        ("x" * 100, "'" + "x" * 76 + "..."),
        (True, "True"),
        ("a\x00", "'a\\x00'"),
    ],
    ids=kinds.shown,
)
def test_error_messages_quote_briefly(value, words):
    assert kinds.shown(value) == words
