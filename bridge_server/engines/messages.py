"""What crosses between the server and an engine's process: small frozen values; audio crosses as files.

An order names songs and other files by their digests and results by a name of its own, never by a path: each side
knows the folder (`EngineFolders`) in which it finds songs, a child on this machine learns where other files lie
(`FilesHere`), and another kind of host may fetch both instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from model.blueprint import Blueprint
from model.engine import Attachment, EngineDescription, Progress, RenderRequest, Report
from model.kept import Kept


@dataclass(frozen=True)
class EngineFolders:
    """Where an engine's process on this machine finds audio by its digest, and where it writes results."""

    blobs: Path
    results: Path


@dataclass(frozen=True)
class ChildStart:
    """How a process is started.

    target:  where the engine's code is, "module:Class".
    options: its start options, a JSON object. They are settings of this place, such as its device and its folder of
             models: they may name paths, which no order does.
    folders: None for a process that only describes its engine, and then ends.
    """

    target: str
    options: str
    folders: EngineFolders | None


@dataclass(frozen=True)
class OptionFile:
    """A file that an engine's option names, such as a SoundFont, by its content.

    name:    below the folder in which the server found it, "brushes/adapter.safetensors": engines show it.
    digest:  SHA-256 of its bytes.
    size:    in bytes.
    companions: files in its folder that the engine reads along with it (`EngineDescription.companion_files`).
    """

    name: str
    digest: str
    size: int
    companions: tuple[OptionFile, ...] = ()


@dataclass(frozen=True)
class StackedTrack:
    """One of several songs that an engine renders as one, their channels side by side. start: its first frame there."""

    digest: str
    start: int


@dataclass(frozen=True)
class RenderCommand:
    """Server to child: render this.

    request: with `song` and `reference` left None, and without the options that name files; the child adds them.
    song, reference: digests of their audio; "" where there is none.
    results: a name for what this order gives, of letters, digits and "-"; no other order under way has it.
    number:  given by the host.
    files:   by the option that names them.
    kept:    digest of what the engine kept of the song when it made it; "" where there is nothing.
    stack:   the songs that are rendered together, in place of `song`. frames: of the stack.
    priority: of its job; where several wait for one place, the larger one goes first.
    """

    request: RenderRequest
    song: str
    reference: str
    results: str
    number: int = 0
    files: Mapping[str, OptionFile] = field(default_factory=dict)
    stack: tuple[StackedTrack, ...] = ()
    frames: int = 0
    kept: str = ""
    priority: int = 0


@dataclass(frozen=True)
class FilesHere:
    """Server to a child on this machine, before an order: the paths of the order's files. They stay on this machine."""

    paths: Mapping[OptionFile, Path]


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
    """Child to server: `progress` names its take, or concerns the whole order."""

    number: int
    progress: Progress


@dataclass(frozen=True)
class ChildPiece:
    """Child to server: `frames` more frames of a take's stem are in its file; `start` is the first one's position."""

    number: int
    take: int
    stem: str
    start: int
    frames: int


@dataclass(frozen=True)
class ChildAttachment:
    """Child to server: a file of a take."""

    number: int
    take: int
    attachment: Attachment


@dataclass(frozen=True)
class ChildBlueprint:
    """Child to server: what the engine knows of a take's music in words."""

    number: int
    take: int
    blueprint: Blueprint


@dataclass(frozen=True)
class ChildKept:
    """Child to server: what the engine keeps of a take's audio."""

    number: int
    take: int
    kept: Kept


@dataclass(frozen=True)
class ChildReport:
    """Child to server: a take is complete."""

    number: int
    take: int
    report: Report


@dataclass(frozen=True)
class ChildDone:
    """Child to server: every take of the order is complete."""

    number: int


@dataclass(frozen=True)
class ChildRefused:
    """Child to server: the engine raised on purpose. kind: a key of `process.REFUSAL_CODES`, or "stopped"."""

    number: int
    kind: str
    sentence: str
    remedy: str


@dataclass(frozen=True)
class ChildBroke:
    """Child to server: a bug in the engine. The traceback is for the log, and quotes nothing."""

    number: int
    sentence: str
    traceback: str


ChildResult = ChildPiece | ChildAttachment | ChildBlueprint | ChildKept | ChildReport
FromChild = (
    ChildDescription | ChildReady | ChildProgress | ChildResult | ChildDone | ChildRefused | ChildBroke
)
ToChild = FilesHere | RenderCommand | StopCommand | QuitCommand
