"""The request of a dropped file, from the words in its name or in a text file next to it. Pure.

song [repaint 17-20, 120 bpm].wav
song [repaint 17-20 + 33-36, 120 bpm].wav                 two regions
song [repaint 17-20, 120 bpm] (1).wav                     a copy: the same request
song [repaint 17_1_0 - 21_1_0, 120 bpm, 3 takes].wav      17_1_0 is 17|1|0 where file names have no |
song.wav + song.txt          the same words, in lines or with commas
song.wav + song.ace.json     {"task": "repaint", "bars": "17-20", "bpm": 120}, with the protocol's names
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bridge_server.endpoints.watch_folder.missing_comma import refuse_joined
from bridge_server.songs.tempo_file import with_map
from daw_protocol.addresses import BY_NAME
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Flag, Names, Text
from daw_protocol.json_text import json_reason, json_value
from daw_protocol.message import entries, read_value
from daw_protocol.requests import Render, Repaint
from daw_protocol.tasks import ROWS
from daw_protocol.timeline import Key, Meter, SongMap, TempoMap, parse_position
from daw_protocol.timeline.exact_number import decimal_of_float32
from daw_protocol.timeline.position import AtSeconds
from daw_protocol.timeline.written_number import plain, with_points

FILE_TASKS = tuple(spec.name for spec in ROWS if spec.needs_source and spec.makes_takes)
BAR1 = "bar1"
"""Position of bar 1 in seconds: some DAWs start their clock at one hour and stamp files accordingly."""

EXAMPLES = (
    'Write such as "repaint 17-20, 120 bpm, 3 takes" or "extract, stems vocals+drums". Values have the names of '
    "docs/protocol.md."
)

_BRACKETS = re.compile("[\\[［【〔]([^\\[\\]［］【】〔〕]+)[\\]］】〕]")  # as Asian keyboards write them, too
_BARS = re.compile(r"(?:bars?\s+)?(\d+)(?:\s*(?:-|to)\s*(\d+))?", re.IGNORECASE)
# A run of blanks is tried from its beginning only: from each of its blanks would take the square of its length.
_SPAN = re.compile(r"(.+?)(?:(?<!\s)\s+(?:-|to)\s+|(?<=[\w|])-(?=\w))(.+)", re.IGNORECASE | re.DOTALL)
_BBT = re.compile(r"\d+_\d+(_[\d.]+)?")
_SEPARATOR = re.compile(r"(?<!\d)[,，、]|[,，、](?!\d)|[;；\n]")  # between digits a comma is a decimal one
_NAMED = re.compile(r"[\s\u200b-\u200f\ufeff]*(\w+)(?:\s*[:=：＝]\s*|\s+|$)(.*)", re.DOTALL)
_BPM = re.compile(r"(?:bpm\s+)?(\d+(?:\.\d+)?)(?:\s*bpm)?", re.IGNORECASE)
_TAKES = re.compile(r"(\d+)\s*takes?", re.IGNORECASE)
_METER = re.compile(r"(?:meter\s+)?(\d+)\s*[_/]\s*(\d+)", re.IGNORECASE)
_MAX_LETTERS = 20_000
_TEMPO = ("bpm", "meter", "tempo_map")
_FORBIDDEN = {
    "id",
    "reply_port",
    "client",
    "token",
    "source",
    "source_position",
    "origin",
    "replace",
    "notes",
}


@dataclass(frozen=True)
class FileRequest:
    """task: the command; fields: the request's values as typed; bar1: seconds from zero to the first bar."""

    task: str
    fields: Mapping[str, Any]
    bar1: Fraction | None = None

    def request(self, settled: Mapping[str, Any], song_map: SongMap | None) -> Render:
        """The request with what the folder adds. song_map: of a MIDI file next to it. Raises ProtocolError."""
        fields = {**settled, **self.fields}
        has_tempo = song_map is not None and song_map.has_tempo
        if song_map is not None and not fields.keys() & (
            {"bpm", "tempo_map"} if has_tempo else {"tempo_map"}
        ):
            if has_tempo:
                fields.pop("meter", None)
            fields = with_map(song_map, fields)
        if self.bar1 is not None:
            fields = _from_bar1(fields, self.bar1)
        request = BY_NAME[self.task].request.from_fields(fields)
        assert isinstance(request, Render), self.task
        if request.spec().needs_region and not _has_region(request):
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                f"It is not stated which part of the song to {self.task}.",
                f'Add bars or times, such as "{self.task} 17-20, 120 bpm" or "{self.task} 12.5s - 14s".',
                "bars",
            )
        return request


