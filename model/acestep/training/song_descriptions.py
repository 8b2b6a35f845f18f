"""Caption, lyrics and facts of songs nothing is written about, from the planner that is installed with the checkpoint.

What it writes of a song is kept in a file of the training; so is the name of a song that was prepared without a
planner. So a training that goes on has the same words, whether a planner has come or gone meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from model.acestep.conditioning.audio_rate import whole_audio
from model.acestep.conditioning.prompts import INSTRUMENTAL, LANGUAGES, UNKNOWN_LANGUAGE
from model.acestep.device.devices import Device, free_bytes
from model.acestep.latent_grid import MODEL_RATE
from model.acestep.planner import word_tasks
from model.acestep.planner.song_planning import PlannerHouse
from model.acestep.renderer import Parts, Renderer
from model.acestep.training.preparation import OnPrepared, ReadSong, TrainingSong
from model.acestep.training.whole_file import write_whole_file
from model.blueprint import Blueprint
from model.engine import Grid, RenderRequest, ShouldStop, Song, Task
from model.errors import CannotRender
from model.pace import Pace, within

_HEARD = 0.5  # share of a description's time that listening takes
_WRITTEN = "lyrics"  # a planner always says something of them; a song that kept its name has a caption only
_WORDS = ("caption", "lyrics", "language", "bpm", "meter", "key")


def described(
    parts: Parts,
    planner: Path | None,
    device: Device,
    songs: Sequence[TrainingSong],
    read: ReadSong,
    kept: Path,
    on_prepared: OnPrepared,
    should_stop: ShouldStop,
) -> tuple[tuple[TrainingSong, ...], tuple[TrainingSong, ...]]:
    """The songs, each with words, and those of them that a planner wrote about.

    planner: its folder; None: a song that no planner has written about keeps its name as caption.
    kept: the file of what was written before. Raises RenderStopped, and CannotRender where the planner does not fit or
    the disk refuses.
    """
    wanted = [song for song in songs if song.describe]
    if not wanted:
        return tuple(songs), ()
    found = _kept(kept)
    missing = [song for song in wanted if song.digest not in found]
    if missing and planner is not None:
        _write_about(parts, planner, device, missing, read, kept, found, on_prepared, should_stop)
    elif missing:
        found |= {song.digest: {"caption": song.caption} for song in missing}
        write_whole_file(kept, _as_json(found))
    now = tuple(_with(song, found[song.digest]) if song.describe else song for song in songs)
    pairs = zip(songs, now, strict=True)
    return now, tuple(one for song, one in pairs if song.describe and _WRITTEN in found[song.digest])


def _write_about(
    parts: Parts,
    planner: Path,
    device: Device,
    missing: Sequence[TrainingSong],
    read: ReadSong,
    kept: Path,
    found: dict[str, dict[str, Any]],
    on_prepared: OnPrepared,
    should_stop: ShouldStop,
) -> None:
    """Has the planner write about the songs that are missing in `found`; keeps each as soon as it is there."""
    house = PlannerHouse(planner, device, free_bytes(device))
    _refuse_too_large(house, planner.name)
    # The planner is as large as all other networks together: it comes when every song has been heard.
    shares = [(number / len(missing), (number + 1) / len(missing)) for number in range(len(missing))]

    def pace(what: str, low: float, high: float) -> Pace:
        on_prepared(what, low)
        return Pace(within(lambda update: on_prepared(what, update.fraction), low, high), should_stop)

    heard = [
        _heard(parts, song, read, pace(f"listening to {song.name}", low * _HEARD, high * _HEARD))
        for song, (low, high) in zip(missing, shares, strict=True)
    ]
    try:
        for song, (request, codes), (low, high) in zip(missing, heard, shares, strict=True):
            rest = pace(f"describing {song.name}", _HEARD + low * (1 - _HEARD), _HEARD + high * (1 - _HEARD))
            found[song.digest] = _words(word_tasks.understand(house.planner(rest), request, codes, {}, rest))
            write_whole_file(kept, _as_json(found))
    finally:
        house.close()


def _as_json(found: Mapping[str, Mapping[str, Any]]) -> bytes:
    return json.dumps(found, indent=1).encode()


def _refuse_too_large(house: PlannerHouse, name: str) -> None:
    try:
        house.refuse(name)
    except CannotRender as large:
        raise CannotRender(
            large.sentence,
            "Put a file with a caption next to each song, or train without a planner (describe off, or --as-named).",
        ) from large


def _heard(
    parts: Parts, song: TrainingSong, read: ReadSong, pace: Pace
) -> tuple[RenderRequest, tuple[int, ...]]:
    """What to describe, without its sound, and its audio codes."""
    samples = np.ascontiguousarray(whole_audio(*read(song)).T)  # [n, 2] at the model's rate
    heard, none = Song(samples, MODEL_RATE, song.digest), np.zeros(0, int)
    request = RenderRequest(
        task=Task.ANALYSE, song=heard, rate=MODEL_RATE, channels=heard.channels, start=0, end=heard.frames,
        grid=Grid(np.zeros(0), none, none, none, np.zeros(0)), seed=0,
    )  # fmt: skip
    most = min(heard.frames, word_tasks.MAX_UNDERSTOOD_SECONDS * MODEL_RATE)
    codes = Renderer(parts).codes_of(heard, 0, most, pace)
    quiet = np.broadcast_to(np.zeros((1, 1), np.float32), samples.shape)  # 50 songs would take gigabytes
    return replace(request, song=replace(heard, samples=quiet)), codes


def _with(song: TrainingSong, words: Mapping[str, Any]) -> TrainingSong:
    """The song with these words; what stands next to it counts more."""
    plain = TrainingSong(song.name, song.digest, song.caption)
    kept = {
        name: value
        for name, value in words.items()
        if name == "caption" or getattr(song, name) == getattr(plain, name)
    }
    return replace(song, describe=False, **kept)


def _words(found: Blueprint) -> dict[str, Any]:
    """What a `TrainingSong` takes of a description."""
    lyrics = "\n".join(line.text for line in found.lyrics).strip()
    words: dict[str, Any] = {"lyrics": lyrics or INSTRUMENTAL}
    if found.caption:
        words["caption"] = found.caption
    words["language"] = found.language if found.language in LANGUAGES else UNKNOWN_LANGUAGE
    if found.tempo:
        words["bpm"] = round(found.tempo)
    if found.meter:
        words["meter"] = found.meter.partition("/")[0]
    if found.key:
        words["key"] = found.key
    return words


def _kept(path: Path) -> dict[str, dict[str, Any]]:
    """By the song's digest. Raises CannotRender for a file that is no such table: what was prepared depends on it."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(digest): {name: words[name] for name in _WORDS if name in words}
            for digest, words in found.items()
        }
    except (OSError, ValueError, TypeError, AttributeError) as damaged:
        raise CannotRender(
            f"What the planner wrote of the songs can no longer be read from {path.parent}.",
            f"Remove {path.name} there; the songs are described again.",
        ) from damaged
