"""Sound files that say what they are, wherever they lie: in a folder, in a dawproject, in an AAF file.

A sound counts that carries a recipe of Takebridge. What a DAW wrote anew keeps its samples, and often its chunks.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clip_store.audio.audio import Audio, Encoding, Samples, decode_samples, quantise
from clip_store.audio.audio_file import read_audio
from clip_store.audio.broadcast_wav import parse_recipe, read_recipe
from clip_store.audio.flac_file import read_comments
from clip_store.errors import AudioFileError, ClipStoreError
from clip_store.mix.write_mix import RECIPE_COMMENT

MAX_FILES = 10_000
MAX_MEMBER = 4 << 30
"""Bytes of a sound in a dawproject, unpacked: what a WAV file can hold."""

_WAVES = (".wav", ".wave", ".bwf")
_ARCHIVES = (".dawproject", ".zip")


@dataclass(frozen=True)
class FoundSound:
    """A sound with a recipe.

    name:       of its file, with the file it lies in.
    is_as_written: it has the very samples its recipe was written for, in whatever encoding they are now.
    is_readable: its samples can be read.
    audio:      of whole songs only, the original and the finished one: clips may be many.
    """

    name: str
    recipe: Mapping[str, Any]
    is_as_written: bool
    is_readable: bool = True
    audio: Audio | None = None

    @property
    def is_original(self) -> bool:
        return self.recipe.get("original") is True

    @property
    def is_finished_song(self) -> bool:
        return "accepted" in self.recipe


def found_sound(name: str, recipe: Mapping[str, Any], audio: Audio | None) -> FoundSound:
    """A sound, compared with what its recipe says of it. audio: None where it cannot be read."""
    digest = recipe.get("audio")
    same = audio is not None and isinstance(digest, str) and holds(audio, digest)
    found = FoundSound(name, recipe, same, audio is not None)
    return replace(found, audio=audio) if found.is_original or found.is_finished_song else found


def holds(audio: Audio, digest: str) -> bool:
    """Whether these samples are those of a digest: programs write 16 bits as 24, or as floats, which changes none."""
    if audio.digest == digest:
        return True
    for encoding in Encoding:
        other, clipped = quantise(audio.samples, audio.rate, encoding)
        same = not clipped and np.array_equal(other.samples, audio.samples.astype(other.samples.dtype))
        if same and other.digest == digest:
            return True
    return False


def sounds_in(place: Path) -> Iterator[FoundSound]:
    """The sounds of a file, or of a folder and those in it. Raises OSError for a place that cannot be read."""
    if place.is_file():
        yield from _in_file(place, place.name)
        return
    for count, path in enumerate(sorted(place.rglob("*"))):
        if count >= MAX_FILES:
            return
        if path.is_file() and not path.is_symlink():
            yield from _in_file(path, path.relative_to(place).as_posix())


def _in_file(path: Path, name: str) -> Iterator[FoundSound]:
    ending = path.suffix.lower()
    if ending in _WAVES:
        yield from _sound(path, name, read_recipe(path))
    elif ending == ".flac":
        yield from _sound(path, name, parse_recipe(read_comments(path).get(RECIPE_COMMENT, "")))
    elif ending in _ARCHIVES:
        yield from _in_archive(path, name)
    elif ending == ".aaf":
        yield from _in_aaf(path, name)


def _sound(path: Path, name: str, recipe: Mapping[str, Any] | None) -> Iterator[FoundSound]:
    if recipe is None:
        return
    try:
        audio = read_audio(path, float("inf"))
    except AudioFileError:
        yield found_sound(name, recipe, None)
    else:
        yield found_sound(name, recipe, audio)


def _in_archive(path: Path, name: str) -> Iterator[FoundSound]:
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="takebridge-") as folder:
            part = Path(folder, "member.wav")
            for info in archive.infolist():
                if info.filename.lower().endswith(_WAVES) and info.file_size <= MAX_MEMBER:
                    with archive.open(info) as member, part.open("wb") as file:
                        while block := member.read(1 << 20):
                            file.write(block)
                    yield from _sound(part, f"{name}: {info.filename}", read_recipe(part))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:  # damaged, or with a password
        raise ClipStoreError(f"{name} cannot be read: {error}.", "Export or save it again.") from error


def _in_aaf(path: Path, name: str) -> Iterator[FoundSound]:
    import aaf2  # takes a third of a second to load

    from clip_store.exports.aaf import RECIPE_COMMENT as COMMENT

    try:
        with aaf2.open(str(path), "r") as file:
            masters = {master.name: master for master in file.content.mastermobs()}
            for title, master in masters.items():
                comments = {str(key): str(text) for key, text in master.comments.items()}
                numbers = [f"{COMMENT}{number}" for number in range(len(comments))]
                recipe = parse_recipe("".join(comments[key] for key in numbers if key in comments))
                if recipe is not None:
                    right = masters.get(f"{title[:-2]}.R") if title.endswith(".L") else None
                    mobs = [master, *([right] if right is not None else [])]
                    yield found_sound(f"{name}: {title}", recipe, _essence_of(mobs))
    except (aaf2.exceptions.AAFError, ValueError, KeyError, AttributeError) as error:
        raise ClipStoreError(f"{name} cannot be read: {error}.", "Export it again.") from error


def _essence_of(masters: list[Any]) -> Audio | None:
    """The sound of master mobs, a channel each; None for essence that is not in the file, or no PCM."""
    sides: list[Samples] = []
    rate, encoding = 0, Encoding.PCM_24
    for master in masters:
        source = next((slot.segment.mob for slot in master.slots if slot.segment.mob is not None), None)
        essence = None if source is None else source.essence
        if source is None or essence is None:
            return None
        bits, rate = (
            int(source.descriptor["QuantizationBits"].value),
            int(source.descriptor["SampleRate"].value),
        )
        encoding = Encoding.PCM_16 if bits == 16 else Encoding.PCM_24
        stream = essence.open("r")
        sides.append(decode_samples(stream.read(), 1, encoding))
    if len({len(side) for side in sides}) != 1:
        return None
    return Audio(np.concatenate(sides, axis=1), rate, encoding)
