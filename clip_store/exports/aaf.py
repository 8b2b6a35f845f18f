"""A project as an AAF file, sound included. pyaaf2 writes it.

One composition; a slot (track) for each channel of each track, at an edit rate of the sample rate, so that lengths
of clips and of the silence between them are counted in samples. Essence is mono PCM: what AAF readers agree on.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aaf2

from clip_store.audio.audio import Audio, Encoding, quantise
from clip_store.audio.audio_file import write_wav
from clip_store.audio.xmp import decode_xmp
from clip_store.exports.project import Project, SoundFile, Track
from clip_store.exports.sound_recipe import recipe_in

SIDES = {1: ("",), 2: (".L", ".R")}
MUTE_MARK = " (mute)"

RECIPE_COMMENT = "TakebridgeRecipe"
SOURCE_TYPE_COMMENT = "DigitalSourceType"
LONGEST_COMMENT = 30_000
"""Letters of one comment: a property of a structured storage file holds 65,535 bytes, and its letters are UTF-16."""

Mono = tuple[Any, ...]
"""The master mob of each channel of a sound file."""


def write_aaf(project: Project, path: Path, read: Callable[[SoundFile], Audio]) -> int:
    """Write the file; read: the audio of a sound. Returns how many samples 24 bits could not hold.

    Raises OSError when the disk fails, and whatever `read` raises.
    """
    file = aaf2.open(str(path), "w")
    try:
        with file, tempfile.TemporaryDirectory() as folder:
            return _write(file, project, read, Path(folder))
    finally:
        with contextlib.suppress(OSError):  # pyaaf2 leaves it open where it cannot finish
            file.f.close()


def _write(file: Any, project: Project, read: Callable[[SoundFile], Audio], folder: Path) -> int:
    clipped = 0
    masters: dict[SoundFile, Mono] = {}
    for sound in project.files:
        audio = read(sound)
        encoding = Encoding.PCM_16 if audio.encoding is Encoding.PCM_16 else Encoding.PCM_24
        held, lost = quantise(audio.samples, audio.rate, encoding)
        masters[sound] = _essence(file, sound, held, folder)
        clipped += lost
        recipe, _ = recipe_in(project, sound, held)
        if recipe is not None:
            _describe(masters[sound][0], {**recipe, "audio": held.digest}, sound)
    composition = file.create.CompositionMob(plain(project.title))
    composition.usage = "Usage_TopLevel"
    composition.comments["Comment"] = plain(project.comment)
    file.content.mobs.append(composition)
    for track in project.tracks:
        for side in range(track.channels):
            _add_slot(file, composition, track, side, masters, project.rate)
    return clipped


def plain(text: str) -> str:
    """Text for AAF's zero-ended UTF-16 strings."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _essence(file: Any, sound: SoundFile, audio: Audio, folder: Path) -> Mono:
    """Each channel of a sound in the AAF file."""
    found = []
    for channel, side in enumerate(SIDES[audio.channels]):
        part = folder / "channel.wav"
        write_wav(part, Audio(audio.samples[:, channel : channel + 1], audio.rate, audio.encoding))
        master = file.create.MasterMob(plain(sound.name + side))
        file.content.mobs.append(master)
        with part.open("rb") as wave:  # a file, not its name: pyaaf2 leaves what it opens to be collected
            master.import_audio_essence(wave, audio.rate)
        if sound.take is not None:
            master.comments["Take"] = sound.take.id
        found.append(master)
    return tuple(found)


def _describe(master: Any, recipe: Mapping[str, object], sound: SoundFile) -> None:
    """Puts what a WAV file says in its chunks into the comments of a sound's first channel: essence has none."""
    text = json.dumps(dict(recipe), sort_keys=True)
    for number, first in enumerate(range(0, len(text), LONGEST_COMMENT)):
        master.comments[f"{RECIPE_COMMENT}{number}"] = text[first : first + LONGEST_COMMENT]
    kind = decode_xmp(sound.xmp.decode("utf-8", "replace")).source_type
    if kind:
        master.comments[SOURCE_TYPE_COMMENT] = plain(kind)


def _add_slot(
    file: Any, composition: Any, track: Track, side: int, masters: dict[SoundFile, Mono], rate: int
) -> None:
    sequence = file.create.Sequence(media_kind="sound")
    slot = composition.create_timeline_slot(edit_rate=rate)
    mark = MUTE_MARK if track.muted else ""
    slot.name = plain(track.name + SIDES[track.channels][side] + mark)
    slot["PhysicalTrackNumber"].value = len(composition.slots)
    at = 0
    for clip in track.clips:
        if clip.muted:
            continue  # AAF has no mute flag; silence does it
        if clip.position > at:
            sequence.components.append(file.create.Filler("sound", clip.position - at))
        channels = masters[clip.file]
        master = channels[min(side, len(channels) - 1)]  # a mono clip on a stereo track sounds on both sides
        part = master.create_source_clip(master.slots[0].slot_id, start=clip.start, length=clip.length)
        sequence.components.append(part)
        at = clip.end
    slot.segment = sequence
    sequence.length = at
