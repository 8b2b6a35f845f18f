"""Requests about the models engines render with."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Text
from daw_protocol.message import value
from daw_protocol.requests.request import Request


@dataclass(frozen=True, kw_only=True)
class ListModels(Request):
    """The models this server knows, which of them are here, and the machine they run on."""


@dataclass(frozen=True, kw_only=True)
class GetModel(Request):
    """Download a model of the server's list, with what it needs. Renders go on; a download that stopped is resumed."""

    model: str = value(Text(64, 1), "the model's name, as `models.list` gives it")


@dataclass(frozen=True, kw_only=True)
class CancelModel(Request):
    """Stop the download; what has come is kept."""
