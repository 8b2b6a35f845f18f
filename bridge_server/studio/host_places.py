"""Where a render host's places are: processes of its own machine, or actors of a Ray cluster. Values only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bridge_server.engines.child_process import StartChild


@dataclass(frozen=True)
class ClusterSettings:
    """address: HOST:PORT of a Ray cluster; "" starts one on this machine alone. places: 0 for one on each card."""

    address: str = ""
    places: int = 0


Told = Callable[[str], None]
"""Is told, on the event loop, what a host that starts waits for: a sentence."""


def ignore(_: str) -> None:
    """Tells nobody."""


async def always_there(_: int) -> bool:
    """Of places on the host's own machine."""
    return True


@dataclass(frozen=True)
class Cluster:
    """device: the graphics cards there are, as a class; "" without any. places: what starts a child in each.

    there: asks whether the machine of a place, by its number from 0, is.
    """

    device: str
    places: tuple[StartChild, ...]
    there: Callable[[int], Awaitable[bool]] = always_there