def _has_region(request: Render) -> bool:
    region = (request.start, request.end, request.bars, request.length, request.regions)
    return any(part is not None for part in region)


def split_name(stem: str) -> tuple[str, str | None]:
    """The song's title, and the words in brackets if they ask for something.

    Anything after the brackets is a mark that systems, browsers and DAWs give to copies and bounces, in any language
    and form ("(1)", " - Copy", "-001", "_bip"); it is not part of the request.
    """
    for match in reversed(list(_BRACKETS.finditer(stem))):
        first = plain(match[1]).split(",")[0].split()
        if first and difflib.get_close_matches(first[0].lower(), FILE_TASKS, n=1, cutoff=0.75):
            before, behind = stem[: match.start()].strip(), stem[match.end() :].strip()
            return before or behind or stem, match[1]
    return stem, None


def read_words(text: str) -> FileRequest:
    """What the words of a name or a text ask for. Raises ProtocolError."""
    if len(text) > _MAX_LETTERS:
        raise ProtocolError(ErrorCode.TOO_LARGE, f"The text has {len(text)} letters.", EXAMPLES)
    items = [item.strip() for item in _SEPARATOR.split(text) if plain(item).strip()]
    if not items:
        raise ProtocolError(ErrorCode.MISSING_FIELD, "The text is empty.", EXAMPLES)
    task, region = _task_and_region(plain(items[0]))
    fields: dict[str, Any] = dict(region)
    bar1 = None
    for item in items[1:]:
        refuse_joined(item, lambda part: _check_item(part, task), lambda part: _check_item(part, task))
        name, value = _item(item, task)
        if name == BAR1:
            bar1 = _seconds(value)
        else:
            fields[name] = value
    return FileRequest(task, fields, bar1)


def read_json(text: str) -> FileRequest:
    """What a .ace.json file asks for. Raises ProtocolError."""
    try:
        found = json_value(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(
            ErrorCode.BAD_MESSAGE,
            f"The .ace.json file is not valid JSON: {json_reason(error)}.",
            "Check commas and quotes.",
        ) from error
    if not isinstance(found, dict):
        raise ProtocolError(
            ErrorCode.BAD_MESSAGE, "The .ace.json file is not an object.", 'Begin with {"task": ...'
        )
    fields = dict(found)
    task = _task(str(fields.pop("task", "")))
    bar1 = _seconds(str(fields.pop(BAR1))) if BAR1 in fields else None
    for name in fields.keys() & _FORBIDDEN:
        raise ProtocolError(
            ErrorCode.UNKNOWN_FIELD, f"{name} cannot be set here.", "The dropped file determines it.", name
        )
    return FileRequest(task, fields, bar1)


def _with_points(item: str) -> str:
    """The item with points for decimal commas. Raises ProtocolError."""
    try:
        return with_points(item)
    except ValueError as error:
        sentence = f"{item[:80]!r}: {error}."
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE, sentence, "Write a blank after each comma that separates values."
        ) from error


def _task(word: str) -> str:
    if word.lower() in FILE_TASKS:
        return word.lower()
    close = difflib.get_close_matches(word.lower(), FILE_TASKS, n=1)
    hint = f"Did you mean {close[0]}? " if close else ""
    raise ProtocolError(
        ErrorCode.UNKNOWN_COMMAND,
        f"There is no task {word[:60]!r}.",
        f"{hint}There are {', '.join(FILE_TASKS)}.",
    )


def _task_and_region(text: str) -> tuple[str, dict[str, Any]]:
    """What the first item says. Raises ProtocolError."""
    word, *behind = text.split(maxsplit=1)
    task = _task(word)

    def check(part: str) -> None:
        if part.lower() != word.lower():
            _check_fields(_region(part[len(word) :].strip()), task)

    refuse_joined(text, check, lambda part: _check_item(part, task))
    return task, _region(behind[0] if behind else "")


