"""What crosses between a laptop and a render host: small frozen values, audio and files by digest, no path of either.

What an engine's process says (`engines/messages.py`) is passed on as it is; `number` is the order's on this connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge_server.engines.messages import (
    ChildAttachment,
    ChildBlueprint,
    ChildDone,
    ChildKept,
    ChildPiece,
    ChildProgress,
    ChildReport,
    RenderCommand,
    StopCommand,
)
from bridge_server.studio.training_messages import (
    FetchFile,
    FilePiece,
    ForgetTraining,
    StopTraining,
    TrainingForgotten,
    TrainingOffer,
    TrainingStands,
    TrainThere,
)
from model.engine import EngineDescription

LINK_PROTOCOL = 3
"""Raised with every change that an older side would not understand."""

AUDIO, BYTES = "audio", "bytes"


@dataclass(frozen=True)
class Hello:
    """Laptop to host, the first message. client: the same for as long as a bridge runs."""

    protocol: int
    version: str
    client: str


@dataclass(frozen=True)
class Welcome:
    """Host to laptop, its answer. device: what renders there, as a class: "NVIDIA H200", "cpu x86_64"; ""
    where the engines choose.
    """

    protocol: int
    version: str
    name: str
    device: str
    places: int
    engines: Mapping[str, EngineDescription] = field(default_factory=dict)
    training: TrainingOffer = field(default_factory=TrainingOffer)


@dataclass(frozen=True)
class SharedFile:
    """A file that an order names. kind: AUDIO, whose digest is that of its samples, or BYTES. size: of the file."""

    digest: str
    kind: str
    size: int


@dataclass(frozen=True)
class Have:
    """Laptop to host: the files of an order that is about to come. `MissingFiles` answers."""

    number: int
    files: tuple[SharedFile, ...]


@dataclass(frozen=True)
class MissingFiles:
    """Host to laptop: which of them it lacks."""

    number: int
    digests: tuple[str, ...]


@dataclass(frozen=True)
class FilePart:
    """Laptop to host: bytes of a file, in order and without gaps; `FileStored` answers the last one."""

    number: int
    file: SharedFile
    data: bytes


@dataclass(frozen=True)
class FileStored:
    """Host to laptop: the file is whole, and what its digest says."""

    number: int
    digest: str


@dataclass(frozen=True)
class StemFrames:
    """How many frames of a take's stem the laptop has from before a cut. digest: SHA-256 of them."""

    take: int
    stem: str
    frames: int
    digest: str


@dataclass(frozen=True)
class LinkOrder:
    """Laptop to host: render this. The same order, sent again after a cut, goes on where it was.

    priority: of its job; the larger one goes first. have: what need not be sent again.
    """

    number: int
    engine: str
    command: RenderCommand
    have: tuple[StemFrames, ...] = ()


@dataclass(frozen=True)
class ForgetOrder:
    """Laptop to host: everything has come, or nothing more of it is wanted."""

    number: int


@dataclass(frozen=True)
class PieceAudio:
    """Host to laptop: the next frames of a take's stem, float32, little-endian, channels side by side."""

    piece: ChildPiece
    data: bytes


@dataclass(frozen=True)
class OrderFailed:
    """Host to laptop: the order ended without a result; where `number` is 0, the connection. code: an ErrorCode."""

    number: int
    code: str
    sentence: str
    remedy: str = ""
    field: str = ""


@dataclass(frozen=True)
class HostNotes:
    """Host to laptop, after its greeting and whenever it changes: what is wrong there, and what to do about each."""

    number: int  # 0: it is about no order
    notes: tuple[str, ...]


ToHost = (
    Hello
    | Have
    | FilePart
    | LinkOrder
    | StopCommand
    | ForgetOrder
    | TrainThere
    | StopTraining
    | FetchFile
    | ForgetTraining
)
FromHost = (
    Welcome
    | MissingFiles
    | FileStored
    | ChildProgress
    | PieceAudio
    | ChildAttachment
    | ChildBlueprint
    | ChildKept
    | ChildReport
    | ChildDone
    | OrderFailed
    | HostNotes
    | TrainingStands
    | FilePiece
    | TrainingForgotten
)
