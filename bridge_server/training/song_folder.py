"""The songs of a folder as a training takes them: audio files, each with what is known of it in files beside it.

`song.wav` may have `song.txt` or `song.lyrics.txt` (its lyrics), `song.caption.txt` and `song.json` (caption, bpm,
keyscale, timesignature, language), as the official trainer reads them. Every file is read through before anything
starts, so that one bad song stops nothing half-way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from bridge_server.songs.sources import is_inside
from clip_store.audio.audio_file import read_audio
from clip_store.errors import ClipStoreError
from clip_store.regular_file import open_regular
from daw_protocol.errors import ErrorCode, ProtocolError

ENDINGS = frozenset((".wav", ".flac", ".aif", ".aiff", ".mp3", ".ogg", ".opus", ".caf", ".w64"))
MAX_SONGS = 50
MAX_KNOWN = 4 * MAX_SONGS
MIN_SECONDS = 5.12  # what the network takes in at least
MAX_SECONDS = 1200.0
SILENT = 1e-4  # of full scale: nothing in such a song can be learnt
MAX_CAPTION, MAX_LYRICS = 512, 4096  # letters; the network reads no more
MAX_TEXT = 1_000_000  # bytes of a file of words: a hundred times what the network reads
BPM_RANGE = (30, 300)
FIELD = "songs"
DESCRIBE = "describe"
"""Among a song's words: nothing stands next to it, so a planner's words are better than its name."""


@dataclass(frozen=True)
class SongToLearn:
    """A song of the folder. digest: of its audio. words: its caption and what else is known, by field."""

    path: Path
    digest: str
    seconds: float
    words: Mapping[str, Any]

    def as_it_is(self) -> SongToLearn:
        """The same, without a planner's words where there are none."""
        return replace(self, words={name: word for name, word in self.words.items() if name != DESCRIBE})

    @property
    def fields(self) -> dict[str, Any]:
        """For the order of a training."""
        return {"name": self.path.name, "digest": self.digest, **self.words}


def songs_in(
    folder: Path, roots: tuple[Path, ...] = (), check: Callable[[], None] = lambda: None
) -> list[SongToLearn]:
    """Every song of the folder, by name. Raises ProtocolError, naming the song, for one that cannot be learnt from.

    roots: folders that links must not lead out of; () = they may lead anywhere. check: asked before each song, since
    many take minutes; what it raises ends the reading.
    """
    if not folder.is_dir():
        raise _refused(
            ErrorCode.FILE_MISSING, f"There is no folder {folder}.", "Name the folder with the songs."
        )
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
    except OSError as error:
        raise _refused(
            ErrorCode.FILE_UNREADABLE,
            f"The folder {folder} cannot be read: {error.strerror}.",
            "Check the folder's permissions and its disk, or name another folder.",
        ) from error
    if not paths:
        raise _refused(
            ErrorCode.FILE_MISSING,
            f"There is no song in {folder}.",
            "Put 3 to 50 songs there, as WAV, FLAC, AIFF, MP3 or Ogg.",
        )
    if len(paths) > MAX_SONGS:
        raise _refused(
            ErrorCode.TOO_LARGE,
            f"There are {len(paths)} songs in {folder}; at most {MAX_SONGS} are trained on.",
            "Choose those that sound most like what you want.",
        )
    for path in paths:
        _refuse_links(path, roots)

    def checked(path: Path) -> SongToLearn:
        check()
        return _song(path)

    return list(_different(map(checked, paths)))


def _refuse_links(song: Path, roots: tuple[Path, ...]) -> None:
    """Raises ProtocolError if the song, or a file of words next to it, is a link out of the folders."""
    for path in (song, *_beside(song)):
        try:
            led_out = bool(roots) and path.exists() and not is_inside(path, roots)
        except (OSError, RuntimeError):  # a link that leads to itself
            led_out = True
        if led_out:
            raise _refused(
                ErrorCode.OUTSIDE_ROOTS,
                f"{path.name} is a link that leads out of the folders the server may read.",
                "Put the file itself into the folder.",
            )


def _beside(song: Path) -> tuple[Path, ...]:
    """Where its words may be."""
    return tuple(song.with_suffix(ending) for ending in (".json", ".caption.txt", ".lyrics.txt", ".txt"))


def _different(songs: Iterator[SongToLearn]) -> Iterator[SongToLearn]:
    """Raises ProtocolError for the same audio twice: it would count twice."""
    known: dict[str, str] = {}
    for song in songs:
        if song.digest in known:
            raise _refused(
                ErrorCode.OUT_OF_RANGE,
                f"{song.path.name} is the same audio as {known[song.digest]}.",
                "Take one of them out of the folder.",
            )
        known[song.digest] = song.path.name
        yield song


