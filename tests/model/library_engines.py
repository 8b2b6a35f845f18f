"""What tests ask of engines that render with a library's networks: one stem of a render, and how it ends early."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from model.engine import Piece, RenderRequest, Report
from model.errors import RanOutOfMemory, RenderStopped
from model.library_engine import LibraryEngine


def rendered(
    engine: LibraryEngine, asked: RenderRequest, stem: str = "mix"
) -> tuple[np.ndarray[Any, Any], Report]:
    """One stem, its pieces without a gap from the request's start to its end, and the report."""
    found = list(engine.render(asked, lambda _: None, lambda: False))
    pieces = [each for each in found if isinstance(each, Piece) and each.stem == stem]
    around = asked.handle if stem == "handles" else 0
    position = asked.start - around
    for piece in pieces:
        assert piece.start == position
        position += len(piece.samples)
    assert position == asked.end + around
    report = found[-1]
    assert isinstance(report, Report)
    return np.concatenate([piece.samples for piece in pieces]), report


def stops_when_asked(engine: LibraryEngine, asked: RenderRequest, after: int) -> None:
    """Checks that it asks no more than once whether to stop, once that is so."""
    looks = iter(range(10**9))
    with pytest.raises(RenderStopped):
        list(engine.render(asked, lambda _: None, lambda: next(looks) >= after))
    assert next(looks) == after + 1, "it went on"


def without_package(patch: pytest.MonkeyPatch, package: str) -> None:
    """As if it were not installed."""
    there = importlib.util.find_spec
    patch.setattr(importlib.util, "find_spec", lambda name: None if name == package else there(name))


def runs_out_of_memory(
    patch: pytest.MonkeyPatch, engine: LibraryEngine, asked: RenderRequest, network: type, method: str
) -> RanOutOfMemory:
    """Checks that a full graphics card, as torch says it, is said and everything freed. method: of the network, where
    that happens."""
    import torch

    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    patch.setattr(network, method, full)
    with pytest.raises(RanOutOfMemory) as refused:
        rendered(engine, asked)
    assert "--device cpu" in refused.value.remedy
    assert engine._loaded is None
    return refused.value
