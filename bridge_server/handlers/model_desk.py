"""A server's models: which there are, getting one, stopping that. Only models of the catalogue can be fetched."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from bridge_server.engines.registry import MODELS_ENGINE
from bridge_server.handlers.response import Response, understood
from bridge_server.models.downloads import Hub
from bridge_server.models.fetcher import ModelFetcher, Transfer
from bridge_server.models.library import InstalledModel, State, look, published
from bridge_server.models.machine import graphics_cards, memory_bytes
from bridge_server.sessions.events import Events, Notice
from bridge_server.settings import Settings
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.model_results import GraphicsCardRecord, ModelList, ModelRecord, ModelTransfer
from daw_protocol.replies import ModelProgress
from daw_protocol.requests import CancelModel, GetModel, ListModels
from model.checkpoints import with_needs


class ModelDesk:
    """Answers requests about models. Raises ProtocolError."""

    def __init__(self, settings: Settings, events: Events) -> None:
        setup = settings.engines.get(MODELS_ENGINE.name)
        self._options = setup.options if setup else {}
        self._folder = setup.models if setup else None
        self._events = events
        hub = settings.hub or None
        self._fetcher = (
            ModelFetcher(self._folder, lambda: Hub(hub, token=False if hub else None), self._changed)
            if self._folder
            else None
        )

    async def list(self, request: ListModels) -> Response:
        folder = self._folder
        found, cards, free = await asyncio.to_thread(_on_this_machine, folder)
        limit = self._options.get("memory_gb")
        result = ModelList(
            engine=MODELS_ENGINE.name if folder else "",
            folder=str(folder or ""),
            free_bytes=free,
            device=str(self._options.get("device", "auto")),
            memory_limit=limit if isinstance(limit, (int, float)) and limit > 0 else None,
            memory=memory_bytes(),
            cards=cards,
            models=tuple(_record(one, found) for one in found),
            transfer=transfer_record(transfer) if (transfer := self._transfer()) else None,
        )
        here = [one.name for one in found if one.state is State.HERE]
        text = (
            f"{len(here)} of {len(found)} models are here: {', '.join(here)}."
            if here
            else "No model is here."
        )
        return understood(request, text, result)

    async def get(self, request: GetModel) -> Response:
        fetcher = self._with_models()
        entry = published(request.model)
        transfer = fetcher.begin(entry)
        self._changed(transfer)
        return understood(request, f"{entry.name} is being downloaded.", transfer_record(transfer))

    async def cancel(self, request: CancelModel) -> Response:
        transfer = self._with_models().cancel()
        text = f"The download of {transfer.model} is being stopped; what has come is kept."
        return understood(request, text, transfer_record(transfer))

    async def close(self) -> None:
        """Ends a download that is under way."""
        if self._fetcher is not None:
            await self._fetcher.close()

    def _transfer(self) -> Transfer | None:
        return self._fetcher.transfer if self._fetcher else None

    def _with_models(self) -> ModelFetcher:
        if self._fetcher is None:
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                "This server has no engine that uses models.",
                f"Install the {MODELS_ENGINE.label} engine ({MODELS_ENGINE.install}) and start the server again.",
                "model",
            )
        return self._fetcher

    def _changed(self, transfer: Transfer) -> None:
        sentence, remedy = _words(transfer)
        self._events.publish(
            Notice(
                ModelProgress(
                    model=transfer.model, state=transfer.state, file=transfer.file[:200], done=transfer.done,
                    total=transfer.total, speed=transfer.speed, sentence=sentence[:2000], remedy=remedy[:2000],
                )
            )
        )  # fmt: skip


def _on_this_machine(
    folder: Path | None,
) -> tuple[list[InstalledModel], tuple[GraphicsCardRecord, ...], int]:
    """The models, the graphics cards, and the free bytes where models go. Slow, for a thread."""
    cards = tuple(GraphicsCardRecord(**vars(card)) for card in graphics_cards())
    if folder is None:
        return [], cards, 0
    place = next((one for one in (folder, *folder.parents) if one.is_dir()), None)
    return look(folder), cards, shutil.disk_usage(place).free if place else 0


def _record(one: InstalledModel, found: list[InstalledModel]) -> ModelRecord:
    entry = one.entry
    absent = {other.entry.name for other in found if other.entry and other.state is not State.HERE}
    wanted = [need for need in with_needs((entry,)) if need.name in absent] if entry else []
    return ModelRecord(
        name=one.name,
        kind=one.kind.value,
        about=entry.about if entry else "",
        state=one.state.name.lower(),
        note=one.note,
        path=str(one.path),
        bytes=one.size,
        published_bytes=entry.size if entry else None,
        needs=entry.needs if entry else (),
        get_bytes=sum(need.size for need in wanted),
        licence=entry.licence if entry else "",
        page=entry.page if entry else "",
    )


def _words(transfer: Transfer) -> tuple[str, str]:
    """Why a download failed, and what to do; empty where it did not."""
    return (transfer.error.sentence, transfer.error.remedy) if transfer.error else ("", "")


def transfer_record(transfer: Transfer) -> ModelTransfer:
    """A download as clients see it."""
    sentence, remedy = _words(transfer)
    return ModelTransfer(
        model=transfer.model,
        state=transfer.state,
        file=transfer.file,
        done=max(0, transfer.done),
        total=transfer.total,
        speed=transfer.speed,
        sentence=sentence,
        remedy=remedy,
    )
