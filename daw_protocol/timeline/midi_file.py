"""The tempos, time signatures, keys and markers in the bytes of a Standard MIDI File, as tolerant as files are various.

Layout: "Standard MIDI Files 1.0" (MMA, 1996). Nothing but these four kinds of events matters here, so nothing else can
spoil them: chunks of other programs, wrong counts and sizes, running status, system exclusive messages and meta events
of any length are passed over. What cannot be understood is left out and named in a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from daw_protocol.timeline.key import Key
from daw_protocol.timeline.tempo_point import MAX_BPM, MIN_BPM

MAX_BYTES = 8 * 2**20
"""A tempo map has a few kilobytes; a whole arrangement with every note a few megabytes at most."""

_SEARCHED = 1 << 16
_TEMPO, _METER, _KEY, _MARKER, _END = 0x51, 0x58, 0x59, 0x06, 0x2F
_NAMES = {_TEMPO: "tempo", _METER: "time signature", _KEY: "key signature", _MARKER: "marker"}
_SIZES = {_TEMPO: 3, _METER: 4, _KEY: 2}  # in bytes, by the standard
_MAX_POWER = 7  # 2**7 = 128: the shortest note that notation programs know
_TYPE_2 = 2

SongEvent = tuple[int, str, tuple[int | str, ...]]
"""(tick, kind, values); the kinds are those of `midi_map.SONG_MAP_KINDS`."""


class MidiFileError(ValueError):
    """A file that is no tempo map, or one beyond our limits.

    str:    what is wrong, without the file's name: "it counts time in SMPTE frames".
    remedy: what to do about it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


@dataclass(frozen=True)
class LeftOut:
    """An event that could not be understood: where it is, and what it should have been."""

    tick: int
    kind: str


