"""The status files next to a dropped file: progress, outcome, error.

Only texts of its own are written again; they begin with a line that says so.
"""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

from bridge_server.endpoints.watch_folder.scan import ERROR_ENDING
from bridge_server.languages.installed import ENGLISH
from bridge_server.languages.wording import text_in
from clip_store.atomic_file import write_whole
from clip_store.regular_file import open_regular
from clip_store.store import file_stem
from daw_protocol.errors import ProtocolError, unicode_only, without_controls

MARK = "Takebridge:"
PROGRESS_ENDING = ".progress.txt"
FINISHED = "Finished"
FAILED = "Failed; see"
SETTLED = "What was wrong here has been done since"
_MAX_TEXT_BYTES = (
    1 << 20
)  # of a text: ours have a few hundred, and another program's is only recognised as such
_MAX_BYTES = 200  # of a name: with our ending it must stay below the 255 that file systems take


class StatusFiles:
    """The texts of one dropped file. All methods read or write files. Raise StoreError where they cannot."""

    def __init__(self, path: Path, language: str = ENGLISH) -> None:
        self._path = path
        self._language = language

    def progress(self, stage: str, fraction: float) -> None:
        done = round(20 * fraction)
        self._write(
            PROGRESS_ENDING,
            f"{text_in(stage, self._language)}\n[{'#' * done}{'.' * (20 - done)}] {fraction:.0%}",
        )

    def finished(self, request: str, files: list[Path], warnings: list[str]) -> None:
        lines = [
            f"{FINISHED} (request {request}).",
            "",
            *(f"  {file.parent.name}/{file.name}" for file in files),
        ]
        lines += [
            "",
            text_in(
                "Their time stamps put them in place: docs/any-daw.md tells how in your DAW.", self._language
            ),
            *(text_in(warning, self._language) for warning in warnings),
        ]
        self._write(PROGRESS_ENDING, "\n".join(lines))
        done = self._name(PROGRESS_ENDING).name
        self._write(ERROR_ENDING, f"{SETTLED}: see {done}.", only_ours=True)

    def failed(self, error: ProtocolError) -> None:
        spoken = (
            f"{self._path.name} could not be used.\n\n{error.sentence}\n\nWhat to do: {error.remedy or 'see the log.'}"
            "\n\nAfter that save the file again, or delete this text, and it is tried again."
        )
        self._write(ERROR_ENDING, text_in(spoken, self._language))
        self._write(
            PROGRESS_ENDING,
            f"{FAILED} {self._name(ERROR_ENDING).name}.",
            only_ours=True,
        )

    def is_finished(self, request: str) -> bool:
        """Whether the texts say that this request has been answered."""
        text = _text(self._name(PROGRESS_ENDING)) or ""
        return text.startswith(MARK) and f"{FINISHED} (request {request})" in text

    def is_unfinished(self) -> bool:
        """Whether the texts speak of work under way: its end has not been written, or not yet."""
        text = _text(self._name(PROGRESS_ENDING)) or ""
        return text.startswith(MARK) and not text.startswith((f"{MARK} {FINISHED}", f"{MARK} {FAILED}"))

    def _write(self, ending: str, text: str, only_ours: bool = False) -> None:
        path = self._name(ending)
        whole = (
            f"{MARK} {without_controls(unicode_only(text))}\n"  # it quotes names, and is read on a terminal
        )
        if only_ours and not path.exists():
            return
        if _text(path) != whole:
            write_whole(path, [whole.encode("utf-8")])

    def _name(self, ending: str) -> Path:
        """The path of this status file: a name no other file has."""
        stem = self._path.stem
        if len(stem.encode("utf-8", "surrogateescape")) > _MAX_BYTES:
            digest = hashlib.sha256(stem.encode("utf-8", "surrogateescape")).hexdigest()[:8]
            stem = f"{file_stem(stem)}-{digest}"
        for number in itertools.count(1):
            path = self._path.with_name(f"{stem}{ending}" if number == 1 else f"{stem}-{number}{ending}")
            text = _text(path)
            if text is None or text.startswith(MARK):
                return path
        raise AssertionError("there is always a next number")


def _text(path: Path) -> str | None:
    """A file's text; None when there is none, "" when it cannot be read as text."""
    try:
        with open_regular(path) as file:
            return file.read(_MAX_TEXT_BYTES).decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return ""
