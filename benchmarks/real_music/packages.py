"""Fetches the packages that hold the pieces, without installing any, and reads the pieces from them."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Collection
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.real_music.further import FURTHER
from benchmarks.real_music.pieces import PIECES, RealPiece
from model.engine import Samples
from tests.model.sketch.songs import Generated, grid_of, song_of

FOLDER = Path(tempfile.gettempdir()) / "takebridge-real-music"
SECONDS = 150.0
"""Pieces are cut to their first two and a half minutes."""
_PEAK = 0.98
EVERY = PIECES | FURTHER
_BEATS = Path(__file__).with_name("beats.json")
_DOWNLOAD_SECONDS = 600


class NotToBeHad(Exception):
    """A package cannot be fetched here; says why."""


def fetch(package: str, folder: Path = FOLDER) -> Path:
    """The folder of an unpacked package, from the last time or from the distribution. Raises NotToBeHad."""
    unpacked = folder / package
    if (unpacked / "usr").is_dir():
        return unpacked
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise NotToBeHad(f"{package}: apt-get and dpkg are needed to fetch it")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        archive = _downloaded(package, Path(scratch))
        _run(package, ["dpkg", "-x", str(archive), f"{scratch}/{package}"], Path(scratch))
        take_place(Path(scratch, package), unpacked)
    return unpacked


def take_place(made: Path, place: Path) -> None:
    """Moves a folder to `place`; if another process was there first, its folder, which holds the same, stays."""
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def _downloaded(package: str, scratch: Path) -> Path:
    patience = ["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10"]
    _run(package, ["apt-get", *patience, "download", "-q", package], scratch)
    found = list(scratch.glob("*.deb"))
    if not found:
        raise NotToBeHad(f"{package}: apt-get download left no archive")
    return found[0]


def _run(package: str, command: list[str], folder: Path) -> None:
    try:
        subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS
        )
    except subprocess.CalledProcessError as error:
        raise NotToBeHad(f"{package}: {(error.stderr or error.stdout).strip()[-200:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotToBeHad(f"{package}: {error}") from error


def to_be_had(names: Collection[str], folder: Path = FOLDER) -> tuple[list[str], list[str]]:
    """(names of the pieces whose package could be fetched, why the others could not)."""
    found, missing = [], {}
    for name in names:
        try:
            fetch(EVERY[name].package, folder)
            found.append(name)
        except NotToBeHad as error:
            missing[EVERY[name].package] = str(error)
    return found, list(missing.values())


def read_parts(
    piece: RealPiece, folder: Path = FOLDER, seconds: float = SECONDS
) -> tuple[list[Samples], int]:
    """The piece's files, equally long, at their own rate: float32 [frames, 2] each. Raises NotToBeHad."""
    parts, rates = [], set()
    for file in piece.files:
        samples, rate = soundfile.read(
            fetch(piece.package, folder) / "usr" / file, dtype="float32", always_2d=True
        )
        parts.append(samples[: round(seconds * rate)])
        rates.add(rate)
    (rate,) = rates
    frames = min(map(len, parts))
    return [part[:frames] for part in parts], rate


def beat_seconds(name: str, seconds: float) -> NDArray[np.float64]:
    """Beats of the piece from its first downbeat to the last whole bar within `seconds`."""
    piece = EVERY[name]
    if piece.bpm is None:
        beats = np.array(json.loads(_BEATS.read_text())[name])
    else:
        beats = np.arange(piece.downbeat, seconds, 60.0 / piece.bpm)
    whole = (int(np.searchsorted(beats, seconds)) - 1) // piece.meter * piece.meter
    return beats[: whole + 1]


def real_song(name: str, folder: Path = FOLDER, seconds: float = SECONDS) -> Generated:
    """The piece's first `seconds` as the benchmarks' measures take songs; its chords are not known (all 0).

    Raises NotToBeHad.
    """
    parts, rate = read_parts(EVERY[name], folder, seconds)
    mix = np.sum(parts, axis=0)
    mix *= min(1.0, _PEAK / max(float(np.abs(mix).max()), 1e-9))
    beats = beat_seconds(name, len(mix) / rate)
    return Generated(
        song_of(mix, rate),
        grid_of(beats, EVERY[name].meter),
        {},
        np.zeros(len(beats) - 1, dtype=np.int64),
    )
