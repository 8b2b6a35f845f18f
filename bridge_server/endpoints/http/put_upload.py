"""`PUT /uploads/NAME`: an audio file in one request, as `curl -T` sends it; it becomes a source for requests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from bridge_server.endpoints.http.bodies import blocks, length_of
from bridge_server.endpoints.http.pages import as_json
from bridge_server.endpoints.http.refusals import refusal
from bridge_server.endpoints.uploads import Upload
from bridge_server.settings import Settings
from bridge_server.songs.song_reader import SongReader
from clip_store.blobs import BlobStore
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.message import entries, read_value
from daw_protocol.requests import BeginUpload


class NameConvertor(Convertor[str]):
    """`{name:upload_name}` in a route: any name, with slashes and line breaks too, which is then read as one of
    `upload.begin` is."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("upload_name", NameConvertor())


@dataclass(frozen=True)
class PutFile:
    """A file as its request announces it."""

    name: str
    size: int
    sha256: str = ""


class PutUpload:
    """Streams a body to the disk, and answers with the source it has become."""

    def __init__(self, settings: Settings, blobs: BlobStore, reader: SongReader) -> None:
        self._folder = settings.store / "scratch"
        self._limits = settings.limits
        self._blobs = blobs
        self._reader = reader

    async def respond(self, request: Request) -> Response:
        """201 with `source`, `bytes`, `sha256`, and a `note` where the file was odd.

        The query may have the SHA-256 to be checked.
        """
        try:
            upload = Upload(announced_in(request), self._folder, self._limits.upload_bytes)
        except ProtocolError as error:
            return refusal(error, 411 if length_of(request) is None else None)
        try:
            async for block in blocks(request):
                await asyncio.to_thread(upload.write, block)
            source = await asyncio.to_thread(upload.keep, self._blobs, self._limits.song_seconds)
            self._reader.remember_upload(
                source, upload.announced.name, upload.received, upload.stamp, upload.tags
            )
            answer = {"source": source, "bytes": upload.received, "sha256": upload.sha256}
            return as_json(answer | ({"note": upload.note} if upload.note else {}), 201)
        except ProtocolError as error:
            return refusal(error)
        finally:
            upload.close()


def announced_in(request: Request) -> PutFile:
    """Name, length and digest of the file. Raises ProtocolError."""
    try:
        # The same names as over WebSocket: those that any other way in takes.
        name = read_value("name", entries(BeginUpload)["name"].metadata["kind"], request.path_params["name"])
    except ProtocolError as error:
        remedy = "Rename it, or send it under another name: PUT /uploads/song.wav."
        raise ProtocolError(error.code, error.sentence, remedy, error.field) from error
    size = length_of(request)
    if not size:
        raise ProtocolError(
            ErrorCode.BAD_UPLOAD,
            f"{name} has no length." if size is None else f"{name} is empty.",
            "Send a file, not a pipe: the request needs a Content-Length.",
        )
    return PutFile(name, size, request.query_params.get("sha256", ""))
