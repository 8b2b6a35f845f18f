"""The sound of passages for GET: one side of a take's comparison, or a song with its accepted takes, in parts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bridge_server.audition.passages import Passages, PassageWave
from bridge_server.endpoints.http.file_response import file_response
from bridge_server.endpoints.http.pages import query_of
from bridge_server.endpoints.http.refusals import nothing_at, refusal
from bridge_server.endpoints.http.store_files import missing
from bridge_server.endpoints.http.waveforms import whole
from bridge_server.handlers.response import TakeFile
from bridge_server.handlers.take_files import WAV
from clip_store.errors import ClipStoreError
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Names

SIDES = ("take.wav", "original.wav")
FindWave = Callable[[str, int | None, int | None], Awaitable[PassageWave]]
"""From sound, first and frames, as asked for."""

STATUS = {ErrorCode.OUT_OF_RANGE: 400, ErrorCode.FILE_CHANGED: 409}


class PassageFiles:
    """Streams the sides of passages. What an address contains never changes: it names the sound."""

    def __init__(self, passages: Passages) -> None:
        self._passages = passages

    async def take(self, request: Request) -> Response:
        """`/passages/takes/ID/take.wav` or `original.wav`, with `sound`, `first`, `frames` and `stems`."""
        name = request.path_params["side"]
        if name not in SIDES:
            return nothing_at(request.scope["path"])
        side, take = name.removesuffix(".wav"), request.path_params["take"]
        given = query_of(request).get("stems", [""])[0]
        try:
            stems = Names().read(given)
        except ValueError as error:
            return PlainTextResponse(f"stems {error}.\n", 400)

        def find(sound: str, first: int | None, frames: int | None) -> Awaitable[PassageWave]:
            return self._passages.take_wave(take, side, sound, first, frames, stems)

        return await _answer(request, find)

    async def song(self, request: Request) -> Response:
        """`/passages/songs/DIGEST/original.wav`, with `sound`, `first` and `frames`."""
        digest = request.path_params["digest"]
        return await _answer(request, lambda *asked: self._passages.song_wave(digest, *asked))

    async def render(self, request: Request) -> Response:
        """`/passages/jobs/ID/NUMBER/take.wav` or `original.wav` while a take is rendered, with `sound`, `first` and
        `frames`; without `frames`, what there is by now."""
        name, given = request.path_params["side"], request.path_params
        if name not in SIDES:
            return nothing_at(request.scope["path"])
        job, number, side = given["job"], given["number"], name.removesuffix(".wav")
        grows = "frames" not in query_of(request)
        return await _answer(
            request, lambda *asked: self._passages.render_wave(job, number, side, *asked), immutable=not grows
        )


async def _answer(request: Request, find: FindWave, *, immutable: bool = True) -> Response:
    query = query_of(request)
    try:
        first, frames = (whole(query, name, None) for name in ("first", "frames"))
        sound = query.get("sound", [""])[0]
        wave = await find(sound, first, frames)
        file = TakeFile(WAV, wave, tag=f"{sound}.{wave.first}.{wave.frames}")
        return await file_response(request, file, immutable=immutable)
    except ProtocolError as error:
        return refusal(error, STATUS.get(error.code, 404))
    except ValueError as error:
        return PlainTextResponse(f"{error}.\n", 400)
    except (ClipStoreError, OSError) as error:
        return missing(error)
