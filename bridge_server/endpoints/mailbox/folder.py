"""The mailbox on disk: lists and takes requests, adds lines to answers, removes old files.

Knows files, not what they mean. A request is there whole once its file parses as JSON, or has not changed
for a while: scripts should write under another name and rename, but one that does not must not be punished for it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from bridge_server.endpoints.mailbox.file_ages import FileAges
from bridge_server.log_words import Private, public_words
from clip_store.atomic_file import FULL, make_folder, sync_folder
from clip_store.regular_file import append_regular, read_regular
from daw_protocol.json_text import json_value

log = logging.getLogger(__name__)

REQUEST = ".json"
TAKEN = ".taken"  # a request the server works on; its script sees that it is gone from under its own name
REFUSED = ".refused"  # kept for people to look at
MAX_REFUSED_BYTES = 200  # of such a request's name, which may have 255
ANSWER = ".jsonl"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NUMBERED = re.compile(r"\.[0-9]{1,3}\Z")
SETTLED_SECONDS = 1.0  # a file that has not changed for so long is not being written any more
OLD_SECONDS = 24 * 3600.0
MOST_ANSWER_BYTES = 64 << 20


@dataclass(frozen=True)
class Letter:
    """One request file.

    text:     its content; "" when it could not be read.
    stamp:    the same for this file after a restart of the server, another for a later file of the same name.
    problem:  why it cannot be read, as (sentence, remedy).
    """

    name: str
    text: str
    stamp: str
    problem: tuple[str, str] | None = None


class MailboxFolder:
    """`in`, `out` and `audio` under one folder. No method raises OSError: what cannot be done is logged, once.
    Used by one thread at a time.

    most_bytes: of one request.
    """

    def __init__(self, root: Path, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.root = root
        self.inbox, self.outbox, self.audio = (root / name for name in ("in", "out", "audio"))
        self._most_bytes = most_bytes
        self._clock = clock
        self._seen: dict[
            str, tuple[tuple[int, int], float]
        ] = {}  # unfinished file -> (its state, since when)
        self._inbox_ages = FileAges(clock, dated=False)
        self._outbox_ages = FileAges(clock, dated=True)
        self._complained: set[str] = set()
        # Lines of answers that the disk has no room for, and letters that must not go before them.
        self._waiting: dict[str, deque[tuple[str, bool]]] = {}
        self._finished: dict[str, Letter] = {}

    def make(self) -> None:
        """Makes the folders where they are missing."""
        for folder in (self.inbox, self.outbox, self.audio):
            try:
                make_folder(folder)
            except OSError as error:
                self._complain(f"The mailbox folder {folder} cannot be made: {error.strerror or error}.")

    def leftover(self) -> Iterator[Letter]:
        """Requests that a server before this one had taken and not finished answering."""
        for entry in self._entries(TAKEN):
            name = entry.name.removesuffix(TAKEN)
            if not is_name(name):
                continue
            letter = None
            with self._reported(f"{entry.name} cannot be read"):
                text = _decoded(read_regular(Path(entry.path), self._most_bytes))
                letter = Letter(name, text, _stamp(entry.stat(follow_symlinks=False)))
            if letter is not None:
                yield letter

    def take(self) -> Iterator[Letter]:
        """Requests that are there whole, oldest first; each is marked as taken before it is handed out."""
        entries = self._entries(REQUEST)
        self._seen = {name: seen for name, seen in self._seen.items() if name in {e.name for e in entries}}
        for entry in entries:
            letter = None
            with self._reported(f"The request {entry.name!r} cannot be taken from the mailbox"):
                letter = self._taken(entry)
            if letter is not None:
                yield letter

    def finish(self, letter: Letter) -> None:
        """The letter is answered and need not be kept, once its answer is written."""
        if letter.name in self._waiting:
            self._finished[letter.name] = letter
            return
        with self._reported(f"{letter.name}{TAKEN} cannot be removed"):
            (self.inbox / f"{letter.name}{TAKEN}").unlink(missing_ok=True)

    def append(self, name: str, line: str, *, durable: bool = False) -> None:
        """Adds a line to the answer file. A script reads up to the last line end only.

        durable: it is on the disk when this returns, the file's name included, and survives a power cut.

        While the disk has no room the line waits here, and those that follow it.
        """
        if name in self._waiting or not self._written(name, line, durable):
            self._waiting.setdefault(name, deque()).append((line, durable))

    def write_waiting(self) -> None:
        """Adds the lines there was no room for, once there is some."""
        for name, lines in list(self._waiting.items()):
            while lines and self._written(name, *lines[0]):
                lines.popleft()
            if lines:
                return
            del self._waiting[name]
            if (letter := self._finished.pop(name, None)) is not None:
                self.finish(letter)

    def _written(self, name: str, line: str, durable: bool) -> bool:
        """False while the disk is full; what cannot be written for another reason is reported, and dropped."""
        data = line.encode() + b"\n"
        with self._reported(f"The answer {name}{ANSWER} cannot be written"):
            try:
                self._append(name, data, durable)
            except FileNotFoundError:  # the folder was removed
                self.make()
                self._append(name, data, durable)
            except OSError as error:
                if error.errno not in FULL:
                    raise
                waits = "waits until the disk has room."
                self._complain(f"The answer {name}{ANSWER} {waits}", f"A mailbox answer {waits}")
                return False
        return True

    def _append(self, name: str, data: bytes, durable: bool) -> None:
        append_regular(self._answer(name), data, durable=durable)
        if durable:
            sync_folder(self.outbox)

    def answers(self) -> list[str]:
        """Names of the requests that have an answer file."""
        found = [entry.name for entry in self._scan(self.outbox)]
        return [name.removesuffix(ANSWER) for name in found if name.endswith(ANSWER)]

    def lines(self, name: str) -> list[str]:
        """An answer's lines so far. A line that a killed server left unfinished is removed from the file."""
        with self._reported(f"The answer {name}{ANSWER} cannot be read"):
            data = read_regular(self._answer(name), MOST_ANSWER_BYTES)
            whole = data[: data.rfind(b"\n") + 1]
            if whole != data:
                os.truncate(self._answer(name), len(whole))
            return _decoded(whole).splitlines()
        return []

    def _answer(self, name: str) -> Path:
        return self.outbox / f"{name}{ANSWER}"

    def clear_old(self, now: float, in_use: Set[str] = frozenset()) -> None:
        """Removes what has been here for a day and what nobody needs any more.

        now: seconds since 1970; believed only at the first call (file_ages.py).

        in_use: names of the requests whose jobs have not ended, and paths of the audio that jobs use.

        A file's own date says nothing about its arrival: a copy keeps its original's. Answers are dated by the last
        line a server wrote; other files count from when this server saw them first. Requests that wait are never
        removed. In `audio` only a file named after an old answer is removed, which a script made for that request;
        any other may be the only copy of somebody's song.
        """
        waiting, answers = self._scan(self.inbox), self._scan(self.outbox)
        ages = self._inbox_ages.look(waiting, now)
        for entry in waiting:
            if not entry.name.endswith((REQUEST, TAKEN)) and ages.get(entry.name, 0.0) > OLD_SECONDS:
                self._remove(entry)
        ages, gone = self._outbox_ages.look(answers, now), set()
        for entry in answers:
            name = entry.name.removesuffix(ANSWER)
            old = ages.get(entry.name, 0.0) > OLD_SECONDS
            if old and name not in in_use and self._remove(entry) and name != entry.name:
                gone.add(name)
        for entry in self._scan(self.audio):
            if requests_of(entry.name) & gone and os.path.realpath(entry.path) not in in_use:
                self._remove(entry)

    def _remove(self, entry: os.DirEntry[str]) -> bool:
        """Removes a file, or a link but not what it leads to."""
        with contextlib.suppress(OSError):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                return True
        return False

    def _taken(self, entry: os.DirEntry[str]) -> Letter | None:
        """The letter, or None while it may still be being written."""
        path, name = Path(entry.path), entry.name[: -len(REQUEST)]
        status = entry.stat(follow_symlinks=False)
        if not entry.is_file(follow_symlinks=False):
            sentence = "in the mailbox is no file; it is left alone."
            self._complain(f"{entry.name!r} {sentence}", f"Something {sentence}")
            return None
        try:
            text, problem = self._read(path, name, status.st_size)
        except FileNotFoundError:
            return None  # its script has taken it back
        if (problem is not None or not _is_json(text)) and not self._settled(entry.name, status):
            return None
        if (
            len(os.fsencode(name)) > MAX_REFUSED_BYTES
        ):  # with our endings it must stay a name that file systems take
            name = os.fsencode(name)[:MAX_REFUSED_BYTES].decode("utf-8", "ignore")
        target = path.with_name(f"{name}{TAKEN if problem is None else REFUSED}")
        os.replace(path, target)
        self._seen.pop(entry.name, None)
        return Letter(name, text, _stamp(status), problem)

    def _read(self, path: Path, name: str, size: int) -> tuple[str, tuple[str, str] | None]:
        """The request's text, or "" and the problem with its file. Raises FileNotFoundError."""
        if not is_name(name):
            return "", BAD_NAME
        if size > self._most_bytes:
            sentence = f"The request is {size} bytes long; {self._most_bytes} are the most."
            return "", (sentence, "Name audio by its path instead of sending it.")
        try:
            return _decoded(read_regular(path, self._most_bytes)), None
        except FileNotFoundError:
            raise
        except OSError as error:
            sentence = f"The request cannot be read: {error.strerror or error}."
            return "", (sentence, "Give the server permission to read it.")

    def _settled(self, name: str, status: os.stat_result) -> bool:
        """Whether the file has been as it is for a while."""
        state = (status.st_size, status.st_mtime_ns)
        before, since = self._seen.get(name, (None, 0.0))
        if before != state:
            self._seen[name] = (state, self._clock())
            return False
        return self._clock() - since >= SETTLED_SECONDS

    def _entries(self, suffix: str) -> list[os.DirEntry[str]]:
        """Files of one kind in the inbox, oldest first."""
        found = []
        for entry in self._scan(self.inbox):
            with contextlib.suppress(OSError):
                if entry.name.lower().endswith(suffix):  # Windows and FAT drives may write .JSON
                    found.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name, entry))
        return [entry for _, _, entry in sorted(found, key=lambda item: item[:2])]

    def _scan(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as found:
                entries = list(found)
        except FileNotFoundError:
            self.make()
            return []
        except OSError as error:
            self._complain(f"The mailbox folder {folder} cannot be read: {error.strerror or error}.")
            return []
        return entries

    @contextlib.contextmanager
    def _reported(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._complain(f"{what}: {error.strerror or error}.", f"mailbox: {public_words(error)}")

    def _complain(self, sentence: str, public: str = "") -> None:
        """Once for each sentence: the folder is looked at twenty times a second. public: where it names a file."""
        if sentence not in self._complained:
            self._complained.add(sentence)
            log.warning("%s", Private(sentence, public or sentence))


def requests_of(audio: str) -> set[str]:
    """Names of requests that an audio file may have been made for: NAME for NAME.wav, and NAME for NAME.2.wav."""
    stem = os.path.splitext(audio)[0]
    return {stem, NUMBERED.sub("", stem)}


def is_name(name: str) -> bool:
    """Whether it may name a request and its answer on every system."""
    return NAME.fullmatch(name) is not None


BAD_NAME = (
    "The request's file name may have letters, digits, dots, hyphens and underscores, 64 at most, and begins with a "
    "letter or digit.",
    "Name it in/NAME.json with such a NAME, a new one for each request.",
)


def _is_json(text: str) -> bool:
    try:
        json_value(text)
    except (ValueError, RecursionError):
        return False
    return True


def _decoded(data: bytes) -> str:
    # What is not UTF-8 becomes lone surrogates, which every field refuses in words.
    return data.decode("utf-8-sig", errors="surrogateescape")


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns:x}"
