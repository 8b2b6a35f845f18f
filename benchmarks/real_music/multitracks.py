"""Mixes of real music whose true stems are known: songs rendered track by track, guitars apart, and singers over bands.

Sources, none of them part of the repository: Debian's `lmms-common` (songs as projects, which its `lmms` renders), its
`fretsonfire-songs-*` (a guitar and the rest of the band), `sonic-pi-samples` (drum loops, CC0), pieces of `pieces.py`
as bands, and two voices of vocadito (CC BY 4.0) in the source archive of basic-pitch 0.4.0 on PyPI.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.kept_voice import at_level
from benchmarks.real_music.packages import NotToBeHad, fetch, read_parts, take_place
from benchmarks.real_music.pieces import PIECES
from model.dsp.resample import resample
from model.engine import Samples

RATE, SECONDS = 44_100, 24.0
FRAMES = int(RATE * SECONDS)
VOICE_DB, DRUMS_DB, BAND_DB = -18.0, -19.0, -21.0
_PEAK = 0.9
_VOICES = "basic-pitch==0.4.0"
_RENDER_SECONDS = 900
_LMMS = (
    "lmms", "lmms-common", "libfltk1.3", "libgig10", "libqt5xml5", "librtaudio6", "librtmidi6", "libsdl1.2debian",
    "libsoundio2", "libstk-4.6.2", "stk",
)  # fmt: skip
"""The program, its songs, and the libraries it needs beside those of a desktop."""

Audio = NDArray[np.float64]


@dataclass(frozen=True)
class Multitrack:
    """A mix at RATE and what it is made of: float32 [FRAMES, 2] by stem.

    Stems are named as Sketch names them, or for what several of them hold together: "band" (bass and other), "guitar"
    (other and vocals), "rest" (drums and bass).
    """

    stems: dict[str, Samples]

    @property
    def mix(self) -> Samples:
        return np.asarray(
            np.sum([stem.astype(np.float64) for stem in self.stems.values()], axis=0), np.float32
        )


@dataclass(frozen=True)
class Song:
    """A project of lmms-common: where its 24 s begin, and words in the names of its drum and bass tracks.

    tuned_on: whether its figures were looked at while a value of the separation was chosen.
    """

    file: str
    first_seconds: float
    drums: tuple[str, ...]
    bass: tuple[str, ...]
    tuned_on: bool = True


# Where a song's bass and drums play at once for 24 s, or from its beginning if it is no longer.
SONGS = {
    "reggae": Song("demos/CapDan/CapDan-ReggaeTry.mmpz", 12.0, ("bd", "snare", "hihat", "hihhat"), ("bass",)),
    "reggaeton": Song(
        "demos/CapDan/CapDan-ReggaetonTry.mmpz", 4.0, ("bd", "noise", "snare", "hihat", "hh"), ("bass",)
    ),
    # Its "bassline 1" holds C4 with 3 % to 13 % of its energy below 150 Hz, above pads that play lower: no bass.
    "progress": Song("demos/Socceroos-Progress.mmpz", 190.0, ("kick", "hihat", "snare"), ()),
    "surrender": Song("shorties/Surrender-Main.mmpz", 0.0, ("kick", "loop"), ("bass",)),
    "axe": Song("demos/Thomasso-AxeFromThe80s.mmpz", 176.0, ("tom", "snare", "kick", "hihat"), ("bassslap",)),
    "crunk": Song("shorties/Crunk(Demo).mmp", 0.0, ("kick", "clap"), ("bass",), tuned_on=False),
    "dirtylove": Song(
        "shorties/DirtyLove.mmpz",
        26.0,
        ("bassdrum", "clap", "hihat", "snare", "crash"),
        ("bass",),
    ),
}


def mixes(folder: Path) -> Iterator[tuple[str, Callable[[], Multitrack]]]:
    """Every mix by name; making one may raise NotToBeHad."""
    for voice, loop, band, first in (
        (10, "loop_amen_full", "love_theme", 20.0),
        (14, "loop_breakbeat", "adonthell5", 30.0),
        (10, "loop_industrial", "awakening", 60.0),
    ):
        yield (
            f"voice {voice}, {loop}, {band}",
            lambda v=voice, d=loop, b=band, f=first: sung(v, d, b, f, folder),
        )
    for name in SONGS:
        yield name, lambda name=name: rendered(SONGS[name], folder)
    for name, first in (("feelings", 60.0), ("metal_madness", 40.0), ("armygeddon", 40.0)):
        yield f"{name}, its guitar", lambda name=name, first=first: guitar_apart(name, first, folder)


def of_stems(stems: dict[str, Audio]) -> Multitrack:
    """With the mix's peak at most at _PEAK."""
    peak = float(np.abs(np.sum(list(stems.values()), axis=0)).max())
    gain = min(1.0, _PEAK / max(peak, 1e-9))
    return Multitrack({name: (stem * gain).astype(np.float32) for name, stem in stems.items()})


