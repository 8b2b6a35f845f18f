"""Pages for HTTP GET: the panel, the schema, the OSCQuery tree, waveforms, and the files of each take."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bridge_server.endpoints.http.panel_files import INDEX, PREFIX, panel_file
from bridge_server.endpoints.http.reapack import PREFIX as REAPER
from bridge_server.endpoints.http.reapack import reaper_script
from bridge_server.endpoints.http.waveforms import Waveforms
from bridge_server.endpoints.oscquery_values import LiveValues
from bridge_server.handlers.response import TakeFile
from bridge_server.handlers.take_files import take_file
from bridge_server.settings import EVERYWHERE, Settings
from bridge_server.version import MADE_BY
from clip_store.errors import ClipStoreError
from clip_store.store import ClipStore
from daw_protocol import oscquery
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.schema import whole_schema

WAV = "audio/wav"
JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
DRAWN = ("/peaks/", "/samples/", "/spectrogram/")


@dataclass(frozen=True)
class Page:
    """One answer: HTTP status, media type, and a body or a file; immutable: it may be kept."""

    status: int
    media_type: str
    body: bytes = b""
    file: TakeFile | None = None
    immutable: bool = False

    @property
    def size(self) -> int:
        """Of the whole body, in bytes."""
        return len(self.body) if self.file is None else self.file.size


class Pages:
    """Answers GET requests. Reading and drawing happen in threads."""

    def __init__(self, settings: Settings, store: ClipStore, live: LiveValues) -> None:
        self._settings = settings
        self._live = live
        self._store = store
        self._waveforms = Waveforms(store.blobs, store.peaks)

    async def get(self, target: str, accept: str) -> Page:
        """The page at this request target (path and query)."""
        split = urlsplit(target)
        path = unquote(split.path)
        asked = [name for name in parse_qs(split.query, keep_blank_values=True) if name not in OURS]
        if "HOST_INFO" in asked:
            return as_json(self._host_info())
        if path == "/schema.json":
            return as_json(whole_schema())
        if path == "/" and "text/html" in accept and not set(asked) & set(oscquery.ATTRIBUTES):
            return await asyncio.to_thread(panel_page, INDEX)
        if path.startswith(PREFIX):
            return await asyncio.to_thread(panel_page, path.removeprefix(PREFIX))
        if path.startswith(REAPER):
            return await asyncio.to_thread(self._reaper_page, path.removeprefix(REAPER))
        if path.startswith(DRAWN):
            return await asyncio.to_thread(self._drawing, path, parse_qs(split.query))
        if path.startswith("/takes/"):
            return await self._take_page(path)
        node = oscquery.node_at(path, await self._live.now())
        if node is not None:
            return oscquery_page(node, asked)
        return Page(404, PLAIN, f"There is nothing at {path[:200]}.\n".encode())

    def _reaper_page(self, name: str) -> Page:
        found = reaper_script(name, self._settings.websocket_port)
        if found is None:
            return Page(404, PLAIN, f"There is no script {name[:80]}.\n".encode())
        return Page(200, *found)

    def _drawing(self, path: str, query: Mapping[str, list[str]]) -> Page:
        try:
            media_type, body = self._waveforms.get(path, query)
        except ProtocolError as error:
            status = 400 if error.code is ErrorCode.OUT_OF_RANGE else 404
            return Page(status, PLAIN, f"{error}\n".encode())
        return Page(200, media_type, body, immutable=True)

    def _host_info(self) -> dict[str, Any]:
        settings = self._settings
        host = "" if settings.host in EVERYWHERE else settings.host
        return oscquery.host_info(MADE_BY, settings.osc_port, settings.websocket_port, host)

    async def _take_page(self, path: str) -> Page:
        """`/takes/ID/clip.wav`, `handles.wav`, `song.wav`, `picture.png`, `recipe.json`, or an attachment's name."""
        parts = path.split("/")
        if len(parts) != 4:
            return Page(404, PLAIN, b"Use /takes/ID/clip.wav.\n")
        what = FILES.get(parts[3], "attachment")
        try:
            file = await take_file(self._store, parts[2], what, parts[3])
        except (ProtocolError, ClipStoreError) as error:
            return Page(404, PLAIN, f"{error}\n".encode())
        return Page(200, file.media_type, file=file)


# Query parameters that are not OSCQuery attributes.
OURS = ("token", "client")

FILES = {
    "clip.wav": "clip",
    "handles.wav": "handles",
    "song.wav": "song",
    "picture.png": "picture",
    "recipe.json": "recipe",
}


def oscquery_page(node: Mapping[str, Any], asked: Sequence[str]) -> Page:
    """The whole node, or the attributes asked for, with the status the OSCQuery proposal gives."""
    if not asked:
        return as_json(node)
    query, found = oscquery.attributes_of(node, asked)
    if query is oscquery.Query.INAPPROPRIATE:
        return Page(query.value, JSON, b"")
    if query is oscquery.Query.BAD:
        known = ", ".join((*oscquery.ATTRIBUTES, "HOST_INFO"))
        return Page(query.value, PLAIN, f"Known attributes are {known}.\n".encode())
    return as_json(found)


def as_json(value: Any) -> Page:
    return Page(200, JSON, json.dumps(value, ensure_ascii=False, indent=1).encode())


def panel_page(name: str) -> Page:
    """The panel, or one of its parts."""
    found = panel_file(name)
    if found is None:
        return Page(404, PLAIN, f"The panel has no {name[:80]}.\n".encode())
    return Page(200, *found)


def hello(settings: Settings, admitted: bool) -> Page:
    """Public information: that this is Takebridge, whether a token is needed, and whether the given one is valid."""
    return as_json({"name": MADE_BY, "token_needed": bool(settings.token), "admitted": admitted})