@lru_cache(MAX_KNOWN)
def _heard(path: Path, _state: tuple[int, ...]) -> tuple[str, float, bool]:
    """Digest, seconds, and whether nothing can be heard; known as long as the file's state is the same: who looks at a
    folder of hours of music starts a training with it a moment later. Raises ClipStoreError."""
    audio = read_audio(path, MAX_SECONDS)
    return audio.digest, audio.seconds, bool(np.abs(audio.samples).max(initial=0.0) < SILENT)


def _state(path: Path) -> tuple[int, ...]:
    """() for a file that is gone: reading it says so."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _song(path: Path) -> SongToLearn:
    try:
        digest, seconds, silent = _heard(path, _state(path))
    except ClipStoreError as error:
        raise _refused(ErrorCode.FILE_UNREADABLE, error.sentence, error.remedy) from error
    if seconds < MIN_SECONDS:
        raise _refused(
            ErrorCode.OUT_OF_RANGE,
            f"{path.name} lasts {seconds:.1f} s; a song to train on lasts {MIN_SECONDS:.1f} s or more.",
            "Take it out of the folder, or use a longer bounce.",
        )
    if silent:
        raise _refused(
            ErrorCode.OUT_OF_RANGE,
            f"{path.name} is silent.",
            "Take it out of the folder, or bounce it again.",
        )
    return SongToLearn(path, digest, seconds, _words(path))


def _words(path: Path) -> dict[str, Any]:
    """What the files beside a song say; without a caption its name, with spaces."""
    about, sound, sung, text = _beside(path)
    fields = _json(about)
    caption = _text(sound) or _string(path, fields, "caption")
    lyrics = _text(sung) or _text(text) or _string(path, fields, "lyrics")
    words: dict[str, Any] = {
        "caption": (caption or path.stem.replace("_", " ").replace("-", " ").strip())[:MAX_CAPTION]
    }
    if not caption and not lyrics:
        words[DESCRIBE] = True
    if lyrics:
        words["lyrics"] = lyrics[:MAX_LYRICS]
    for ours, names in (
        ("language", ("language",)),
        ("meter", ("timesignature",)),
        ("key", ("keyscale", "key")),
    ):
        value = next((found for name in names if (found := _string(path, fields, name))), "")
        if value:
            words[ours] = value.partition("/")[0] if ours == "meter" else value
    if (bpm := fields.get("bpm")) not in (None, "", "N/A"):
        words["bpm"] = _bpm(path, bpm)
    return words


def _bpm(path: Path, value: object) -> int:
    try:
        bpm = round(float(str(value)))
    except (ValueError, OverflowError):
        bpm = 0
    least, most = BPM_RANGE
    if not least <= bpm <= most:
        raise _refused(
            ErrorCode.OUT_OF_RANGE,
            f"{path.stem}.json has the bpm {str(value)[:40]}; it must be a number from {least} to {most}.",
            "Correct it, or take it out.",
        )
    return bpm


def _json(path: Path) -> Mapping[str, Any]:
    """Empty without the file. Raises ProtocolError for one that is no JSON object."""
    text = _text(path)
    try:
        fields = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise _refused(
            ErrorCode.FILE_UNREADABLE,
            f"{path.name} is no JSON object.",
            'Write it like {"caption": "slow bossa nova", "bpm": 84}, or remove it.',
        )
    return fields


def _text(path: Path) -> str:
    """The text of a file, "" without it. Raises ProtocolError for what is no file, too large, or not UTF-8."""
    try:
        with open_regular(path) as file:
            data = file.read(MAX_TEXT + 1)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise _refused(
            ErrorCode.FILE_UNREADABLE,
            f"{path.name} cannot be read: {error.strerror}.",
            "Replace it with a text file that you may read, or remove it.",
        ) from error
    if len(data) > MAX_TEXT:
        raise _refused(
            ErrorCode.TOO_LARGE,
            f"{path.name} is larger than 1 MB.",
            "Keep only the words that belong to the song in it, or remove it.",
        )
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise _refused(
            ErrorCode.FILE_UNREADABLE, f"{path.name} cannot be read as text.", "Save it as UTF-8."
        ) from error


def _string(path: Path, fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None or isinstance(value, (str, int)):
        text = "" if value is None else str(value).strip()
        return "" if text == "N/A" else text
    raise _refused(
        ErrorCode.WRONG_TYPE,
        f"{path.stem}.json has a {name} that is no text.",
        "Write it in quotation marks.",
    )


def _refused(code: ErrorCode, sentence: str, remedy: str) -> ProtocolError:
    return ProtocolError(code, sentence, remedy, FIELD)
