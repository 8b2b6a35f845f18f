"""Which file of which Debian package is which piece, under which licence, and which pieces parameters were tuned on.

Nothing of it is part of the repository: `packages.py` fetches it. Licences are those of the packages' copyright files.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RealPiece:
    """One piece.

    files:    below the package's usr; several are true stems, which are summed.
    bpm:      quarter notes a minute; None where the tempo wavers: then beats.json has its beats.
    downbeat: seconds of the first downbeat; not used where there is no `bpm`.
    tuned_on: whether its figures were looked at while a value of the engine was chosen.
    """

    package: str
    files: tuple[str, ...]
    kind: str
    licence: str
    bpm: float | None
    downbeat: float
    meter: int = 4
    tuned_on: bool = False


_FRETS = "share/games/fretsonfire/data/songs"
_WESNOTH = "share/games/wesnoth/1.16/data/core/music"


def _stems(folder: str) -> tuple[str, ...]:
    return tuple(f"{_FRETS}/{folder}/{stem}.ogg" for stem in ("song", "guitar"))


# Split by package, so that a band or a composer stands on one side only.
PIECES: dict[str, RealPiece] = {
    "feelings": RealPiece(
        "fretsonfire-songs-sectoid", _stems("sectoid/Feelings"), "rock ballad", "MIT", 95.0, 0.0478, 4, True
    ),
    "metal_madness": RealPiece(
        "fretsonfire-songs-sectoid", _stems("sectoid/Metal madness"), "metal", "MIT", 150.0, 0.0598, 4, True
    ),
    "media_threat": RealPiece(
        "singularity-music",
        ("share/games/singularity/music/Media Threat.ogg",),
        "electronic",
        "CC-BY-SA-3.0",
        100.0,
        1.8198,
        4,
        True,
    ),
    "awakening": RealPiece(
        "singularity-music",
        ("share/games/singularity/music/Awakening.ogg",),
        "ambient",
        "CC-BY-SA-3.0",
        120.0,
        0.0279,
        4,
        True,
    ),
    "loyalists": RealPiece(
        "wesnoth-1.16-music", (f"{_WESNOTH}/loyalists.ogg",), "orchestral", "GPL-2+", 115.0, 0.0398, 4, True
    ),
    "minstrels": RealPiece(
        "wesnoth-1.16-music",
        (f"{_WESNOTH}/traveling_minstrels.ogg",),
        "folk",
        "GPL-2+",
        154.0,
        0.5494,
        3,
        True,
    ),
    "love_theme": RealPiece(
        "wesnoth-1.16-music", (f"{_WESNOTH}/love_theme.ogg",), "chamber music", "GPL-2+", None, 0.0, 4, True
    ),
    "zaz2": RealPiece(
        "zaz-data", ("share/games/zaz/mus2.ogg",), "game music", "CC-BY-SA-3.0", 100.0, 1.9319, 4, True
    ),
    "armygeddon": RealPiece(
        "fretsonfire-songs-muldjord", _stems("muldjord/armygeddon"), "metal", "CC-BY-SA-3.0", 170.0, 1.0866
    ),
    "chaos_god": RealPiece(
        "fretsonfire-songs-muldjord", _stems("muldjord/chaos_god"), "metal", "CC-BY-SA-3.0", 170.0, 0.3807
    ),
    "speeditup": RealPiece(
        "xmoto-data", ("share/games/xmoto/Textures/Musics/speeditup.ogg",), "rock", "GPL-2+", 100.0, 0.0454
    ),
    "machine_wars": RealPiece(
        "asc-music", ("share/games/asc/music/machine_wars.mp3",), "techno, orchestra", "GPL-2+", 120.0, 1.0396
    ),
    "track1": RealPiece(
        "warzone2100-music",
        ("share/games/warzone2100/music/albums/original_soundtrack/track1.opus",),
        "electronic",
        "GPL-2+",
        160.0,
        0.0918,
    ),
    "instead": RealPiece(
        "instead-data",
        ("share/games/instead/games/tutorial3/instead.ogg",),
        "game music",
        "CC-BY-SA-3.0",
        128.0,
        0.4966,
    ),
    "adonthell5": RealPiece(
        "adonthell-data",
        ("share/games/adonthell/games/wastesedge/audio/at-demo-5.ogg",),
        "game music",
        "GPL-2+",
        120.0,
        0.6719,
    ),
    "prototype": RealPiece(
        "colobot-common-sounds",
        ("share/games/colobot/music/Prototype.ogg",),
        "electronic",
        "GPL-3+",
        129.9,
        0.0,
    ),
    "titlemusic": RealPiece(
        "tuxfootball", ("share/games/tuxfootball/sound/titlemusic.ogg",), "game music", "GPL-2+", None, 0.0
    ),
    "snow": RealPiece(
        "lugaru-data", ("share/games/lugaru/Sounds/Music1Snow.ogg",), "ambient", "CC-BY-SA-3.0", None, 0.0
    ),
}
