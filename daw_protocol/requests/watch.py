"""Requests for monitoring: panels, control surfaces and scripts that display activity."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Flag, Whole
from daw_protocol.message import value
from daw_protocol.requests.request import Request


@dataclass(frozen=True, kw_only=True)
class Watch(Request):
    """Subscribe to everything: all jobs' replies, `focus`, `chosen`. A WebSocket stays subscribed until it closes."""

    on: bool = value(Flag(), "off: only your own jobs again", True)


@dataclass(frozen=True, kw_only=True)
class ShowFocus(Request):
    """The shared context: the song, grid and selection sent last by any client, in samples."""


@dataclass(frozen=True, kw_only=True)
class ListSongs(Request):
    """Audio files in the server's folders, newest first."""

    limit: int = value(Whole(1, 1000), "how many at most", 200)
