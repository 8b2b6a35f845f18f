"""Every address of the TCP port, with the methods it has: one ASGI application behind one guard."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute, request_response
from starlette.types import ASGIApp

from bridge_server.audition.passages import JOBS, SONGS, TAKES
from bridge_server.audition.passages import PREFIX as PASSAGES
from bridge_server.endpoints.http.callers import HEALTH
from bridge_server.endpoints.http.guard import Guard
from bridge_server.endpoints.http.metrics_page import METRICS, MetricsPage
from bridge_server.endpoints.http.pages import Pages, as_json
from bridge_server.endpoints.http.panel_files import HELLO
from bridge_server.endpoints.http.panel_files import PREFIX as PANEL
from bridge_server.endpoints.http.passage_files import PassageFiles
from bridge_server.endpoints.http.post_rpc import PostRpc
from bridge_server.endpoints.http.put_upload import PutUpload
from bridge_server.endpoints.http.reapack import PREFIX as REAPER
from bridge_server.endpoints.http.store_files import StoreFiles
from bridge_server.endpoints.http.training_files import TrainingFiles
from bridge_server.endpoints.websocket import WebSocketEndpoint
from bridge_server.handlers.health import Health
from bridge_server.handlers.response import our_fault
from bridge_server.settings import Settings


@dataclass(frozen=True)
class Services:
    """What answers, by kind of address."""

    pages: Pages
    files: StoreFiles
    passages: PassageFiles
    trainings: TrainingFiles
    rpc: PostRpc
    uploads: PutUpload
    health: Health
    metrics: MetricsPage
    websocket: WebSocketEndpoint


def application(settings: Settings, services: Services) -> ASGIApp:
    """Routes to the services; whatever has no route of its own is a node of the OSCQuery tree."""
    pages, files = services.pages, services.files

    async def health(_: Request) -> Response:
        problems = await services.health.problems()
        if problems:
            return as_json({"status": "not ready", "reasons": problems}, 503)
        return as_json({"status": "ready"})

    app = Starlette(
        routes=[
            Route("/schema.json", pages.schema),
            Route(HELLO, pages.hello),
            Route(HEALTH, health),
            Route(METRICS, services.metrics.respond),
            Route("/rpc", services.rpc.respond, methods=["POST"]),
            Route("/uploads/{name:upload_name}", services.uploads.respond, methods=["PUT"]),
            Route(f"{PANEL}{{name:path}}", pages.panel),
            Route(f"{REAPER}{{name:path}}", pages.reaper),
            *(Route(f"/{kind}/{{name:path}}", pages.drawing) for kind in ("peaks", "samples", "spectrogram")),
            Route("/takes/{take}/{name}", files.take),
            Route("/audio/{digest}.wav", files.audio),
            Route("/exports/{path:path}", files.export),
            Route("/trainings/{name}/previews/{preview}.wav", services.trainings.preview),
            Route("/trainings/{name}/loss.png", services.trainings.loss),
            Route(f"{PASSAGES}{TAKES}/{{take}}/{{side}}", services.passages.take),
            Route(f"{PASSAGES}{SONGS}/{{digest}}/original.wav", services.passages.song),
            Route(f"{PASSAGES}{JOBS}/{{job}}/{{number:int}}/{{side}}", services.passages.render),
            WebSocketRoute("/{path:path}", services.websocket.serve),
        ],
        exception_handlers={405: _other_method, Exception: _bug},
    )
    app.router.redirect_slashes = False
    app.router.default = request_response(pages.node)
    return Guard(app, settings)


async def _other_method(request: Request, error: Exception) -> Response:
    """405 with the methods there are; to OPTIONS, just those."""
    assert isinstance(error, HTTPException)
    methods = {*((error.headers or {}).get("Allow", "").split(", ")), "OPTIONS"}
    allowed = {"Allow": ", ".join(sorted(methods))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allowed)
    useful = " or ".join(sorted(methods - {"OPTIONS", "HEAD"}))
    sentence = f"{request.method[:20]} is not possible here. Use {useful}.\n"
    return PlainTextResponse(sentence, 405, allowed)


async def _bug(_: Request, __: Exception) -> Response:
    return PlainTextResponse(f"{our_fault()}\n", 500)