def _check_item(item: str, task: str) -> None:
    """Raises ProtocolError for an item that is not understood, or whose field does not take its value."""
    name, value = _item(item, task)
    if name == BAR1:
        _seconds(value)
    else:
        _check_fields({name: value}, task)


def _check_fields(fields: Mapping[str, Any], task: str) -> None:
    """Raises ProtocolError for a value its field does not take."""
    known = entries(BY_NAME[task].request)
    for name, value in fields.items():
        read_value(name, known[name].metadata["kind"], value)


def _region(text: str) -> dict[str, Any]:
    text = _with_points(text)
    if "+" in text:
        return {"regions": [_region(part.strip()) for part in text.split("+")]}
    if not text:
        return {}
    if bars := _BARS.fullmatch(text):
        return {"bars": f"{bars[1]}-{bars[2]}" if bars[2] else bars[1]}
    if span := _SPAN.fullmatch(text):
        return {"start": _position(span[1]), "end": _position(span[2])}
    return {"start": _position(text)}


def _position(text: str) -> str:
    text = text.strip()
    return text.replace("_", "|") if _BBT.fullmatch(text) else text


def _item(item: str, task: str) -> tuple[str, Any]:
    """One item's name and value. Raises ProtocolError."""
    known = entries(BY_NAME[task].request)
    named = _NAMED.fullmatch(item)
    name = plain(named[1]).lower() if named else ""
    kind = known[name].metadata["kind"] if name in known and name not in _FORBIDDEN else None
    if isinstance(kind, Text) and named:  # not ours to change
        return name, named[2].strip()
    item = _with_points(item)
    rest = _with_points(named[2].strip()) if named else ""
    if name == BAR1:
        return BAR1, rest.removeprefix("at ").strip()
    if kind is not None:
        if name == "meter":
            return name, rest.replace("_", "/")
        if isinstance(kind, Flag):
            return name, rest or True
        if isinstance(kind, Names):
            return name, re.sub(r"[\s+]+", ",", rest)
        return name, _position(rest) if name in ("start", "end") else rest
    if found := _TAKES.fullmatch(item):
        return "takes", found[1]
    if found := _METER.fullmatch(item):
        return "meter", f"{found[1]}/{found[2]}"
    if "bpm" in item.lower() and (found := _BPM.fullmatch(item)):
        return "bpm", found[1]
    try:
        return "key", str(Key.parse(item))
    except ValueError:
        raise ProtocolError(
            ErrorCode.UNKNOWN_FIELD, f"{item[:80]!r} is not understood.", EXAMPLES, item.split()[0][:60]
        ) from None


def _seconds(text: str) -> Fraction:
    """Raises ProtocolError."""
    try:
        found = parse_position(text if not text.replace(".", "").isdigit() else f"{text}s")
        if not isinstance(found, AtSeconds):
            raise ValueError("not a time")
    except (ValueError, TypeError) as error:
        raise _not_bar1(text, error) from error
    return found.seconds


def _not_bar1(text: str, error: Exception) -> ProtocolError:
    sentence = f"bar1: {text[:60]!r} is not a position for bar 1: {error}."
    return ProtocolError(ErrorCode.OUT_OF_RANGE, sentence, 'Write seconds, such as "bar1 3600s".', BAR1)


def _from_bar1(fields: Mapping[str, Any], bar1: Fraction) -> dict[str, Any]:
    """The fields with a tempo map whose first bar is there. Raises ProtocolError."""
    found = dict(fields)
    known: dict[str, Any] = {name: found.pop(name) for name in _TEMPO if name in found}
    if not known.keys() & {"bpm", "tempo_map"}:
        raise ProtocolError(
            ErrorCode.MISSING_FIELD, "bar1 needs a tempo.", 'Add the tempo, such as "120 bpm".', "bpm"
        )
    # Read as the request would: the same complaints about the same values.
    read = Repaint.from_fields(known)
    try:
        if read.tempo_map is not None:
            tempo_map = dataclasses.replace(read.tempo_map, offset=bar1)
        else:
            assert read.bpm is not None
            tempo_map = TempoMap.constant(decimal_of_float32(read.bpm), read.meter or Meter(4, 4), bar1)
    except ValueError as error:  # only bar 1 is left to be wrong
        raise _not_bar1(str(bar1), error) from error
    return found | {"tempo_map": tempo_map.to_json()}
