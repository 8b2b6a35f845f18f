"""Each plain kind of value as a table: what is accepted and as what, what is refused in which words."""

import math

import pytest

from daw_protocol import fields as kinds
from tests.daw_protocol import kinds_of_value
from tests.daw_protocol.kinds_of_value import HUGE

NAN, INF = math.nan, math.inf

TEXT = kinds.Text(8, 1)
WHOLE = kinds.Whole(-5, 2**53)
REAL = kinds.Real(-1, 1000)
FLAG = kinds.Flag()
CHOICE = kinds.Choice(("queued", "running"))
NAMES = kinds.Names(3)
TEXTS = kinds.Texts(2)
SWITCHES = kinds.Switches(2)
FILE_NAME = kinds.FileName(9, 1)
ALL = (TEXT, WHOLE, REAL, FLAG, CHOICE, NAMES, TEXTS, SWITCHES, FILE_NAME)

ACCEPTED = [
    (TEXT, "a\tb\nc", "a\tb\nc"),
    (TEXT, "a\r\nb\rc\n\r\n", "a\nb\nc\n\n"),  # line ends of Windows and of old Macs
    (TEXT, 17, "17"),  # what was typed as a number may have been meant as a name
    (TEXT, "日本🎵", "日本🎵"),
    (
        FILE_NAME,
        "a\rb\r\nc.w",
        "a\rb\r\nc.w",
    ),  # a disk may have it, and has another file with other line ends
    (FILE_NAME, "\x1b\x07\x7f\x9b", "\x1b\x07\x7f\x9b"),
    (FILE_NAME, 17.0, "17"),
    (SWITCHES, {"lora": "a\rb.safetensors"}, {"lora": "a\rb.safetensors"}),
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
    (FLAG, "1.0", True),
    (FLAG, "0,0", False),
    (TEXT, 17.0, "17"),
    (TEXT, -2.0, "-2"),
    (WHOLE, "3,0", 3),
    (WHOLE, "3.0", 3),
    (REAL, "0,25", 0.25),
    (REAL, " 120,5 ", 120.5),
    (CHOICE, " Queued ", "queued"),
    (NAMES, "Vocals, drums,", ("vocals", "drums")),
    (NAMES, ["Vocals", "drums "], ("vocals", "drums")),
    (NAMES, "", ()),
    (TEXTS, ["a", "b"], ("a", "b")),
    (TEXTS, "a", ("a",)),
    (TEXTS, "a,b", ("a", "b")),
    (TEXTS, "", ()),
    (TEXTS, '["a, b", ""]', ("a, b", "")),
    (TEXTS, "[a", ("[a",)),
    (SWITCHES, {"guidance": 2.5, "sampler": "ode"}, {"guidance": 2.5, "sampler": "ode"}),
    (SWITCHES, '{"steps": 8}', {"steps": 8}),
]


@pytest.mark.parametrize(("kind", "given", "read"), ACCEPTED, ids=kinds.shown)
def test_accepted(kind, given, read):
    kinds_of_value.is_read_as(kind, given, read)


TYPE, RANGE = TypeError, ValueError
REFUSED = [
    (TEXT, None, TYPE, "must be text"),
    (TEXT, True, TYPE, "must be text"),
    (TEXT, 1.5, TYPE, "must be text"),
    (TEXT, 2.0**24 + 2, RANGE, "may have been rounded"),
    (TEXT, NAN, TYPE, "must be text"),
    (REAL, "1,200", RANGE, "comma"),
    (REAL, "1_0", TYPE, "must be a number"),
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
    (WHOLE, NAN, TYPE, "whole number, got NaN"),
    (WHOLE, INF, TYPE, "whole number, got infinity"),
    (WHOLE, "nan", TYPE, "whole number, got 'nan'"),
    (WHOLE, "9" * 5000, RANGE, "must be -5 to 9007199254740992, got '9{76}"),
    (WHOLE, "-1e400", RANGE, "got '-1e400'"),
    (WHOLE, "0x10", TYPE, "got '0x10'"),
    (WHOLE, "1_0", TYPE, "got '1_0'"),
    (WHOLE, None, TYPE, "got null"),
    (WHOLE, -6, RANGE, "must be -5 to 9007199254740992, got -6"),
    (WHOLE, 2**64, RANGE, "must be"),
    (WHOLE, HUGE, RANGE, "a number of 5001 digits"),
    (WHOLE, -HUGE, RANGE, "a number of 5001 digits"),
    (WHOLE, 1e300, RANGE, "must be"),
    (WHOLE, [3], TYPE, "a list of 1"),
    (REAL, True, TYPE, "must be a number, got true"),
    (REAL, "fast", TYPE, "must be a number"),
    (REAL, NAN, RANGE, "must be -1 to 1000, got NaN"),
    (REAL, "nan", RANGE, "got 'nan'"),
    (REAL, INF, RANGE, "got infinity"),
    (REAL, -INF, RANGE, "got -infinity"),
    (REAL, "1e999", RANGE, "got '1e999'"),
    (REAL, "9" * 5000, RANGE, "got '9{76}"),
    (REAL, HUGE, RANGE, "a number of 5001 digits"),
    (REAL, 1000.001, RANGE, "must be -1 to 1000"),
    (FLAG, 2, TYPE, "true or false"),
    (FLAG, "maybe", TYPE, "true or false"),
    (FLAG, NAN, TYPE, "true or false"),
    (FLAG, "9" * 5000, TYPE, "got '9{76}"),
    (FLAG, None, TYPE, "true or false"),
    (CHOICE, "done", RANGE, "one of queued, running, got 'done'"),
    (CHOICE, 1, TYPE, "one of queued, running"),
    (NAMES, 5, TYPE, "list of names"),
    (NAMES, ["a", 5], TYPE, "list of names"),
    (NAMES, "a,b,c,d", RANGE, "at most 3 names, got 4"),
    (NAMES, "drums, Drums", RANGE, "repeat a name, got drums, drums"),
    (NAMES, ["a,b"], RANGE, "commas"),
    (NAMES, [""], RANGE, "1 to 64 characters"),
    (NAMES, ["a\x00"], RANGE, "control characters"),
    (TEXTS, ["a"] * 3, RANGE, "at most 2 texts"),
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
    (SWITCHES, '{"a": NaN}', RANGE, "NaN is not JSON"),
]


@pytest.mark.parametrize(("kind", "given", "error", "words"), REFUSED, ids=kinds.shown)
def test_refused(kind, given, error, words):
    kinds_of_value.is_refused(kind, given, error, words)


@pytest.mark.parametrize("kind", ALL, ids=kinds_of_value.name)
def test_each_kind_keeps_its_promises(kind):
    kinds_of_value.keeps_its_promises(kind)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (HUGE, "a number of 5001 digits"),
        (10**40 - 1, "a number of 40 digits"),
        (-(10**40), "a number of 41 digits"),
        ([1, 2], "a list of 2"),
        ({"a": 1}, "a table of 1"),
        ("x" * 100, "'" + "x" * 76 + "..."),
        (True, "true"),
        (None, "null"),
        (-INF, "-infinity"),
        (0.5, "0.5"),
        ("a\x00", "'a\\x00'"),
    ],
    ids=kinds.shown,
)
def test_error_messages_quote_briefly(value, words):
    assert kinds.shown(value) == words
