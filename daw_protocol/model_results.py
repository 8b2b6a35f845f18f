"""What commands about models return."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Choice, Real
from daw_protocol.message import Message, value
from daw_protocol.replies import MODEL_STATES
from daw_protocol.result_fields import AnyText, ListOf, Nullable, Record
from daw_protocol.results import COUNT, TEXTS


@dataclass(frozen=True, kw_only=True)
class ModelTransfer(Message):
    """A download of a model, under way or ended."""

    model: str = value(AnyText(), "the model's name")
    state: str = value(Choice(MODEL_STATES), "what it is doing, or how it ended")
    file: str = value(AnyText(), "the file in progress", "")
    done: int = value(COUNT, "bytes that have come", 0)
    total: int = value(COUNT, "bytes to come in all; 0 while that is not known", 0)
    speed: float = value(Real(0, 2**40), "bytes per second", 0.0)
    sentence: str = value(AnyText(), "why it failed", "")
    remedy: str = value(AnyText(), "what to do about it", "")


@dataclass(frozen=True, kw_only=True)
class ModelRecord(Message):
    """A model."""

    name: str = value(AnyText(), "its name in requests")
    kind: str = value(AnyText(), "music model, autoencoder, text encoder, planner or tokenizer")
    about: str = value(AnyText(), "what it can do")
    state: str = value(Choice(("absent", "begun", "here", "damaged")), "whether it is on this machine")
    note: str = value(AnyText(), "what is wrong or worth knowing", "")
    path: str = value(AnyText(), "its folder")
    bytes: int = value(COUNT, "bytes on this machine")
    published_bytes: int | None = value(Nullable(COUNT), "about how large it is; null: it is not published")
    needs: tuple[str, ...] = value(TEXTS, "models that come with it, since it cannot work without them")
    get_bytes: int = value(COUNT, "about how much `models.get` would download, with what it needs")
    licence: str = value(AnyText(), "licence of its weights", "")
    page: str = value(AnyText(), "address of its page, with the licence's text", "")


@dataclass(frozen=True, kw_only=True)
class GraphicsCardRecord(Message):
    """A graphics card."""

    name: str = value(AnyText(), "its name")
    memory: int = value(COUNT, "its memory in bytes")
    free: int = value(COUNT, "bytes of it that are free")


@dataclass(frozen=True, kw_only=True)
class ModelList(Message):
    """The models, and the machine they run on."""

    engine: str = value(AnyText(), "the engine they are for; empty: this server has none that uses models")
    folder: str = value(AnyText(), "where models are kept on the server's machine")
    free_bytes: int = value(COUNT, "free disk space there")
    device: str = value(AnyText(), "the device that was chosen for the engine, or auto")
    memory_limit: float | None = value(
        Nullable(Real(0, 1e6)), "how much of the device's memory it may use, in gigabytes; null: all"
    )
    memory: int | None = value(Nullable(COUNT), "the machine's memory in bytes")
    cards: tuple[GraphicsCardRecord, ...] = value(ListOf(Record(GraphicsCardRecord)), "its graphics cards")
    models: tuple[ModelRecord, ...] = value(ListOf(Record(ModelRecord)), "the models, published ones first")
    transfer: ModelTransfer | None = value(
        Nullable(Record(ModelTransfer)), "the download under way, or the last one"
    )
