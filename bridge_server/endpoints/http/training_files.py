"""What a training has to hear and to look at, for GET: its previews and the picture of its loss."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from bridge_server.endpoints.http.file_response import file_response
from bridge_server.endpoints.http.refusals import nothing_at
from bridge_server.endpoints.http.store_files import missing, state_of_file
from bridge_server.handlers.response import TakeFile
from bridge_server.handlers.take_files import WAV
from bridge_server.handlers.trainings import training_folders

PICTURE = "image/png"
LOSS = "loss.png"


class TrainingFiles:
    """Streams what is kept of trainings in the store at `store`."""

    def __init__(self, store: Path) -> None:
        self._store = store

    async def preview(self, request: Request) -> Response:
        """`/trainings/NAME/previews/PREVIEW.wav`."""
        name, preview = request.path_params["name"], request.path_params["preview"]
        return await self._respond(request, f"previews/{preview}.wav", WAV, f"{name}.{preview}.wav")

    async def loss(self, request: Request) -> Response:
        """`/trainings/NAME/loss.png`."""
        return await self._respond(request, LOSS, PICTURE, f"{request.path_params['name']}.loss.png")

    async def _respond(self, request: Request, name: str, kind: str, saved_as: str) -> Response:
        try:
            path = await asyncio.to_thread(self._found, request.path_params["name"], name)
            if path is None:
                return nothing_at(request.scope["path"])
            return await file_response(request, TakeFile(kind, path, saved_as, state_of_file(path)))
        except OSError as error:
            return missing(error)

    def _found(self, training: str, name: str) -> Path | None:
        """The file, unless the name or a link on the way leads outside the training's folder."""
        for folder in training_folders(self._store, training):
            try:
                path = (folder / name).resolve()
                if path.is_relative_to(folder.resolve()) and path.is_file():
                    return path
            except (OSError, ValueError, RuntimeError):  # too long, no name at all, links in a circle
                return None
        return None
