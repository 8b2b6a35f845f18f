"""One training at a render host: its folder, where everything of it lies, and how far it is.

What a laptop orders is not believed: names must be plain, digests digests, and the consent that to these very songs.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from bridge_server.studio.host_files import plain_name
from bridge_server.studio.link_messages import BYTES, SharedFile
from bridge_server.studio.training_messages import LinkedSong, LinkedTraining, TrainingFile
from bridge_server.studio.value_codec import from_json, to_json
from bridge_server.training.kept_trainings import (
    ADAPTER_FILES,
    PREVIEWS,
    Measured,
    kept_trainings,
    preview_names,
    settle_finished,
)
from bridge_server.training.song_folder import (
    ENDINGS,
    MAX_CAPTION,
    MAX_LYRICS,
    MAX_SONGS,
    SongToLearn,
)
from bridge_server.training.training_wish import (
    ADAPTERS,
    FIRST_FILE,
    NAME,
    RUNS,
    TrainingWish,
    no_consent,
    save,
)
from daw_protocol.errors import ErrorCode, ProtocolError

SENDING, QUEUED, TRAINING, WAITING, STOPPED, FAILED, DONE = (
    "sending", "queued", "training", "waiting", "stopped", "failed", "done",
)  # fmt: skip
"""Its songs have yet to come; another training is under way; it trains; it waits for a render; and how it ended."""
ORDER, SONGS = "order.json", "songs"
ID = re.compile("[0-9a-f]{32}")
_DIGEST = re.compile("[0-9a-f]{64}")
_ADAPTER = (FIRST_FILE, *ADAPTER_FILES)


@dataclass(eq=False)
class HostTraining:
    """wanted: whether it is to go on by itself. ordered: when its laptop asked for that, in seconds of the system's
    clock. described: captions that a planner wrote. error: why it failed."""

    folder: Path
    order: LinkedTraining
    wanted: bool = True
    ordered: float = 0.0
    state: str = SENDING
    phase: str = ""
    share: float = 0.0
    skipped: str = ""
    seconds_left: float | None = None
    described: dict[str, str] = field(default_factory=dict)
    measured: Measured = field(default_factory=Measured)
    stopped_early: bool = False
    error: ProtocolError | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _known: dict[Path, tuple[int, TrainingFile]] = field(default_factory=dict)

    @property
    def under_way(self) -> bool:
        return self.state in (TRAINING, WAITING)

    @property
    def ended(self) -> bool:
        return self.state in (STOPPED, FAILED, DONE)

    def touch(self) -> None:
        """Wakes whoever waits for a change."""
        self.changed.set()
        self.changed = asyncio.Event()

    def wish(self, models: Path, device: str, kernels: str) -> TrainingWish:
        """As this machine trains it: in its own folder, as if that were a store."""
        order = self.order
        return TrainingWish(
            order.name, self.folder / SONGS, self.folder / ADAPTERS, True, self.folder, models, order.checkpoint,
            order.device or device, order.memory, dict(order.changed), dict(order.preview),
            kernels=kernels,
        )  # fmt: skip

    def songs(self) -> list[SongToLearn]:
        """In the order they were given."""
        place = self.folder / SONGS
        return [SongToLearn(place / one.name, one.digest, 0.0, one.words.fields) for one in self.order.songs]

    def consent(self) -> dict[str, object]:
        given = self.order.consent
        return {"songs": list(given.songs), "given": given.given}

    # What follows blocks.

    def missing(self) -> tuple[str, ...]:
        """The digests of the songs' files that have yet to come."""
        place = self.folder / SONGS
        return tuple(one.bytes_digest for one in self.order.songs if not (place / one.name).is_file())

    def take(self, digest: str, arrived: Path) -> None:
        """A song's file that came whole, which moves here. Raises OSError."""
        for one in self.order.songs:
            if one.bytes_digest == digest:
                place = self.folder / SONGS / one.name
                place.parent.mkdir(exist_ok=True)
                arrived.replace(place)

    def keep(self) -> None:
        """Writes down what there is to know of it after a restart. Raises ProtocolError."""
        order, _ = to_json(self.order)
        told = {
            "order": order, "wanted": self.wanted, "ordered": self.ordered, "stopped_early": self.stopped_early,
        }  # fmt: skip
        save(self.folder / ORDER, json.dumps(told).encode())

    def remove_songs(self) -> None:
        """Raises OSError."""
        if (self.folder / SONGS).exists():
            shutil.rmtree(self.folder / SONGS)

    def open(self, name: str) -> BinaryIO:
        """A file that it made, by the name a laptop knows it by. Raises OSError."""
        try:
            return self._made()[name].open("rb")
        except (KeyError, FileNotFoundError):  # it may just have been moved to the adapter
            path = self._made().get(name)
        if path is None:
            raise FileNotFoundError(name)
        return path.open("rb")

    def files(self) -> tuple[TrainingFile, ...]:
        """What it has made so far: previews, and the adapter once that is whole."""
        found = [self._file(name, path) for name, path in self._made().items()]
        return tuple(one for one in found if one is not None)

    def _made(self) -> dict[str, Path]:
        adapter = self.folder / ADAPTERS / self.order.name
        found = {
            f"{PREVIEWS}/{name}.wav": place / PREVIEWS / f"{name}.wav"
            for place in (self.folder / RUNS / self.order.name, adapter)
            for name in preview_names(place)
        }
        if self.state == DONE:
            found |= {name: adapter / name for name in _ADAPTER if (adapter / name).is_file()}
        return found

    def _file(self, name: str, path: Path) -> TrainingFile | None:
        try:
            state = path.stat()
            known = self._known.get(path)
            if known is None or known[0] != state.st_mtime_ns:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                known = self._known[path] = (
                    state.st_mtime_ns, TrainingFile(name, state.st_size, digest),
                )  # fmt: skip
            return known[1]
        except OSError:  # it is moved to the adapter at this moment
            return None


