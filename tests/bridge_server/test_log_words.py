"""What a line of the log says of an error, and what it keeps back."""

from __future__ import annotations

import errno
import logging
import sqlite3

import pytest

from bridge_server.log_words import HIDDEN, Private, message_of, public_words, traceback_text
from daw_protocol.errors import ErrorCode, ProtocolError

SECRET = "zanzibar moon"


def record(message, *arguments, name="bridge_server.part"):
    return logging.LogRecord(name, logging.INFO, __file__, 1, message, arguments, None)


def failing():
    try:
        int(SECRET)
    except ValueError as error:
        raise KeyError(SECRET) from error


def caught(function):
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("it did not fail")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ProtocolError(ErrorCode.OUT_OF_RANGE, SECRET, SECRET, "bpm"), "out_of_range (bpm)"),
        (ProtocolError(ErrorCode.UNKNOWN_FIELD, SECRET, SECRET, SECRET), "unknown_field"),
        (ProtocolError(ErrorCode.WRONG_TYPE, SECRET, "", "zanzibar"), "wrong_type"),
        (
            OSError(errno.ENOSPC, "No space left on device", f"/songs/{SECRET}"),
            "OSError: No space left on device",
        ),
        (OSError(SECRET), "OSError"),
        (sqlite3.OperationalError("database is locked"), "OperationalError: database is locked"),
        (ValueError(SECRET), "ValueError"),
    ],
)
def test_an_error_is_named_and_not_quoted(error, words):
    assert public_words(error) == words


def test_arguments_that_are_private_are_kept_back():
    assert message_of(record("%s of %s", Private(SECRET), "j1"), words=False) == f"{HIDDEN} of j1"
    assert message_of(record("%s", Private(SECRET, "a song")), words=False) == "a song"
    assert message_of(record("job %s: %s", "j1", ValueError(SECRET)), words=False) == "job j1: ValueError"
    assert message_of(record("%(a)s", {"a": Private(SECRET)}), words=False) == HIDDEN
    assert message_of(record("100 %"), words=False) == "100 %"


def test_whoever_asks_for_them_gets_the_words():
    assert message_of(record("%s: %s", Private(SECRET), ValueError("no")), words=True) == f"{SECRET}: no"
    assert SECRET in traceback_text(caught(failing), words=True)


def test_libraries_are_not_trusted_with_words():
    """asyncio puts the repr of a task and of its error into its sentence."""
    said = message_of(
        record(f"Task exception was never retrieved\nfuture: {SECRET!r}", name="asyncio"), False
    )
    assert said == "Task exception was never retrieved"
    assert message_of(record("bad tag %s", SECRET, name="PIL.Image"), False) == "bad tag %s"
    said = message_of(record(f"Exception in callback f('{SECRET}')", name="asyncio"), False)
    assert said == "Exception in callback f"


def test_a_traceback_says_where_and_not_what():
    text = traceback_text(caught(failing))
    assert SECRET not in text
    assert text.index("\nValueError\n") < text.index("This led to:") < text.rindex("in failing")
    assert text.endswith("\nKeyError")


def test_a_group_names_each_of_its_errors():
    def several():
        raise ExceptionGroup(SECRET, [caught(failing), OSError(errno.EIO, "Input/output error")])

    text = traceback_text(caught(several))
    assert SECRET not in text
    assert "OSError: Input/output error" in text
    assert "KeyError" in text


def test_errors_that_cause_each_other_end():
    first, second = ValueError(SECRET), KeyError(SECRET)
    first.__cause__, second.__cause__ = second, first
    assert traceback_text(first).count("Error") == 2
