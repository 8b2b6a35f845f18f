"""What is asked for as a project for another DAW. One frozen type, that checks itself when built."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Choice, Text
from daw_protocol.message import value
from daw_protocol.requests.request import Request

EXPORT_FORMATS = ("dawproject", "rpp", "aaf", "midi", "wav")


@dataclass(frozen=True, kw_only=True)
class Export(Request):
    """A take in its song, or a song with all its takes, as a project for another DAW."""

    what: str = value(Choice(("take", "song")), "whether `name` is a take or a song")
    name: str = value(Text(128, 1), "the take's id; the song's digest (or how it begins) or title")
    format: str = value(
        Choice(EXPORT_FORMATS), "the kind of file: docs/exports.md tells what each can carry", "dawproject"
    )
    folder: str = value(
        Text(1024), "where to, inside one of the server's folders; one of the store's own when not given", ""
    )
