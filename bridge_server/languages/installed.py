"""The languages there are: English, which the program is written in, and one file each for the others."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bridge_server.languages.catalogue import Catalogue
from daw_protocol.errors import ErrorCode, ProtocolError

ENGLISH = "en"
FOLDER = Path(__file__).parent
SECTIONS = ("sentences", "panel", "system", "vocabulary")
"""Of a file: what the program says; what only the panel says; what operating systems and Python say; the names of stems
and layers, which engines bring."""
_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")
_MAX_PREFERRED = 20


@cache
def installed_languages() -> tuple[str, ...]:
    """Their tags (BCP 47), English first."""
    return (ENGLISH, *sorted(path.stem for path in FOLDER.glob("*.json")))


@cache
def language_file(language: str) -> Mapping[str, Any]:
    """What the language's file holds. Raises KeyError for English, and for a language there is not."""
    if language not in installed_languages()[1:]:
        raise KeyError(language)
    found: Mapping[str, Any] = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found


@cache
def catalogue_of(language: str) -> Catalogue | None:
    """The table for what the server says; None for English."""
    if language == ENGLISH:
        return None
    file = language_file(language)
    return Catalogue({**file["system"], **file["sentences"]})


def language_named(given: str) -> str | None:
    """The language of a tag such as "ko" or "ko-KR"; None where there is none."""
    if not _TAG.fullmatch(given):
        return None
    main = re.split(r"[-_]", given, maxsplit=1)[0].lower()
    return main if main in installed_languages() else None


def checked_language(given: str) -> str:
    """Raises ProtocolError for a language there is not."""
    found = language_named(given)
    if found is None:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"There is no language {given[:40]!r}.",
            f"Use one of: {', '.join(installed_languages())}.",
            "language",
        )
    return found


def preferred_language(header: str) -> str | None:
    """The language there is that an Accept-Language header (RFC 9110, 12.5.4) likes best; None for none of them."""
    wanted: list[tuple[float, int, str]] = []
    for number, part in enumerate(header.split(",")[:_MAX_PREFERRED]):
        tag, _, weight = part.strip().partition(";")
        found = language_named(tag.strip())
        if found is not None:
            wanted.append((-_weight(weight), number, found))
    return next((tag for weight, _, tag in sorted(wanted) if weight < 0), None)


def _weight(text: str) -> float:
    """Of `q=0.8`; 1 where there is none, 0 where it cannot be read."""
    name, _, given = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        return min(1.0, max(0.0, float(given))) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
