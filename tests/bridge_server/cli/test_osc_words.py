"""Words become the values that people mean, and messages words that every shell takes."""

import shlex

import pytest

from bridge_server.cli.osc_words import as_typed, forced, guessed
from bridge_server.endpoints.osc_packets import encode_typed
from daw_protocol.errors import ErrorCode
from daw_protocol.osc_packet import messages_in
from tests.refusals import refusal


@pytest.mark.parametrize(
    ("word", "tag", "value"),
    [
        ("17", "i", 17),
        ("-6", "i", -6),
        ("3000000000", "h", 3_000_000_000),
        ("0.5", "f", 0.5),
        ("-.25", "f", -0.25),
        ("1e3", "f", 1000.0),
        ("9" * 30, "s", "9" * 30),
        ("17-20", "s", "17-20"),
        ("17|1|0", "s", "17|1|0"),
        ("4/4", "s", "4/4"),
        ("12.5s", "s", "12.5s"),
        ("1_000", "s", "1_000"),
        ("inf", "s", "inf"),
        ("\u0661", "s", "\u0661"),
        ("", "s", ""),
        ("F# minor", "s", "F# minor"),
    ],
)
def test_types_are_guessed_as_people_write(word, tag, value):
    assert guessed([word]) == [(tag, value)]
    (message,) = messages_in(encode_typed("/x", guessed([word])))
    assert message.values == (value,)


def test_types_can_be_forced():
    values = forced("sdTN", ["17", "0.1"])
    assert values == [("s", "17"), ("d", 0.1), ("T", True), ("N", None)]
    (message,) = messages_in(encode_typed("/x", values))
    assert message.values == ("17", 0.1, True, None)


@pytest.mark.parametrize(
    ("types", "words", "named"),
    [
        ("q", ["1"], "'q'"),
        ("ii", ["1"], "2 values"),
        ("i", ["one"], "'one'"),
        ("i", ["3000000000"], "type i"),
    ],
)
def test_types_that_do_not_fit_are_refused(types, words, named):
    error = refusal(lambda: forced(types, words))
    assert error.code is ErrorCode.WRONG_TYPE
    assert named in error.sentence


def test_a_message_is_written_as_it_can_be_typed():
    words = as_typed("/bridge/select", ["17|1|0", 96_000, 'say "oh"'], port=9124)
    assert words == 'takebridge send --port 9124 /bridge/select "17|1|0" 96000 "say \\"oh\\""'
    assert shlex.split(words)[5:] == ["17|1|0", "96000", 'say "oh"']