def kept_training(folder: Path) -> HostTraining:
    """What a folder has of a training after a restart. Blocks.

    Raises OSError where its order cannot be read, and ValueError where that is none.
    """
    try:
        told = json.loads((folder / ORDER).read_text(encoding="utf-8"))
        order = from_json(LinkedTraining, told["order"])
        check_order(order)
        ordered = float(told.get("ordered", 0.0))
    except (ValueError, TypeError, KeyError, RecursionError, ProtocolError) as error:
        raise ValueError(f"{ORDER} is no training's order: {error!r}") from error
    settle_finished(folder)
    found = HostTraining(
        folder,
        order,
        bool(told.get("wanted")),
        ordered,
        stopped_early=bool(told.get("stopped_early")),
    )
    kept = next((one for one in kept_trainings(folder) if one.name == order.name), None)
    if kept is not None:
        found.measured = kept.measured
        found.share = min(1.0, len(kept.measured.losses) / (kept.measured.steps or 1))
    if kept is not None and kept.adapter is not None:
        found.state = DONE
    elif kept is not None and kept.sentence and not found.wanted:
        found.state = FAILED
        found.error = ProtocolError(ErrorCode.CANNOT_RENDER, kept.sentence, kept.remedy)
    elif not found.wanted:
        found.state = STOPPED
    return found


def check_order(order: LinkedTraining) -> None:
    """Raises ProtocolError for an order that only a broken laptop sends, for a song's name that this machine cannot
    have, and without the consent to exactly these songs."""
    fits = (
        ID.fullmatch(order.id)
        and NAME.fullmatch(order.name)
        and 1 <= len(order.songs) <= MAX_SONGS
        and all(_fits(one) for one in order.songs)
        and len(order.checkpoint) <= 128
        and len(order.device) <= 32
        and len(order.consent.given) <= 64
        and all(isinstance(value, (str, int, float)) for value in order.changed.values())
        and all(isinstance(value, (str, int)) for value in order.preview.values())
    )
    if not fits:
        raise ProtocolError(ErrorCode.BAD_MESSAGE, "A training was ordered that cannot be one.")
    names: dict[str, str] = {}
    for one in order.songs:
        plain_name(one.name)
        _refuse_long_words(one)
        if (same := names.get(one.name.casefold())) is not None:
            raise ProtocolError(
                ErrorCode.BAD_MESSAGE,
                f"{same} and {one.name} differ only in capital letters; many disks take them for one file.",
                "Rename one of them.",
                "songs",
            )
        names[one.name.casefold()] = one.name
    if list(order.consent.songs) != sorted(one.digest for one in order.songs):
        raise no_consent()


def _fits(song: LinkedSong) -> bool:
    """Whether a song may be one of an order."""
    return (
        len(song.words.caption) <= MAX_CAPTION
        and len(song.words.lyrics) <= MAX_LYRICS
        and all(_DIGEST.fullmatch(one) is not None for one in (song.digest, song.bytes_digest))
        and Path(song.name).suffix.lower() in ENDINGS
        and song.size >= 0
    )


def _refuse_long_words(song: LinkedSong) -> None:
    """Raises ProtocolError, with the name that a field has beside the song."""
    words = song.words
    for name, word in (("language", words.language), ("timesignature", words.meter), ("keyscale", words.key)):
        if len(word) > MAX_CAPTION:
            raise ProtocolError(
                ErrorCode.TOO_LARGE,
                f"{Path(song.name).stem}.json has a {name} of {len(word)} letters.",
                "Correct it, or take it out.",
                "songs",
            )


def files_to_send(order: LinkedTraining, digests: tuple[str, ...]) -> dict[SharedFile, str]:
    """The files of these digests as they are announced, each with the digest of its audio."""
    return {
        SharedFile(one.bytes_digest, BYTES, one.size): one.digest
        for one in order.songs
        if one.bytes_digest in digests
    }
