"""A .dawproject file: a zip with project.xml and sound files. It checks what it opens; it changes nothing."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clip_store.errors import ProjectError

DOCUMENT = "project.xml"
ENDING = ".dawproject"
MAX_DOCUMENT = 200 * 2**20  # bytes: a large project has some megabytes
MAX_DEPTH = 100
MAX_SOUND = 4 * 2**30
EXPORT_AGAIN = "Export the project from your DAW again (File > Export > DAWproject)."


@dataclass(frozen=True, eq=False)
class ProjectFile:
    """An opened project. xml: its document, in UTF-8; root: the same as elements."""

    path: Path
    xml: bytes
    root: ET.Element

    def tracks(self) -> Iterator[ET.Element]:
        """Every track, those inside groups too, in the project's order."""
        structure = self.root.find("Structure")
        if structure is not None:
            yield from structure.iter("Track")

    def extract(self, member: str, folder: Path) -> Path:
        """A sound file of the project as a file in the folder. Raises ProjectError."""
        path = folder / f"{len(list(folder.iterdir()))}{Path(member).suffix}"
        try:
            with zipfile.ZipFile(self.path) as archive:
                about = archive.getinfo(member)
                if about.file_size > MAX_SOUND:
                    raise ProjectError(f"{member} in {self.path.name} is larger than 4 GB.")
                with archive.open(about) as packed, path.open("xb") as file:
                    shutil.copyfileobj(packed, file)
        except KeyError as error:
            raise ProjectError(
                f"{self.path.name} does not contain the sound {member}.", "Export it with its audio files."
            ) from error
        except _BROKEN as error:
            raise ProjectError(
                f"{member} in {self.path.name} cannot be read: {error}.", EXPORT_AGAIN
            ) from error
        return path


# What zipfile and zlib raise for damage, encryption and packing they do not know.
_BROKEN = (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, ValueError)


def open_project(path: Path) -> ProjectFile:
    """Raises ProjectError for what is no DAWproject."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(DOCUMENT).file_size > MAX_DOCUMENT:
                raise ProjectError(f"The document in {path.name} is larger than {MAX_DOCUMENT >> 20} MB.")
            xml = archive.read(DOCUMENT)
    except FileNotFoundError as error:
        raise ProjectError(f"There is no file {path}.", "Check the name.") from error
    except KeyError as error:
        raise ProjectError(
            f"{path.name} contains no {DOCUMENT}, so it is no DAWproject.", EXPORT_AGAIN
        ) from error
    except _BROKEN as error:
        raise ProjectError(f"{path.name} cannot be read as a DAWproject: {error}.", EXPORT_AGAIN) from error
    return ProjectFile(path, xml, _root_of(xml, path.name))


def _root_of(xml: bytes, name: str) -> ET.Element:
    """Raises ProjectError. A document type could define entities without end, and a DAWproject has none."""
    try:
        xml.decode("utf-8")
        if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
            raise ValueError("it has a document type")
        root = ET.fromstring(xml)
        _check_depth(root)
    except (ET.ParseError, ValueError) as error:
        raise ProjectError(f"The document in {name} cannot be read: {error}.", EXPORT_AGAIN) from error
    if root.tag != "Project":
        raise ProjectError(f"The document in {name} is no project but <{root.tag}>.", EXPORT_AGAIN)
    return root


def _check_depth(root: ET.Element) -> None:
    """Raises ValueError for what no DAW writes and no recursion survives."""
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
    if level:
        raise ValueError(f"its elements are nested more than {MAX_DEPTH} deep")


def chosen_track(project: ProjectFile, name: str) -> ET.Element:
    """The track of this name; without a name, the only one with sound. Raises ProjectError."""
    found = [track for track in project.tracks() if "audio" in track.get("contentType", "").split()]
    channels = [(track, track.find("Channel")) for track in found]
    found = [
        track for track, channel in channels if channel is None or channel.get("role") in (None, "regular")
    ]
    there = ", ".join(repr(track.get("name", "")) for track in found) or "none"
    if name:
        found = [track for track in found if track.get("name", "").casefold() == name.casefold()]
    if len(found) == 1 and found[0].get("id"):
        return found[0]
    which = f"one audio track {name!r}" if name else "only one audio track"
    raise ProjectError(
        f"{project.path.name} does not have {which}; its audio tracks: {there}.",
        "Name the track with --track; rename tracks of the same name in your DAW.",
    )
