"""Requests for project files for other DAWs."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Choice, Text
from daw_protocol.message import value
from daw_protocol.requests.request import Request

EXPORT_FORMATS = ("dawproject", "rpp", "aaf", "midi", "wav")


@dataclass(frozen=True, kw_only=True)
class Export(Request):
    """Export a take in its song, or a song with all its takes, as a project for another DAW."""

    what: str = value(Choice(("take", "song")), "what `name` refers to")
    name: str = value(Text(128, 1), "the take's id, or the song's title, digest or start of its digest")
    format: str = value(
        Choice(EXPORT_FORMATS), "the file format; docs/exports.md lists what each can carry", "dawproject"
    )
    folder: str = value(
        Text(1024),
        "target folder, inside one of the server's folders; the store's export folder by default",
        "",
    )
