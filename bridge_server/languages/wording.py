"""What goes out to a client, in its language. Codes, names, ids and a producer's own words stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from bridge_server.languages.installed import catalogue_of
from daw_protocol.errors import ProtocolError
from daw_protocol.replies import Reply

WORDED = frozenset(
    (
        "about", "advice", "cannot", "detail", "error", "follows", "found", "hint", "limits", "message", "note",
        "notes",
        "problem", "problems", "reason", "reasons", "remedy", "sentence", "stage", "warning", "warnings", "words",
    )
)  # fmt: skip
"""Fields of replies and results that hold sentences."""
ALSO_IN_REPLIES = "text"
"""There it is the server's; in results it is a prompt as it was typed."""

AnyReply = TypeVar("AnyReply", bound=Reply)


def text_in(text: str, language: str) -> str:
    """A sentence in a language; as it is where that has no words for it."""
    catalogue = catalogue_of(language)
    return text if catalogue is None else catalogue.translate(text)


def label_in(text: str, language: str) -> str:
    """What stands by itself, such as the heading of a column. A single word is looked up in brackets: without, it would
    be taken for the name of a field in every sentence that has one filled in."""
    key = f"[{text}]" if text.isalpha() else text
    found = text_in(key, language)
    return text if found == key else found


def error_in(error: ProtocolError, language: str) -> ProtocolError:
    """The same error, its sentence and remedy in a language."""
    if catalogue_of(language) is None:
        return error
    return ProtocolError(
        error.code, text_in(error.sentence, language), text_in(error.remedy, language), error.field
    )


def reply_in(reply: AnyReply, language: str) -> AnyReply:
    """The same reply, its sentences in a language."""
    if catalogue_of(language) is None:
        return reply
    changed = {
        name: text_in(given, language)
        for name in (*WORDED, ALSO_IN_REPLIES)
        if isinstance(given := getattr(reply, name, None), str) and given
    }
    return reply.evolve(**changed) if changed else reply


def values_in(value: Any, language: str) -> Any:
    """JSON values, the sentences in fields for sentences in a language."""
    return value if catalogue_of(language) is None else _values(value, language, worded=False)


def _values(value: Any, language: str, worded: bool) -> Any:
    if isinstance(value, str):
        return text_in(value, language) if worded else value
    if isinstance(value, Mapping):
        return {name: _values(given, language, worded or name in WORDED) for name, given in value.items()}
    if isinstance(value, (list, tuple)):
        return [_values(given, language, worded) for given in value]
    return value
