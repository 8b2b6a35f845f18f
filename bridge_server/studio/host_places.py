"""Where a render host's places are: processes of its own machine, or actors of a Ray cluster. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from bridge_server.engines.child_process import StartChild


@dataclass(frozen=True)
class ClusterSettings:
    """address: HOST:PORT of a Ray cluster; "" starts one on this machine alone. places: 0 for one on each card."""

    address: str = ""
    places: int = 0


@dataclass(frozen=True)
class Cluster:
    """device: the graphics cards there are, as a class; "" without any. places: what starts a child in each."""

    device: str
    places: tuple[StartChild, ...]
