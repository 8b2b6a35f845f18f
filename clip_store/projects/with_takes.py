"""The same project with takes in it: each on a track of its own, at its sample, muted.

The document is not written anew: the new elements go into the text that was there, whose every other byte stays.
"""

from __future__ import annotations

import copy
import itertools
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from clip_store.atomic_file import whole_file
from clip_store.audio.audio import Audio
from clip_store.audio.audio_file import read_audio
from clip_store.errors import ProjectError
from clip_store.exports.dawproject import clean, decimal_seconds
from clip_store.projects.project_file import DOCUMENT, ProjectFile

PREFIX = "takebridge"
AUDIO_FOLDER = "audio"


@dataclass(frozen=True)
class PlacedTake:
    """A take for a project. path: its clip, a WAV file; position: of its first sample on the timeline."""

    name: str
    path: Path
    position: int


def write_with_takes(
    project: ProjectFile, track: ET.Element, takes: Sequence[PlacedTake], path: Path
) -> None:
    """The project with a new track for each take, behind the track they were made from. Raises ClipStoreError."""
    with zipfile.ZipFile(project.path) as source:
        names = set(source.namelist())
        members = [_member(take, names) for take in takes]
        xml = document_with_takes(project, track, takes, members)
        with whole_file(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for info in source.infolist():
                if info.filename == DOCUMENT:
                    archive.writestr(_same(info), xml)
                else:
                    _copy(source, info, archive)
            for take, member in zip(takes, members, strict=True):
                archive.write(take.path, member)


def document_with_takes(
    project: ProjectFile, track: ET.Element, takes: Sequence[PlacedTake], members: Sequence[str]
) -> bytes:
    """project.xml with the takes. members: the name of each one's sound in the zip. Raises ClipStoreError."""
    used = {found for element in project.root.iter() if (found := element.get("id"))}
    tracks, lanes = [], []
    for take, member in zip(takes, members, strict=True):
        audio = read_audio(take.path, float("inf"))
        name = _free(f"{PREFIX}-take", used)
        tracks.append(_track(track, name, take.name, audio.channels, used))
        lanes.append(_lane(name, take, member, audio, used))
    behind_track, end_of_lanes = _places(project, track)
    inserted = sorted([(behind_track, tracks), (end_of_lanes, lanes)], key=lambda place: place[0])
    parts, at = [], 0
    for place, elements in inserted:
        parts += [project.xml[at:place], *(ET.tostring(element, encoding="utf-8") for element in elements)]
        at = place
    return b"".join([*parts, project.xml[at:]])


def _track(model: ET.Element, name: str, title: str, channels: int, used: set[str]) -> ET.Element:
    """A track that sounds as its model does: with a copy of its channel, devices and sends included, but muted."""
    track = ET.Element("Track", contentType="audio", loaded="true", id=name, name=clean(title))
    channel = model.find("Channel")
    if channel is None:
        channel = ET.Element("Channel", audioChannels=str(channels), role="regular")
    channel = copy.deepcopy(channel)
    channel.tail = None
    channel.attrib.pop("solo", None)
    for element in channel.iter():
        if element.get("id"):
            element.set("id", _free(f"{name}-{element.get('id')}", used))
    mute = channel.find("Mute")
    if mute is None:
        mute = ET.Element("Mute", id=_free(f"{name}-mute", used), name="Mute")
        channel.insert(1 if channel.find("Devices") is not None else 0, mute)
    mute.set("value", "true")
    track.append(channel)
    return track


def _lane(track: str, take: PlacedTake, member: str, audio: Audio, used: set[str]) -> ET.Element:
    lanes = ET.Element("Lanes", track=track, timeUnit="seconds", id=_free(f"{track}-lanes", used))
    clips = ET.SubElement(lanes, "Clips", timeUnit="seconds", id=_free(f"{track}-clips", used))
    length = decimal_seconds(audio.frames, audio.rate)
    clip = ET.SubElement(
        clips, "Clip", name=clean(take.name), time=decimal_seconds(take.position, audio.rate), duration=length,
        contentTimeUnit="seconds", playStart="0.0", playStop=length, fadeTimeUnit="seconds", fadeInTime="0.0",
        fadeOutTime="0.0",
    )  # fmt: skip
    sound = ET.SubElement(
        clip,
        "Audio",
        channels=str(audio.channels),
        sampleRate=str(audio.rate),
        duration=length,
        algorithm="raw",
    )
    ET.SubElement(sound, "File", path=member, external="false")
    return lanes


def _places(project: ProjectFile, track: ET.Element) -> tuple[int, int]:
    """Where, in bytes of the document: behind the track, and at the end of the arrangement's lanes."""
    finder = _Finder(track.get("id", ""))
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, values: finder.start(parser.CurrentByteIndex, tag, values)
    parser.EndElementHandler = lambda _: finder.end(parser.CurrentByteIndex)
    parser.Parse(project.xml, True)
    if finder.behind_track < 0 or finder.end_of_lanes < 0:
        raise ProjectError("The project has no place for takes: its arrangement is empty.")
    return finder.behind_track, finder.end_of_lanes


class _Finder:
    """Follows the parser. What lies behind a track is where the next tag begins, whatever that is."""

    def __init__(self, track: str) -> None:
        self._track = track
        self._open: list[tuple[str, bool]] = []
        self._track_closed = False
        self.behind_track = self.end_of_lanes = -1

    def start(self, at: int, tag: str, values: dict[str, str]) -> None:
        self._next_tag(at)
        self._open.append((tag, tag == "Track" and values.get("id") == self._track))

    def end(self, at: int) -> None:
        self._next_tag(at)
        path = [tag for tag, _ in self._open]
        _, wanted = self._open.pop()
        self._track_closed = self._track_closed or wanted
        if path == ["Project", "Arrangement", "Lanes"]:
            self.end_of_lanes = at

    def _next_tag(self, at: int) -> None:
        if self._track_closed and self.behind_track < 0:
            self.behind_track = at


def _free(name: str, used: set[str]) -> str:
    """A name that is not taken; it is then."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    found = next(candidate for candidate in names if candidate not in used)
    used.add(found)
    return found


def _member(take: PlacedTake, names: set[str]) -> str:
    """A name for the take's sound in the zip; it is taken then."""
    stem = take.path.stem
    found = next(name for name in _numbered(f"{AUDIO_FOLDER}/{stem}") if name not in names)
    names.add(found)
    return found


def _numbered(stem: str) -> Iterable[str]:
    return itertools.chain([f"{stem}.wav"], (f"{stem}-{number}.wav" for number in itertools.count(2)))


def _same(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """A member's header for a copy."""
    made = zipfile.ZipInfo(info.filename, info.date_time)
    made.compress_type, made.external_attr, made.comment = (
        info.compress_type,
        info.external_attr,
        info.comment,
    )
    return made


def _copy(source: zipfile.ZipFile, info: zipfile.ZipInfo, archive: zipfile.ZipFile) -> None:
    made = _same(info)
    made.file_size = info.file_size  # beyond 2 GiB: zip64
    with source.open(info) as packed, archive.open(made, "w") as member:
        while piece := packed.read(2**20):
            member.write(piece)