@dataclass(frozen=True)
class MidiEvents:
    """What a file says of its song. division: ticks per quarter note, as it stands in the file. notes: what is odd."""

    division: int
    events: tuple[SongEvent, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()


def read_midi_events(data: bytes) -> MidiEvents:
    """Raises MidiFileError for bytes that hold no MIDI file, or one without tracks."""
    at = data.find(b"MThd", 0, _SEARCHED)  # behind the header of a RIFF file, or of an old Macintosh archive
    if at < 0:
        raise MidiFileError("it is not a Standard MIDI File", _EXPORT)
    if len(data) < at + 14:
        raise MidiFileError("it ends within its header", _EXPORT)
    kind, division = (
        int.from_bytes(data[at + 8 : at + 10], "big"),
        int.from_bytes(data[at + 12 : at + 14], "big"),
    )
    found = _Found()
    tracks = list(_tracks(data, at))
    if not tracks:
        raise MidiFileError("it has no tracks", _EXPORT)
    if kind == _TYPE_2 and len(tracks) > 1:
        found.notes.append(f"The MIDI file holds {len(tracks)} separate sequences; the first one was read.")
        tracks = tracks[:1]
    if data[tracks[-1].end :].startswith(b"MThd"):
        found.notes.append("Another MIDI file lies behind the first one in it; the first one was read.")
    for track in tracks:
        _Track(data, track, found).read()
    return MidiEvents(division, tuple(found.events), tuple(found.left_out), tuple(dict.fromkeys(found.notes)))


_TRACK_OR_FILE = re.compile(b"MTrk|MThd")
_EXPORT = "Export the tempo map again as a Standard MIDI File."


@dataclass
class _Found:
    """Collects what the tracks hold."""

    events: list[SongEvent] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Stretch(NamedTuple):
    """A track's bytes. cut: the file ends before they do."""

    start: int
    end: int
    cut: bool


def _tracks(data: bytes, header: int) -> Iterator[_Stretch]:
    """The bodies of the track chunks. Where a size leads to no chunk, the next track is searched for by its name."""
    size = int.from_bytes(data[header + 4 : header + 8], "big")
    at = header + 8 + size
    if not _is_chunk(data, at):
        at = data.find(b"MTrk", header + 14)
    while 0 <= at <= len(data) - 8:
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        if name == b"MThd":  # another file, as programs leave it that join them byte by byte
            return
        start, after = at + 8, at + 8 + size
        fits, cut = after == len(data) or _is_chunk(data, after), False
        if not fits:
            following = _TRACK_OR_FILE.search(data, start)
            cut = following is None and after > len(data)
            after = len(data) if following is None else following.start()
        if name == b"MTrk":
            yield _Stretch(start, after, cut)
        at = after


def _is_chunk(data: bytes, at: int) -> bool:
    """Whether a chunk begins there: a track, or four printable letters and a size that fits."""
    name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
    fits = at + 8 + size <= len(data)
    return at + 8 <= len(data) and (name == b"MTrk" or (fits and all(0x20 <= byte < 0x7F for byte in name)))


class _Track:
    """Reads one track's events."""

    def __init__(self, data: bytes, track: _Stretch, found: _Found) -> None:
        self._data = data
        self._at = track.start
        self._end = track.end
        self._cut = track.cut
        self._found = found
        self._tick = 0
        self._status = 0  # of the last channel message: the next one may leave it out

    def read(self) -> None:
        try:
            while self._at < self._end:
                self._tick += self._number()
                if not self._event():
                    return
            if self._cut:
                raise IndexError
        except IndexError:
            self._damaged("ends early")
        except _SenselessError:
            self._damaged("is damaged")

    def _damaged(self, how: str) -> None:
        self._found.notes.append(f"A track of the MIDI file {how}; what was whole in it was read.")

    def _byte(self) -> int:
        if self._at >= self._end:
            raise IndexError
        self._at += 1
        return self._data[self._at - 1]

    def _number(self) -> int:
        """A number in groups of seven bits, at most four of them."""
        value = 0
        for _ in range(4):
            byte = self._byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise _SenselessError

    def _event(self) -> bool:
        """Reads one event; False at the end of the track."""
        status = self._byte()
        if status < 0x80:
            if not self._status:
                raise _SenselessError
            self._at -= 1
            status = self._status
        if status == 0xFF:
            return self._meta()
        if status in (0xF0, 0xF7):
            self._exclusive()
        elif status < 0xF0:
            self._status = status
            self._skip(1 if status & 0xE0 == 0xC0 else 2)
        else:  # messages that belong on a cable, not in a file
            self._skip({0xF1: 1, 0xF2: 2, 0xF3: 1}.get(status, 0))
        return True

    def _skip(self, count: int) -> None:
        if self._at + count > self._end:
            raise IndexError
        self._at += count

    def _exclusive(self) -> None:
        """A system exclusive message; some programs leave its length out and only end it with F7."""
        start = self._at
        try:
            self._skip(self._number())
        except (IndexError, _SenselessError):
            end = self._data.find(b"\xf7", start, self._end)
            if end < 0:
                raise IndexError from None
            self._at = end + 1

    def _meta(self) -> bool:
        kind, length = self._byte(), self._number()
        body = self._data[self._at : min(self._at + length, self._end)]
        if kind == _END:
            return False
        if kind in _NAMES:
            self._song_event(kind, body, whole=len(body) == length)
        self._skip(length)
        return True

    def _song_event(self, kind: int, body: bytes, whole: bool) -> None:
        event = _decode(kind, body) if whole else None
        size = _SIZES.get(kind, len(body))
        if event is not None and len(body) > size:
            self._found.notes.append(
                f"A {_NAMES[kind]} in the MIDI file has {len(body)} bytes where the standard has {size}; "
                f"the first {size} were read."
            )
        if event is None:
            self._found.left_out.append(LeftOut(self._tick, _NAMES[kind]))
        else:
            self._found.events.append((self._tick, *event))


class _SenselessError(Exception):
    """Bytes that are no event; where the next one begins cannot be told."""


def _decode(kind: int, body: bytes) -> tuple[str, tuple[int | str, ...]] | None:
    """The event's kind and values; None when it makes no sense. Bytes beyond those the standard has are ignored, as it
    asks for: a tempo that no music has because of them (written in 32 bits) makes no sense.
    """
    if kind == _TEMPO:
        microseconds = int.from_bytes(body[:3], "big")
        slip = len(body) > 3 and not MIN_BPM <= 60e6 / (microseconds or 1) <= MAX_BPM
        return ("set_tempo", (microseconds,)) if len(body) >= 3 and microseconds and not slip else None
    if kind == _METER:
        sound = len(body) >= 2 and body[0] > 0 and body[1] <= _MAX_POWER
        return ("time_signature", (body[0], 1 << body[1])) if sound else None
    if kind == _KEY:
        if len(body) < 2 or body[1] > 1:
            return None
        sharps = body[0] - 256 if body[0] > 127 else body[0]
        if not -7 <= sharps <= 7:
            return None
        return "key_signature", (str(Key.from_signature(sharps, "minor" if body[1] else "major")),)
    return "marker", (decode_text(body),)


def decode_text(body: bytes) -> str:
    """Text of any program: UTF-8 or, with its mark, UTF-16; else the Latin letters that Western programs write.

    MIDI names no encoding. Other encodings give other letters, never an error.
    """
    codings = ("utf-16",) if body[:2] in (b"\xff\xfe", b"\xfe\xff") else ()
    for coding in (*codings, "utf-8-sig", "cp1252"):
        try:
            return body.decode(coding).rstrip("\0")
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1").rstrip("\0")