def sung(voice: int, loop: str, band: str, first_seconds: float, folder: Path) -> Multitrack:
    """A real singer over a real drum loop and a real band, which has a bass of its own."""
    loops = fetch("sonic-pi-samples", folder) / "usr/share/sonic-pi/samples"
    singer = np.pad(read(voices(folder) / f"vocadito_{voice}.wav"), ((RATE, RATE), (0, 0)))
    parts, rate = read_parts(PIECES[band], folder)
    whole = stereo(np.sum(parts, axis=0), rate)[int(first_seconds * RATE) :]
    return of_stems(
        {
            "vocals": at_level(repeated(singer), VOICE_DB),
            "drums": at_level(repeated(read(loops / f"{loop}.flac")), DRUMS_DB),
            "band": at_level(whole[:FRAMES], BAND_DB),
        }
    )


def guitar_apart(name: str, first_seconds: float, folder: Path) -> Multitrack:
    """A piece of Frets on Fire: its lead guitar and its other instruments."""
    (rest, guitar), rate = read_parts(PIECES[name], folder)
    first = int(first_seconds * RATE)
    return of_stems(
        {
            stem: stereo(part, rate)[first : first + FRAMES]
            for stem, part in (("guitar", guitar), ("rest", rest))
        }
    )


def rendered(song: Song, folder: Path) -> Multitrack:
    """A song of lmms-common, its tracks summed by what they are."""
    tracks = rendered_tracks(song, folder)
    stems: dict[str, Audio] = {}
    for file in tracks:
        name = file.stem.split("_", 1)[1].lower()
        stem = "drums" if has(name, song.drums) else "bass" if has(name, song.bass) else "other"
        track = read(file, song.first_seconds)
        stems[stem] = stems.get(stem, 0.0) + np.pad(track, ((0, FRAMES - len(track)), (0, 0)))
    return of_stems(stems)


def has(name: str, words: tuple[str, ...]) -> bool:
    return any(word in name for word in words)


def rendered_tracks(song: Song, folder: Path) -> list[Path]:
    """A file for each track, from the last time or by lmms now (minutes). Raises NotToBeHad."""
    done = folder / "lmms-tracks" / Path(song.file).stem
    if not done.is_dir():
        roots = [fetch(package, folder) for package in _LMMS]
        data = roots[0] / "usr/share/lmms"
        if not data.is_dir():
            data.symlink_to(roots[1].resolve() / "usr/share/lmms")
        done.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=done.parent) as scratch:
            _render(song, roots, Path(scratch))
            take_place(Path(scratch, "tracks"), done)
    return sorted(done.glob("*.wav"))


def _render(song: Song, roots: list[Path], scratch: Path) -> None:
    libraries = [str(path) for root in roots for path in (root / "usr/lib").glob("*-linux-gnu")]
    plugins = next((roots[0] / "usr/lib").glob("*-linux-gnu/lmms"))
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": ":".join([*libraries, str(plugins)]),
        "LMMS_PLUGIN_DIR": str(plugins),
        "LADSPA_PATH": str(plugins / "ladspa"),
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(scratch),
    }
    program, project = roots[0] / "usr/bin/lmms", roots[1] / "usr/share/lmms/projects" / song.file
    command = [str(program), "--allowroot", "rendertracks", str(project), "-f", "wav", "-x", "1"]
    try:
        (scratch / "tracks").mkdir()
        subprocess.run(
            [*command, "-o", str(scratch / "tracks")],
            env=environment, check=True, capture_output=True, timeout=_RENDER_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise NotToBeHad(f"{song.file}: lmms does not run here ({error})") from error
    if not any((scratch / "tracks").glob("*.wav")):
        raise NotToBeHad(f"{song.file}: lmms rendered nothing")


def voices(folder: Path) -> Path:
    """The folder with the two voices, from the last time or from the archive. Raises NotToBeHad."""
    found = folder / "voices"
    if found.is_dir():
        return found
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--no-binary",
            ":all:",
            "-d",
            scratch,
        ]
        try:
            subprocess.run(
                [*command, _VOICES], check=True, capture_output=True, text=True, timeout=_RENDER_SECONDS
            )
        except subprocess.CalledProcessError as error:
            raise NotToBeHad(f"{_VOICES}: {error.stderr.strip()[-200:]}") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotToBeHad(f"{_VOICES}: {error}") from error
        kept = Path(scratch, "voices")
        kept.mkdir()
        with tarfile.open(next(Path(scratch).glob("*.tar.gz"))) as archive:
            for member in archive.getmembers():
                name = Path(member.name).name
                data = archive.extractfile(member)
                if data is not None and name.startswith("vocadito_") and name.endswith(".wav"):
                    (kept / name).write_bytes(data.read())
        take_place(kept, found)
    return found


def read(path: Path, first_seconds: float = 0.0) -> Audio:
    """Stereo at RATE from `first_seconds` on, at most FRAMES."""
    with soundfile.SoundFile(path) as file:
        rate = file.samplerate
        file.seek(min(round(first_seconds * rate), file.frames))
        samples = file.read(int(SECONDS * rate), dtype="float64", always_2d=True)
    return stereo(samples, rate)[:FRAMES]


def stereo(samples: NDArray[np.floating], rate: int) -> Audio:
    """Two channels at RATE."""
    both = np.broadcast_to(samples[:, :2], (len(samples), 2)).astype(np.float32)
    return np.asarray(resample(np.ascontiguousarray(both), rate, RATE), dtype=np.float64)


def repeated(samples: Audio) -> Audio:
    """Over and over, FRAMES long."""
    return np.tile(samples, (-(-FRAMES // len(samples)), 1))[:FRAMES]
