"""What a render gave, take by take, on the server's side: stems as files of raw samples, attachments, a report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge_server.engines.messages import (
    ChildAttachment,
    ChildBlueprint,
    ChildKept,
    ChildPiece,
    ChildReport,
    ChildResult,
)
from model.blueprint import Blueprint
from model.engine import Attachment, Report
from model.kept import Kept


@dataclass(frozen=True)
class StemFile:
    """One rendered stem as raw float32 in a file, as far as it is written; `start`: position of its first frame."""

    stem: str
    start: int
    frames: int
    channels: int
    path: Path

    def samples(self, skip: int = 0) -> NDArray[np.float32]:
        """float32 [frames - skip, channels], without the first `skip` frames. Raises OSError when the file has gone."""
        width = self.channels
        flat = np.fromfile(self.path, "<f4", (self.frames - skip) * width, offset=skip * width * 4)
        return flat.reshape(-1, width).astype(np.float32, copy=False)


@dataclass(frozen=True)
class Outcome:
    """What the render of one take gave.

    take:  as in `RenderRequest.takes`.
    stems: in the order they began.
    """

    take: int
    stems: tuple[StemFile, ...]
    attachments: tuple[Attachment, ...]
    report: Report
    blueprint: Blueprint | None = None
    kept: tuple[Kept, ...] = ()

    def stem(self, name: str) -> StemFile | None:
        return next((entry for entry in self.stems if entry.stem == name), None)


@dataclass
class _Parts:
    """What has come of a take so far."""

    stems: dict[str, StemFile] = field(default_factory=dict)
    attachments: list[Attachment] = field(default_factory=list)
    blueprint: Blueprint | None = None
    kept: list[Kept] = field(default_factory=list)
    report: Report | None = None


class OutcomeCollector:
    """Puts an order's messages together. folder: where the order's results are."""

    def __init__(self, takes: tuple[int, ...], channels: int, folder: Path) -> None:
        self._channels = channels
        self._folder = folder
        self._parts = {take: _Parts() for take in takes}

    def accept(self, message: ChildResult) -> StemFile | None:
        """Takes a message in; returns the stem that has grown by it, if one has."""
        parts = self._parts[message.take]
        match message:
            case ChildPiece():
                return self._grown(parts, message)
            case ChildAttachment(attachment=attachment):
                parts.attachments.append(attachment)
            case ChildBlueprint(blueprint=blueprint):
                parts.blueprint = blueprint
            case ChildKept(kept=kept):
                parts.kept.append(kept)
            case ChildReport(report=report):
                parts.report = report
        return None

    def outcomes(self) -> tuple[Outcome, ...]:
        """The takes in order, once the child has said that they are complete."""
        return tuple(self.outcome(take) for take in self._parts)

    def outcome(self, take: int) -> Outcome:
        """One take, once its report has come: it is complete then."""
        parts = self._parts[take]
        assert parts.report is not None, "the child reports every take before it is done"
        stems, attachments = tuple(parts.stems.values()), tuple(parts.attachments)
        return Outcome(take, stems, attachments, parts.report, parts.blueprint, tuple(parts.kept))

    def _grown(self, parts: _Parts, piece: ChildPiece) -> StemFile:
        known = parts.stems.get(piece.stem)
        if known is None:
            path = stem_path(self._folder, piece.take, piece.stem)
            known = StemFile(piece.stem, piece.start, 0, self._channels, path)
        grown = replace(known, frames=known.frames + piece.frames)
        parts.stems[piece.stem] = grown
        return grown


def stem_path(folder: Path, take: int, stem: str) -> Path:
    """Where a stem's samples are in an order's folder of results; both sides of the pipe ask this."""
    return folder / f"{take}-{stem.replace(' ', '_')}.f32"
