"""Which files are in the watched folder, and which are complete: unchanged for a while.

Polls rather than asks the system for events: those do not come from network drives, and one flat folder is one
`os.scandir` a second.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bridge_server.endpoints.watch_folder.file_names import split_name
from bridge_server.songs.alike import alike
from clip_store.audio.audio_file import SUFFIXES
from clip_store.audio.decoder import OpenFile
from daw_protocol.errors import ErrorCode, ProtocolError

# How DAWs bounce, the best first. Other kinds count only if they come with a request and none of these has their name.
USUAL = (".wav", ".wave", ".bwf", ".aif", ".aiff", ".flac")
# Sound that cannot be read; a request for it is answered with an error text.
UNREADABLE = (
    ".3gp", ".aac", ".ac3", ".amr", ".ape", ".avi", ".dff", ".dsf", ".dts", ".m4a", ".m4b", ".m4p", ".mka", ".mkv",
    ".mov", ".mp4", ".mpc", ".ra", ".sd2", ".shn", ".tak", ".tta", ".weba", ".webm", ".wma", ".wmv", ".wv",
)  # fmt: skip
KINDS = (*dict.fromkeys((*USUAL, *SUFFIXES)), *UNREADABLE)
JSON_ENDING = ".ace.json"
TEXT_ENDING = ".txt"
MIDI_ENDINGS = (".mid", ".midi")
ERROR_ENDING = ".error.txt"

MAX_TEXT_BYTES = 1 << 20
"""Of a text with a request; a tempo map of 10,000 points has 400 KB."""

EMPTY_TIMES = 15
"""An empty file is given so many times as long: a copy over a network begins as one, a failed bounce ends as one."""

State = tuple[int, int]
"""Size in bytes and time of change in nanoseconds."""


@dataclass(frozen=True)
class DroppedFile:
    """A sound file with its companion files; equal as long as none has changed.

    words:  the text with the request; midi: its tempo map, by the file's name or by the song's alone, so
            that one map serves every bounce of the song.
    failed: whether an error text exists.
    """

    path: Path
    state: State
    words: Path | None = None
    words_state: State = (0, 0)
    midi: Path | None = None
    midi_state: State = (0, 0)
    failed: bool = False

    @property
    def readable(self) -> bool:
        """Whether the bridge reads sound files of this kind."""
        return _rank(self.path.name) < len(KINDS) and self.path.suffix.lower() not in UNREADABLE

    @property
    def asks(self) -> bool:
        """Whether its name or a text next to it asks for something."""
        return self.words is not None or split_name(self.path.stem)[1] is not None


def scan(folder: Path) -> list[DroppedFile]:
    """The sound files in the folder, not below it: the usual ones, and others that ask for something.

    Files that ask for something under a name that hides what they are come with them, to be answered.

    A bounce that was saved in several kinds at once counts once. Raises OSError when the folder cannot be read.
    """
    states: dict[str, State] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if not entry.name.startswith(".") and entry.is_file():
                    # Not the entry's own: on Windows a scan reports the size a growing file had when it was opened.
                    found = os.stat(entry.path)
                    states[entry.name] = found.st_size, found.st_mtime_ns
            except OSError:
                continue  # gone since, or a link to nowhere
    names = {alike(name): name for name in states}
    sounds = [name for name in sorted(states) if _rank(name) < len(KINDS)]
    best: dict[str, int] = {}
    for name in sounds:
        stem = alike(Path(name).stem)
        best[stem] = min(best.get(stem, len(KINDS)), _rank(name))
    drops = [_drop(folder, name, states, names) for name in sounds]
    misnamed = [_drop(folder, name, states, names) for name in sorted(states) if _is_misnamed(name)]
    return misnamed + [
        dropped
        for dropped in drops
        if (rank := _rank(dropped.path.name)) < len(USUAL)
        or (rank == best[alike(dropped.path.stem)] and dropped.asks)
    ]


def _rank(name: str) -> int:
    """The kind of a file's sound: the first of KINDS is the best; len(KINDS): no sound."""
    ending = Path(name).suffix.lower()
    return KINDS.index(ending) if ending in KINDS else len(KINDS)


def _is_misnamed(name: str) -> bool:
    """Whether a name asks for something and does not end as a sound file's does: with a dot or a blank behind that, or
    without an ending."""
    if _rank(name) < len(KINDS) or split_name(name)[1] is None:
        return False
    behind = name.rpartition("]")[2].rstrip(". ")
    return not behind or _rank(f"song{behind}") < len(KINDS)


def _drop(folder: Path, name: str, states: dict[str, State], names: dict[str, str]) -> DroppedFile:
    stem = Path(name).stem

    def beside(*wanted: str) -> tuple[Path | None, State]:
        for other in wanted:
            found = names.get(alike(other))
            if found is not None:
                return folder / found, states[found]
        return None, (0, 0)

    words, words_state = beside(stem + JSON_ENDING, stem + TEXT_ENDING)
    title, _ = split_name(stem)
    midi, midi_state = beside(*(song + ending for song in (stem, title) for ending in MIDI_ENDINGS))
    failed = beside(stem + ERROR_ENDING)[0] is not None
    return DroppedFile(folder / name, states[name], words, words_state, midi, midi_state, failed)


def words_in(path: Path, open_file: OpenFile) -> str:
    """The text with a request. Raises ProtocolError when it is too long, ValueError when it is not UTF-8, OSError."""
    with open_file(path) as file:
        data = file.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise ProtocolError(
            ErrorCode.TOO_LARGE,
            f"{path.name} is larger than {MAX_TEXT_BYTES // 2**20} MB.",
            "A request needs a few lines. Rename the file if it is something else.",
        )
    return data.decode("utf-8-sig")


class Settling:
    """Finds the files that have not changed for so many seconds, each once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[DroppedFile, float] = {}
        self._given: set[DroppedFile] = set()

    def ready(self, drops: Iterable[DroppedFile], now: float) -> list[DroppedFile]:
        """Those that have just become ready. now: seconds of a clock that never goes back."""
        there = set(drops)
        self._since = {dropped: self._since.get(dropped, now) for dropped in there}
        self._given &= there
        found = [
            dropped
            for dropped in sorted(there - self._given, key=lambda dropped: dropped.path.name)
            if now - self._since[dropped] >= self._seconds * (1 if dropped.state[0] else EMPTY_TIMES)
        ]
        self._given.update(found)
        return found

    def age(self, dropped: DroppedFile, now: float) -> float:
        """Seconds since it has looked as it does."""
        return now - self._since.get(dropped, now)

    def again(self, dropped: DroppedFile) -> None:
        """Give it once more: it could not be used yet."""
        self._given.discard(dropped)
