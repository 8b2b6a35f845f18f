"""Files of the store for GET: those of each take, stored songs by their digest, and exported projects."""

from __future__ import annotations

import asyncio
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bridge_server.endpoints.http.file_response import file_response
from bridge_server.endpoints.http.refusals import nothing_at, refusal
from bridge_server.handlers.exports import FOLDER
from bridge_server.handlers.response import TakeFile
from bridge_server.handlers.take_files import NAMES, WAV, take_file
from clip_store.errors import ClipStoreError
from clip_store.store import ClipStore
from daw_protocol.errors import ProtocolError

FILES = {name: what for what, name in NAMES.items()}
OF_EXPORTS = {".rpp": "text/plain; charset=utf-8", ".mid": "audio/midi", ".wav": WAV}


class StoreFiles:
    """Streams what the store holds."""

    def __init__(self, store: ClipStore) -> None:
        self._store = store

    async def take(self, request: Request) -> Response:
        """`/takes/ID/clip.wav`, `handles.wav`, `song.wav`, `picture.png`, `recipe.json`, or an attachment's name."""
        name = request.path_params["name"]
        try:
            file = await take_file(
                self._store, request.path_params["take"], FILES.get(name, "attachment"), name
            )
            return await file_response(request, file)
        except (ProtocolError, ClipStoreError, OSError) as error:
            return missing(error)

    async def audio(self, request: Request) -> Response:
        """`/audio/DIGEST.wav`: the song or clip a request calls `audio:DIGEST`."""
        digest = request.path_params["digest"]
        try:
            wave = await asyncio.to_thread(self._store.blobs.wave, digest)
            file = TakeFile(WAV, wave.path, f"{digest[:12]}.wav", digest)
            return await file_response(request, file, immutable=True)
        except (ClipStoreError, OSError, ValueError) as error:
            return missing(error)

    async def export(self, request: Request) -> Response:
        """`/exports/PATH`: a file of an export in the store's own folder."""
        try:
            path = await asyncio.to_thread(self._exported, request.path_params["path"])
            if path is None:
                return nothing_at(request.scope["path"])
            guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            file = TakeFile(
                OF_EXPORTS.get(path.suffix.lower(), guessed), path, path.name, state_of_file(path)
            )
            return await file_response(request, file)
        except OSError as error:
            return missing(error)

    def _exported(self, name: str) -> Path | None:
        """The file, unless the name or a link on the way leads outside the folder."""
        folder = (self._store.root / FOLDER).resolve()
        try:
            path = (folder / name).resolve()
        except (OSError, ValueError, RuntimeError):  # too long, no name at all, links in a circle
            return None
        return path if path.is_relative_to(folder) and path.is_file() else None


def state_of_file(path: Path) -> str:
    """Differs whenever the file does. Raises OSError."""
    status = path.stat()
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"


def missing(error: Exception) -> Response:
    """404 for what a take or the store does not have."""
    if isinstance(error, ProtocolError):
        return refusal(error, 404)
    if isinstance(error, ClipStoreError):
        return PlainTextResponse(f"{error}\n", 404)
    return PlainTextResponse("The file is no longer there.\n", 404)
