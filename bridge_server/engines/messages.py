"""What crosses between the server and an engine's process: small frozen values; audio crosses as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.engine import Attachment, EngineDescription, Progress, RenderRequest, Report


@dataclass(frozen=True)
class RenderCommand:
    """Server to child: render this.

    request: with `song` left None; the child reads the song itself.
    song:    canonical WAV in the store, song_digest names its content; None when there is no song.
    reference, reference_digest: likewise for the audio whose timbre is taken on.
    folder:  where the child writes STEM.f32, raw float32 little-endian, frames after frames.
    """

    number: int
    request: RenderRequest
    song: Path | None
    song_digest: str
    folder: Path
    reference: Path | None = None
    reference_digest: str = ""


@dataclass(frozen=True)
class StopCommand:
    """Server to child: stop rendering order `number`."""

    number: int


@dataclass(frozen=True)
class QuitCommand:
    """Server to child: end the process."""


@dataclass(frozen=True)
class ChildDescription:
    """Child to server, the first message: what the engine can do. No weights are loaded yet."""

    description: EngineDescription


@dataclass(frozen=True)
class ChildReady:
    """Child to server: the engine is loaded."""

    description: EngineDescription


@dataclass(frozen=True)
class ChildProgress:
    number: int
    progress: Progress


@dataclass(frozen=True)
class ChildPiece:
    """Child to server: `frames` more frames of a stem are in its file; `start` is the first one's position."""

    number: int
    stem: str
    start: int
    frames: int


@dataclass(frozen=True)
class ChildAttachment:
    number: int
    attachment: Attachment


@dataclass(frozen=True)
class ChildReport:
    """Child to server: the render is complete."""

    number: int
    report: Report


@dataclass(frozen=True)
class ChildRefused:
    """Child to server: the engine raised on purpose. kind: "cannot", "memory", "not loaded", "stopped" or "store"."""

    number: int
    kind: str
    sentence: str
    remedy: str


@dataclass(frozen=True)
class ChildBroke:
    """Child to server: a bug in the engine; the traceback is for the log."""

    number: int
    sentence: str
    traceback: str


FromChild = (
    ChildDescription
    | ChildReady
    | ChildProgress
    | ChildPiece
    | ChildAttachment
    | ChildReport
    | ChildRefused
    | ChildBroke
)
ToChild = RenderCommand | StopCommand | QuitCommand


@dataclass(frozen=True)
class StemFile:
    """One rendered stem as raw float32 in a file; `start` is the position of its first frame."""

    stem: str
    start: int
    frames: int
    channels: int
    path: Path

    def samples(self) -> NDArray[np.float32]:
        """float32 [frames, channels]."""
        flat = np.fromfile(self.path, dtype="<f4", count=self.frames * self.channels)
        return flat.reshape(-1, self.channels).astype(np.float32, copy=False)


@dataclass(frozen=True)
class Outcome:
    """What one render gave: stems by name in the order they began, attachments, the engine's report."""

    stems: tuple[StemFile, ...]
    attachments: tuple[Attachment, ...]
    report: Report

    def stem(self, name: str) -> StemFile | None:
        return next((entry for entry in self.stems if entry.stem == name), None)
