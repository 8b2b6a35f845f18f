import json

import pytest

from daw_protocol.errors import MAX_FIELD, MAX_SENTENCE, ErrorCode, ProtocolError, sendable


def test_an_error_reads_as_one_line_for_people():
    error = ProtocolError(ErrorCode.OUT_OF_RANGE, "bpm: must be 5 to 1000.", "Send another.", "bpm")
    assert str(error) == "bpm: must be 5 to 1000. Send another."
    assert (error.code, error.sentence, error.remedy, error.field) == (
        ErrorCode.OUT_OF_RANGE,
        "bpm: must be 5 to 1000.",
        "Send another.",
        "bpm",
    )


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("a\x00b\x07c\rd", "a?b?c?d"),
        ("C1 \x9b2J, DEL \x7f, \u2028 and \u202eturned\u2069", "C1 ?2J, DEL ?, ? and ?turned?"),
        ("\U0001f469\u200d\U0001f3a4 keeps its joiner", "\U0001f469\u200d\U0001f3a4 keeps its joiner"),
        ("half \ud800 a pair", "half ? a pair"),
        ("file-\udcff.wav", "file-?.wav"),
        ("日本 🎵", "日本 🎵"),
    ],
)
def test_texts_that_quote_what_was_sent_can_be_sent_back(given, sent):
    error = ProtocolError(ErrorCode.BAD_MESSAGE, given, given, given)
    assert [error.sentence, error.remedy, error.field] == [sent] * 3
    json.dumps(error.sentence, ensure_ascii=False).encode("utf-8")


def test_long_texts_are_cut_and_say_so():
    error = ProtocolError(ErrorCode.BAD_MESSAGE, "x" * 5000, "y" * 5000, "z" * 5000)
    assert (len(error.sentence), len(error.remedy), len(error.field)) == (
        MAX_SENTENCE,
        MAX_SENTENCE,
        MAX_FIELD,
    )
    assert error.sentence.endswith("…")
    assert sendable("x" * MAX_FIELD, MAX_FIELD) == "x" * MAX_FIELD


def test_codes_are_words_a_program_can_compare():
    values = [code.value for code in ErrorCode]
    assert len(set(values)) == len(values)
    assert all(value.replace("_", "").isalpha() and value == value.lower() for value in values)
