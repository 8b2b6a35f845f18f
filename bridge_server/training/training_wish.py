"""What somebody wants trained: which songs, under which name, for which model; and what allows it to begin.

A wish is kept with what is unfinished of its training, so that the training can go on without being typed again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bridge_server.training.song_folder import SongToLearn
from clip_store.atomic_file import write_whole
from clip_store.errors import StoreError
from daw_protocol.errors import ErrorCode, ProtocolError

RUNS = "training"
"""The folder of the store where unfinished trainings are."""
ADAPTERS = "adapters"
"""The folder of the store where the server puts finished ones. Requests may name files in it."""
CONSENT, LOCK_ENDING = "consent.json", ".lock"
FIRST_FILE, PART = "adapter_config.json", ".part"
LOCK_SECONDS = 0.5  # whoever only looks whether it is free holds it for a moment
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_FOLDERS = ("songs", "out", "store", "models")


@dataclass(frozen=True)
class TrainingWish:
    """What was typed. out: where the adapter's folder goes. changed: settings that differ from the preset's.

    consent: whether whoever asks said that the songs may be used. preview: what is rendered on the way, by the names of
        the trainer's PreviewWish. describe: whether a planner may write about songs that have no words with them.
    on: the name of the render host that trains, for show; "" = this machine. `models` counts for nothing there.
    address: by which it is found. kernels: the file that keeps what this machine's processor computes fastest; "" = it
        is measured, so a training that goes on may compute in another way than before.
    """

    name: str
    songs: Path
    out: Path
    consent: bool
    store: Path
    models: Path
    checkpoint: str
    device: str
    memory: int
    changed: Mapping[str, object]
    preview: Mapping[str, object] = field(default_factory=dict)
    describe: bool = True
    on: str = ""
    address: str = ""
    kernels: str = ""

    @property
    def run(self) -> Path:
        """The folder of what is unfinished."""
        return self.store / RUNS / self.name

    @property
    def adapter(self) -> Path:
        return self.out / self.name

    def to_fields(self) -> dict[str, Any]:
        """For `wish_from_fields`, as JSON has it."""
        return {**vars(self), **{name: str(getattr(self, name)) for name in _FOLDERS}}


def wish_from_fields(fields: Mapping[str, Any]) -> TrainingWish:
    """Raises TypeError or KeyError for other fields."""
    return TrainingWish(**{**fields, **{name: Path(fields[name]) for name in _FOLDERS}})


def order_of(wish: TrainingWish, songs: Sequence[SongToLearn], consent: Mapping[str, Any]) -> dict[str, Any]:
    """The order for the process that trains: songs by digest, with no word of where they lie."""
    return {
        "name": wish.name,
        "models": str(wish.models),
        "checkpoint": wish.checkpoint,
        "device": wish.device,
        "kernels": wish.kernels,
        "memory": wish.memory,
        "changed": dict(wish.changed),
        "songs": [song.fields for song in songs],
        "run": str(wish.run),
        "adapter": str(wish.adapter),
        "about": {"consent": dict(consent)},
        "preview": dict(wish.preview),
    }


def refuse_name(wish: TrainingWish) -> None:
    """Raises ProtocolError for a name that cannot be a folder's, and for one that is taken."""
    if not NAME.fullmatch(wish.name):
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"{wish.name!r} is no name for an adapter.",
            "Use up to 64 letters, digits, - and _, such as brushes.",
            "name",
        )
    if _is_taken(wish.adapter):
        raise ProtocolError(
            ErrorCode.ID_IN_USE,
            f"There is already something called {wish.name} in {wish.out}.",
            "Choose another name. The command takes another folder too, with --out.",
            "name",
        )


def _is_taken(folder: Path) -> bool:
    """Whether something is there; not what a full disk left of an adapter, whose main file is written last."""
    if not folder.is_dir():
        return folder.exists()
    return any(one.name != FIRST_FILE and one.suffix != PART for one in folder.iterdir())


def kept_consent(wish: TrainingWish, songs: Sequence[SongToLearn]) -> dict[str, Any] | None:
    """The consent to exactly these songs that was given when the training began; None without it."""
    try:
        kept = json.loads((wish.run / CONSENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # none was kept, or not all of it
    return kept if isinstance(kept, dict) and kept.get("songs") == digests_of(songs) else None


def consent_now(songs: Sequence[SongToLearn]) -> dict[str, Any]:
    """The consent to these songs, given at this moment."""
    return {"songs": digests_of(songs), "given": datetime.now(UTC).isoformat(timespec="seconds")}


def digests_of(songs: Sequence[SongToLearn]) -> list[str]:
    return sorted(song.digest for song in songs)


def no_consent() -> ProtocolError:
    """The error where nobody said that the songs may be used."""
    return ProtocolError(
        ErrorCode.NOT_ALLOWED,
        "Training needs the right to these songs and the consent of everyone who performs on them.",
        "If you have both, say so with consent, or --consent. The adapter's file records it, with the songs' digests.",
        "consent",
    )


@contextmanager
def only_one(wish: TrainingWish) -> Iterator[None]:
    """Inside, no other process trains under this name in this store. Raises ProtocolError where one does."""
    path = lock_path(wish.store, wish.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=LOCK_SECONDS)
        lock.acquire()
    except Timeout as error:
        raise trained_already(wish.name) from error
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The training cannot write into {path.parent}: {error.strerror}.",
            "Check the folder's permissions, or start what trains (the server or the command) with another --store.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def trained_already(name: str) -> ProtocolError:
    """The error where some process trains under this name."""
    return ProtocolError(
        ErrorCode.ID_IN_USE,
        f"{name} is being trained already.",
        "Wait until that training has finished, stop it, or choose another name.",
        "name",
    )


def lock_path(store: Path, name: str) -> Path:
    """Next to the run's folder, which is removed at the end."""
    return store / RUNS / f"{name}{LOCK_ENDING}"


def save(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all. Raises ProtocolError."""
    try:
        write_whole(path, [data])
    except StoreError as error:
        raise ProtocolError(ErrorCode.STORE_FAILED, error.sentence, error.remedy) from error
