"""Pages for HTTP GET: the panel, the schema, the OSCQuery tree, waveforms and the scripts for REAPER."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bridge_server.endpoints.http.callers import admitted, target_of
from bridge_server.endpoints.http.file_response import IMMUTABLE, KEPT_AND_ASKED_FOR
from bridge_server.endpoints.http.panel_files import page_in, panel_file, panel_page
from bridge_server.endpoints.http.ranges import is_same
from bridge_server.endpoints.http.reapack import reaper_script
from bridge_server.endpoints.http.refusals import nothing_at, refusal
from bridge_server.endpoints.http.waveforms import Waveforms
from bridge_server.endpoints.oscquery_values import LiveValues
from bridge_server.languages.installed import ENGLISH, language_named, preferred_language
from bridge_server.settings import EVERYWHERE, Settings
from bridge_server.version import MADE_BY
from clip_store.store import ClipStore
from daw_protocol import oscquery
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.schema import whole_schema

JSON = "application/json"

# Query parameters that are not OSCQuery attributes.
OURS = ("token", "client", "language")


class Pages:
    """Answers GET and HEAD. Reading and drawing happen in threads."""

    def __init__(self, settings: Settings, store: ClipStore, live: LiveValues) -> None:
        self._settings = settings
        self._live = live
        self._waveforms = Waveforms(store.blobs, store.peaks)

    async def schema(self, _: Request) -> Response:
        return as_json(whole_schema())

    async def hello(self, request: Request) -> Response:
        """Public: that this is Takebridge, whether a token is needed, and whether the given one is valid."""
        peer = request.client.host if request.client else ""
        known = admitted(self._settings, target_of(request.scope), request.headers, peer)
        return as_json({"name": MADE_BY, "token_needed": bool(self._settings.token), "admitted": known})

    async def panel(self, request: Request) -> Response:
        """A part of the panel. A browser keeps it and asks whether it is still the same: it may have been edited."""
        name = request.path_params["name"]
        found = await asyncio.to_thread(panel_file, name)
        if found is None:
            return PlainTextResponse(f"The panel has no {name[:80]}.\n", 404)
        media_type, body = found
        tag = hashlib.blake2b(body, digest_size=16).hexdigest()
        headers = {"Cache-Control": KEPT_AND_ASKED_FOR, "ETag": f'"{tag}"'}
        if is_same(request.headers.get("If-None-Match", ""), tag):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=media_type, headers=headers)

    async def reaper(self, request: Request) -> Response:
        """A script for REAPER, or ReaPack's list of them."""
        name = request.path_params["name"]
        found = await asyncio.to_thread(reaper_script, name, self._settings.websocket_port)
        if found is None:
            return PlainTextResponse(f"There is no script {name[:80]}.\n", 404)
        media_type, body = found
        return Response(body, media_type=media_type)

    async def drawing(self, request: Request) -> Response:
        """Peaks, samples or a spectrogram of stored audio."""
        query = query_of(request)
        try:
            media_type, body = await asyncio.to_thread(self._waveforms.get, request.scope["path"], query)
        except ProtocolError as error:
            return refusal(error, 400 if error.code is ErrorCode.OUT_OF_RANGE else 404)
        return Response(body, media_type=media_type, headers={"Cache-Control": IMMUTABLE})

    async def node(self, request: Request) -> Response:
        """Every other address: the panel's page for a browser, or a node of the OSCQuery tree."""
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        path = request.scope["path"]
        asked = [name for name in query_of(request) if name not in OURS]
        if "HOST_INFO" in asked:
            return as_json(self._host_info())
        wants_html = "text/html" in request.headers.get("Accept", "")
        if path == "/" and wants_html and not set(asked) & set(oscquery.ATTRIBUTES):
            return await self._index(request)
        found = oscquery.node_at(path, await self._live.now())
        return nothing_at(path) if found is None else oscquery_page(found, asked)

    async def _index(self, request: Request) -> Response:
        """The panel's page, in the language that the address names, the server was started with, or the browser has."""
        query = language_named(request.query_params.get("language", ""))
        browser = preferred_language(request.headers.get("Accept-Language", ""))
        language = query or self._settings.language or browser or ENGLISH
        media_type, body = await asyncio.to_thread(panel_page)
        headers = {"Content-Language": language, "Vary": "Accept-Language"}
        return Response(page_in(body, language), media_type=media_type, headers=headers)

    def _host_info(self) -> dict[str, Any]:
        settings = self._settings
        host = "" if settings.host in EVERYWHERE else settings.host
        return oscquery.host_info(MADE_BY, settings.osc_port, settings.websocket_port, host)


def oscquery_page(node: Mapping[str, Any], asked: Sequence[str]) -> Response:
    """The whole node, or the attributes asked for, with the status the OSCQuery proposal gives."""
    if not asked:
        return as_json(node)
    query, found = oscquery.attributes_of(node, asked)
    if query is oscquery.Query.INAPPROPRIATE:
        return Response(status_code=query.value)
    if query is oscquery.Query.BAD:
        known = ", ".join((*oscquery.ATTRIBUTES, "HOST_INFO"))
        return PlainTextResponse(f"Known attributes are {known}.\n", query.value)
    return as_json(found)


def query_of(request: Request) -> dict[str, list[str]]:
    """The query's values by name; those without a value too."""
    return parse_qs(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)


def as_json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value, ensure_ascii=False, indent=1), status, media_type=JSON)
