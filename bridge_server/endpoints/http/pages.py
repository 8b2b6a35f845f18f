"""What a plain HTTP GET finds at the server's port: the schema, the OSCQuery tree, and the files of each take."""

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
from bridge_server.rendering.receipts import in_words
from bridge_server.settings import EVERYWHERE, Settings
from bridge_server.songs.mixdown import heard
from bridge_server.songs.take_picture import take_picture
from bridge_server.version import MADE_BY
from clip_store.audio.audio import Audio
from clip_store.audio.riff import wave_parts
from clip_store.errors import ClipStoreError, TakeError
from clip_store.store import ClipStore, file_stem, recipe_of
from clip_store.take import Take
from daw_protocol import oscquery
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.receipt import Receipt
from daw_protocol.schema import whole_schema

WAV = "audio/wav"
JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
DRAWN = ("/peaks/", "/samples/", "/spectrogram/")


@dataclass(frozen=True)
class Page:
    """One answer: HTTP status, media type, body; a file name when it is to be saved; immutable: it may be kept."""

    status: int
    media_type: str
    body: bytes
    file_name: str = ""
    immutable: bool = False


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
            return Page(404, PLAIN, b"Ask for /takes/ID/clip.wav.\n")
        what = FILES.get(parts[3], "attachment")
        try:
            return await self.take_file(parts[2], what, parts[3])
        except ProtocolError as error:
            return Page(404, PLAIN, f"{error}\n".encode())

    async def take_file(self, take_id: str, what: str, name: str = "") -> Page:
        """One file of a take. Raises ProtocolError."""
        try:
            take = self._store.index.get(take_id)
            return await asyncio.to_thread(self._make, take, what, name)
        except TakeError as error:
            raise ProtocolError(ErrorCode.UNKNOWN_TAKE, error.sentence, error.remedy, "take") from error
        except ClipStoreError as error:
            raise ProtocolError(ErrorCode.STORE_FAILED, error.sentence, error.remedy) from error

    def _make(self, take: Take, what: str, name: str) -> Page:
        title = file_stem(f"{take.title}.{take.task}.{take.number}")
        if what == "clip":
            return Page(200, WAV, self._store.clip_path(take).read_bytes(), f"{title}.wav")
        if what == "song":
            return Page(200, WAV, wave(heard(self._store, take)), f"{title}.song.wav")
        if what == "picture":
            return Page(200, "image/png", self._picture(take))
        if what == "recipe":
            return as_json(recipe_of(take))
        if what == "handles" and take.handles is not None:
            return Page(200, WAV, wave(self._store.blobs.get(take.handles)), f"{title}.handles.wav")
        for entry in take.attachments:
            if entry.name == name or (what == "attachment" and not name):
                data = self._store.blobs.get_bytes(entry.digest)
                return Page(200, entry.media_type, data, file_stem(entry.name))
        raise ProtocolError(
            ErrorCode.UNKNOWN_TAKE,
            f"Take {take.id} has no {name or what}.",
            "takes.show tells what it has.",
            "what",
        )

    def _picture(self, take: Take) -> bytes:
        receipt = Receipt.from_fields(dict(take.receipt))
        clip = self._store.blobs.get(take.audio)
        song = self._store.blobs.get(take.parent) if take.parent else None
        return take_picture(take, song, clip, in_words(receipt))


# What a query may hold beside OSCQuery's attributes.
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


def wave(audio: Audio) -> bytes:
    """The audio as a plain WAV file."""
    return b"".join(wave_parts(audio))


def as_json(value: Any) -> Page:
    return Page(200, JSON, json.dumps(value, ensure_ascii=False, indent=1).encode())


def panel_page(name: str) -> Page:
    """The panel, or one of its parts."""
    found = panel_file(name)
    if found is None:
        return Page(404, PLAIN, f"The panel has no {name[:80]}.\n".encode())
    return Page(200, *found)


def hello(settings: Settings, admitted: bool) -> Page:
    """What anybody may know: that this is a bridge, and whether a token is needed and was right."""
    return as_json({"name": MADE_BY, "token_needed": bool(settings.token), "admitted": admitted})
