"""JSON as clients write it."""

import pytest

from daw_protocol.json_text import json_reason, json_value

LONG = "9" * 5000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-12", -12),
        ("9" * 1000, int("9" * 1000)),
        ('{"seed": ' + LONG + "}", {"seed": LONG}),
        ("[-" + LONG + "]", ["-" + LONG]),
        ("1.5e3", 1500.0),
    ],
)
def test_a_whole_number_is_read_however_long_it_is(text, value):
    assert json_value(text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("NaN", "NaN is not JSON"),
        ('{"bpm": -Infinity}', "-Infinity is not JSON"),
        ("{", "line 1 column 2"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused_in_words(text, words):
    with pytest.raises((ValueError, RecursionError)) as raised:
        json_value(text)
    assert words in json_reason(raised.value)
