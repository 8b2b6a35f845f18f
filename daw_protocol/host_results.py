"""What `status` says of the machines that render for a server."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Flag, Whole
from daw_protocol.message import Message, value
from daw_protocol.result_fields import AnyText, ListOf


@dataclass(frozen=True, kw_only=True)
class RenderHostStatus(Message):
    """Another machine that renders for this server."""

    name: str = value(AnyText(), "its name")
    address: str = value(AnyText(), "where it is")
    connected: bool = value(Flag(), "whether it can be reached")
    device: str = value(AnyText(), "what renders there; empty before it was reached", "")
    places: int = value(Whole(0, 2**53), "how many takes it renders at once", 0)
    version: str = value(AnyText(), "its version of Takebridge", "")
    engines: tuple[str, ...] = value(ListOf(AnyText()), "the engines it renders with", ())
    problem: str = value(AnyText(), "why it cannot be reached", "")
    notes: tuple[str, ...] = value(
        ListOf(AnyText()), "what is wrong there although it renders, and what to do about it", ()
    )
