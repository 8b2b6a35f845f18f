"""What crosses between a laptop and a render host about a training: its order, how it stands, and its files by digest.

Songs go up as the files of an order do (`link_messages.py`); the adapter and the previews come back in pieces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SongWords:
    """What stands beside a song, as `song_folder.py` reads it. describe: a planner may write about it."""

    caption: str
    lyrics: str = ""
    language: str = ""
    meter: str = ""
    key: str = ""
    bpm: int = 0
    describe: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """Those that are there, as a `SongToLearn` has them."""
        return {name: value for name, value in vars(self).items() if value or name == "caption"}


@dataclass(frozen=True)
class LinkedSong:
    """A song to learn from. digest: of its audio; bytes_digest, size: of its file."""

    name: str
    digest: str
    words: SongWords
    bytes_digest: str
    size: int


@dataclass(frozen=True)
class Consent:
    """songs: the digests of the audio it was given for, sorted. given: when, as ISO 8601."""

    songs: tuple[str, ...]
    given: str


@dataclass(frozen=True)
class LinkedTraining:
    """What is to be trained. id: drawn by the laptop, which finds the training by it; the rest as in a TrainingWish.

    device: "" = the host's own.
    """

    id: str
    name: str
    checkpoint: str
    device: str
    memory: int
    consent: Consent
    songs: tuple[LinkedSong, ...]
    changed: Mapping[str, Any] = field(default_factory=dict)
    preview: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingOffer:
    """What can be trained there. models: what for. reason, remedy: why nothing can; empty where something can."""

    models: tuple[str, ...] = ()
    planner: bool = False
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class TrainThere:
    """Laptop to host: train this, or tell how it stands. resume: goes on with it where it was stopped or failed."""

    number: int
    training: LinkedTraining
    resume: bool


@dataclass(frozen=True)
class TrainingFile:
    """A file that a training has made. digest: SHA-256 of its bytes."""

    name: str
    size: int
    digest: str


@dataclass(frozen=True)
class TrainingStands:
    """Host to laptop: how a training is.

    state: see `host_trainings.py`. missing: the digests of the songs' files that have yet to come.
    losses: of the steps after the first `start`; checks: all of them. steps: wanted, 0 until that is known.
    described: captions that a planner wrote, by the song's name. skipped: why a preview could not be made.
    files: what can be fetched. code, sentence, remedy: why it failed.
    """

    number: int
    state: str
    phase: str = ""
    share: float = 0.0
    steps: int = 0
    start: int = 0
    losses: tuple[float, ...] = ()
    checks: tuple[tuple[int, float], ...] = ()
    described: Mapping[str, str] = field(default_factory=dict)
    skipped: str = ""
    files: tuple[TrainingFile, ...] = ()
    missing: tuple[str, ...] = ()
    seconds_left: float | None = None
    stopped_early: bool = False
    code: str = ""
    sentence: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class StopTraining:
    """Laptop to host: stop it, with its place kept; `TrainingStands` says when it has."""

    number: int


@dataclass(frozen=True)
class FetchFile:
    """Laptop to host: send this file of the training, from its byte `start` on."""

    number: int
    name: str
    start: int


@dataclass(frozen=True)
class FilePiece:
    """Host to laptop: bytes of a file, in order and without gaps."""

    number: int
    name: str
    start: int
    data: bytes


@dataclass(frozen=True)
class ForgetTraining:
    """Laptop to host: remove everything of the training with this id; `TrainingForgotten` answers."""

    number: int
    id: str


@dataclass(frozen=True)
class TrainingForgotten:
    """Host to laptop: nothing of it is there any more."""

    number: int
