"""Requests of those who look on: panels, control surfaces, scripts that show what goes on."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Flag, Whole
from daw_protocol.message import value
from daw_protocol.requests.request import Request


@dataclass(frozen=True, kw_only=True)
class Watch(Request):
    """Hear of everything: every job's replies, `focus`, `chosen`; a WebSocket until it closes."""

    on: bool = value(Flag(), "off: hear only of one's own jobs again", True)


@dataclass(frozen=True, kw_only=True)
class ShowFocus(Request):
    """The song, grid and selection that were last spoken of by anybody, in samples: what a panel shows."""


@dataclass(frozen=True, kw_only=True)
class ListSongs(Request):
    """Audio files in the server's folders, newest first."""

    limit: int = value(Whole(1, 1000), "how many at most", 200)
