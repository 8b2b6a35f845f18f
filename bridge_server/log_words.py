"""What a line of the log may say: never the producer's own words, unless somebody asked for them.

Errors quote what was wrong, and what was wrong may be a prompt, a line of lyrics or the name of an unreleased song. A
log is kept, copied and attached to bug reports. So an error stands there by its code or type, and a traceback without
the sentence at its end; the producer gets the sentences, as the answer to the request.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache

from daw_protocol.errors import ErrorCode, ProtocolError, without_controls

HIDDEN = "…"
OURS = ("bridge_server", "clip_store", "daw_protocol", "model")

# Where a library's ready-made sentence begins to quote.
_QUOTES = re.compile(r"[<(\[{'\"`:=\n]")


@dataclass(frozen=True)
class Private:
    """An argument of a log line that may quote the producer. public: what stands there instead."""

    text: object
    public: str = HIDDEN

    def __str__(self) -> str:
        return without_controls(str(self.text)).replace("\n", "?")  # a name must not make lines of its own


def message_of(record: logging.LogRecord, words: bool) -> str:
    """A record's sentence. words: with what it quotes.

    Our own lines mark what is private, and are taken at their word for the rest; libraries know nothing of it, so of
    theirs only the part that was written in advance is shown.
    """
    if words:
        return record.getMessage()
    if record.name.partition(".")[0] not in OURS and record.name not in ("root", "__main__"):
        return str(record.msg) if record.args else _QUOTES.split(str(record.msg), maxsplit=1)[0].strip()
    if not record.args:
        return str(record.msg)
    given = record.args
    if isinstance(given, tuple):
        return str(record.msg) % tuple(_public(one) for one in given)
    return str(record.msg) % {name: _public(one) for name, one in given.items()}


def _public(argument: object) -> object:
    if isinstance(argument, Private):
        return argument.public
    return public_words(argument) if isinstance(argument, BaseException) else argument


def public_words(error: object) -> str:
    """An error without what it quotes: its code and field, or its type and what the system says about it."""
    if isinstance(error, ProtocolError):
        known = error.code is not ErrorCode.UNKNOWN_FIELD and error.field in _field_names()
        return f"{error.code.value} ({error.field})" if known else error.code.value
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    if type(error).__module__ == "sqlite3":  # values are bound, so its sentences name tables and columns only
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


@cache
def _field_names() -> frozenset[str]:
    """The names of all fields of all commands; another name was made up by the peer."""
    from daw_protocol.addresses import COMMANDS  # not at the top: --help is quick

    return frozenset(one.name for command in COMMANDS for one in fields(command.request))


def traceback_text(error: BaseException, words: bool = False) -> str:
    """Where an error came from, causes first. words: with the sentences of the errors."""
    if words:
        return "".join(traceback.format_exception(error)).rstrip("\n")
    return "\n\n".join(_one_traceback(one, note) for one, note in _causes_first(error, set()))


def _causes_first(error: BaseException, seen: set[int]) -> Iterator[tuple[BaseException, str]]:
    """The errors that led to this one, and it itself; each with how it follows from the one before."""
    seen.add(id(error))
    cause, note = error.__cause__, "This led to:"
    if cause is None and not error.__suppress_context__:
        cause, note = error.__context__, "While that was handled:"
    if cause is not None and id(cause) not in seen:
        yield from _causes_first(cause, seen)
        yield error, note
    else:
        yield error, ""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            if id(one) not in seen:
                yield from ((part, note or "One of them:") for part, note in _causes_first(one, seen))


def _one_traceback(error: BaseException, note: str) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__))
    head = f"{note}\n\n" if note else ""
    return f"{head}Traceback (most recent call last):\n{frames}{public_words(error)}"
