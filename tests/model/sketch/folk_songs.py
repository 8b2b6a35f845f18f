"""Public-domain melodies as notes with the chords they are usually played with.

One entry per bar; "G4:1.5" is a note and its length in beats, "-:1" a rest; chords likewise, "N" where nobody
plays yet. Tuning of the harmoniser used TUNED_ON only; HELD_OUT was looked at when the figures were taken.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FolkSong:
    """key as a producer writes it; beats per bar (quarter notes); bars separated by "|"."""

    name: str
    key: str
    beats: int
    tempo: float
    melody: str
    chords: str


TWINKLE = FolkSong(
    "Twinkle, Twinkle",
    "C major",
    4,
    100,
    "C4:1 C4:1 G4:1 G4:1 | A4:1 A4:1 G4:2 | F4:1 F4:1 E4:1 E4:1 | D4:1 D4:1 C4:2 |"
    "G4:1 G4:1 F4:1 F4:1 | E4:1 E4:1 D4:2 | G4:1 G4:1 F4:1 F4:1 | E4:1 E4:1 D4:2 |"
    "C4:1 C4:1 G4:1 G4:1 | A4:1 A4:1 G4:2 | F4:1 F4:1 E4:1 E4:1 | D4:1 D4:1 C4:2",
    "C:4 | F:2 C:2 | F:2 C:2 | G:2 C:2 | C:2 F:2 | C:2 G:2 | C:2 F:2 | C:2 G:2 | C:4 | F:2 C:2 | F:2 C:2 | G:2 C:2",
)

AMAZING_GRACE = FolkSong(
    "Amazing Grace",
    "G major",
    3,
    88,
    "-:2 D4:1 | G4:2 B4:.5 G4:.5 | B4:2 A4:1 | G4:2 E4:1 | D4:2 D4:1 | G4:2 B4:.5 G4:.5 | B4:2 A4:1 | D5:3 |"
    "D5:2 B4:1 | D5:2 B4:.5 G4:.5 | B4:2 A4:1 | G4:2 E4:1 | D4:2 D4:1 | G4:2 B4:.5 G4:.5 | B4:2 A4:1 | G4:3 | G4:3",
    "N:3 | G:3 | G:3 | C:3 | G:3 | G:3 | G:3 | D:3 | D:3 | G:3 | G:3 | C:3 | G:3 | G:3 | D:3 | G:3 | G:3",
)

SAINTS = FolkSong(
    "When the Saints",
    "F major",
    4,
    126,
    "-:1 F4:1 A4:1 Bb4:1 | C5:4 | -:1 F4:1 A4:1 Bb4:1 | C5:4 | -:1 F4:1 A4:1 Bb4:1 | C5:2 A4:2 | F4:2 A4:2 | G4:4 |"
    "-:1 A4:1 A4:1 G4:1 | F4:3 F4:1 | A4:2 C5:2 | C5:1 Bb4:3 | -:2 A4:1 Bb4:1 | C5:2 A4:2 | F4:2 G4:2 | F4:4",
    "N:4 | F:4 | F:4 | F:4 | F:4 | F:4 | F:4 | C:4 | C:4 | F:4 | F:4 | Bb:4 | Bb:4 | F:4 | F:2 C:2 | F:4",
)

GREENSLEEVES = FolkSong(
    "Greensleeves",
    "A minor",
    3,
    112,
    "-:2 A4:1 | C5:2 D5:1 | E5:1.5 F5:.5 E5:1 | D5:2 B4:1 | G4:1.5 A4:.5 B4:1 | C5:2 A4:1 | A4:1.5 G#4:.5 A4:1 |"
    "B4:2 G#4:1 | E4:2 A4:1 | C5:2 D5:1 | E5:1.5 F5:.5 E5:1 | D5:2 B4:1 | G4:1.5 A4:.5 B4:1 | C5:1.5 B4:.5 A4:1 |"
    "G#4:1.5 F#4:.5 G#4:1 | A4:3 | A4:2 -:1 | G5:3 | G5:1.5 F#5:.5 E5:1 | D5:2 B4:1 | G4:1.5 A4:.5 B4:1 | C5:2 A4:1 |"
    "A4:1.5 G#4:.5 A4:1 | B4:2 G#4:1 | E4:3 | G5:3 | G5:1.5 F#5:.5 E5:1 | D5:2 B4:1 | G4:1.5 A4:.5 B4:1 |"
    "C5:1.5 B4:.5 A4:1 | G#4:1.5 F#4:.5 G#4:1 | A4:3 | A4:3",
    "N:3 | Am:3 | Am:3 | G:3 | G:3 | Am:3 | Am:3 | E:3 | E:3 | Am:3 | Am:3 | G:3 | G:3 | Am:3 | E:3 | Am:3 | Am:3 |"
    "C:3 | C:3 | G:3 | G:3 | Am:3 | Am:3 | E:3 | E:3 | C:3 | C:3 | G:3 | G:3 | Am:3 | E:3 | Am:3 | Am:3",
)

SCARBOROUGH_FAIR = FolkSong(
    "Scarborough Fair",
    "D dorian",
    3,
    104,
    "D4:2 D4:1 | A4:2 A4:1 | E4:1.5 F4:.5 E4:1 | D4:3 | -:1 A4:1 C5:1 | D5:2 C5:1 | A4:1 B4:1 G4:1 | A4:3 | -:2 D5:1 |"
    "D5:2 D5:1 | C5:2 A4:1 | A4:1 G4:1 F4:1 | E4:1 C4:2 | D4:2 A4:1 | G4:2 F4:1 | E4:1 D4:1 C4:1 | D4:3",
    "Dm:3 | Dm:3 | C:3 | Dm:3 | F:3 | Dm:3 | G:3 | Dm:3 | Dm:3 | Dm:3 | F:3 | F:3 | C:3 | Dm:3 | C:3 | C:3 | Dm:3",
)

DRUNKEN_SAILOR = FolkSong(
    "Drunken Sailor",
    "D dorian",
    4,
    132,
    "A4:1 A4:.5 A4:.5 A4:1 A4:.5 A4:.5 | A4:1 D4:1 F4:1 A4:1 | G4:1 G4:.5 G4:.5 G4:1 G4:.5 G4:.5 |"
    "G4:1 C4:1 E4:1 G4:1 | A4:1 A4:.5 A4:.5 A4:1 A4:.5 A4:.5 | A4:1 B4:1 C5:1 D5:1 | C5:1 A4:1 G4:1 E4:1 | D4:2 D4:2 |"
    "A4:2 A4:1.5 A4:.5 | A4:1 D4:1 F4:1 A4:1 | G4:2 G4:1.5 G4:.5 | G4:1 C4:1 E4:1 G4:1 |"
    "A4:2 A4:1.5 A4:.5 | A4:1 B4:1 C5:1 D5:1 | C5:1 A4:1 G4:1 E4:1 | D4:2 D4:2",
    "Dm:4 | Dm:4 | C:4 | C:4 | Dm:4 | Dm:4 | C:4 | Dm:4 | Dm:4 | Dm:4 | C:4 | C:4 | Dm:4 | Dm:4 | C:4 | Dm:4",
)

CLEMENTINE = FolkSong(
    "Clementine",
    "F major",
    3,
    108,
    "-:2 F4:.5 F4:.5 | F4:1 C4:1 A4:.5 A4:.5 | A4:1 F4:1 F4:.5 A4:.5 | C5:1 C5:1 Bb4:.5 A4:.5 | G4:2 G4:.5 A4:.5 |"
    "Bb4:1 Bb4:1 A4:.5 G4:.5 | A4:1 F4:1 F4:.5 A4:.5 | G4:1 C4:1 E4:.5 G4:.5 | F4:2 F4:.5 F4:.5 |"
    "F4:1 C4:1 A4:.5 A4:.5 | A4:1 F4:1 F4:.5 A4:.5 | C5:1 C5:1 Bb4:.5 A4:.5 | G4:2 G4:.5 A4:.5 |"
    "Bb4:1 Bb4:1 A4:.5 G4:.5 | A4:1 F4:1 F4:.5 A4:.5 | G4:1 C4:1 E4:.5 G4:.5 | F4:2 -:1",
    "N:3 | F:3 | F:3 | F:3 | C:3 | C:3 | F:3 | C:3 | F:3 | F:3 | F:3 | F:3 | C:3 | C:3 | F:3 | C:3 | F:3",
)

ODE_TO_JOY = FolkSong(
    "Ode to Joy",
    "D major",
    4,
    116,
    "F#4:1 F#4:1 G4:1 A4:1 | A4:1 G4:1 F#4:1 E4:1 | D4:1 D4:1 E4:1 F#4:1 | F#4:1.5 E4:.5 E4:2 |"
    "F#4:1 F#4:1 G4:1 A4:1 | A4:1 G4:1 F#4:1 E4:1 | D4:1 D4:1 E4:1 F#4:1 | E4:1.5 D4:.5 D4:2 |"
    "E4:1 E4:1 F#4:1 D4:1 | E4:1 F#4:.5 G4:.5 F#4:1 D4:1 | E4:1 F#4:.5 G4:.5 F#4:1 E4:1 | D4:1 E4:1 A3:2 |"
    "F#4:1 F#4:1 G4:1 A4:1 | A4:1 G4:1 F#4:1 E4:1 | D4:1 D4:1 E4:1 F#4:1 | E4:1.5 D4:.5 D4:2",
    "D:4 | A:4 | D:4 | D:2 A:2 | D:4 | A:4 | D:4 | A:2 D:2 | A:2 D:2 | A:2 D:2 | A:2 D:2 | D:2 A:2 |"
    "D:4 | A:4 | D:4 | A:2 D:2",
)

AULD_LANG_SYNE = FolkSong(
    "Auld Lang Syne",
    "F major",
    4,
    96,
    "-:3 C4:1 | F4:1.5 F4:.5 F4:1 A4:1 | G4:1.5 F4:.5 G4:1 A4:1 | F4:1.5 F4:.5 A4:1 C5:1 | D5:3 D5:1 |"
    "C5:1.5 A4:.5 A4:1 F4:1 | G4:1.5 F4:.5 G4:1 A4:1 | F4:1.5 D4:.5 D4:1 C4:1 | F4:3 D5:1 |"
    "C5:1.5 A4:.5 A4:1 F4:1 | G4:1.5 F4:.5 G4:1 D5:1 | C5:1.5 A4:.5 A4:1 C5:1 | D5:3 D5:1 |"
    "C5:1.5 A4:.5 A4:1 F4:1 | G4:1.5 F4:.5 G4:1 A4:1 | F4:1.5 D4:.5 D4:1 C4:1 | F4:3 -:1",
    "N:4 | F:4 | C:4 | F:4 | Bb:4 | F:4 | C:4 | Bb:2 C:2 | F:4 | F:4 | C:4 | F:4 | Bb:4 | F:4 | C:4 | Bb:2 C:2 | F:4",
)

SILENT_NIGHT = FolkSong(
    "Silent Night",
    "C major",
    3,
    92,
    "G4:1.5 A4:.5 G4:1 | E4:3 | G4:1.5 A4:.5 G4:1 | E4:3 | D5:2 D5:1 | B4:3 | C5:2 C5:1 | G4:3 |"
    "A4:2 A4:1 | C5:1.5 B4:.5 A4:1 | G4:1.5 A4:.5 G4:1 | E4:3 | A4:2 A4:1 | C5:1.5 B4:.5 A4:1 | G4:1.5 A4:.5 G4:1 |"
    "E4:3 | D5:2 D5:1 | F5:1.5 D5:.5 B4:1 | C5:3 | E5:3 | C5:1 G4:1 E4:1 | G4:1.5 F4:.5 D4:1 | C4:3 | C4:3",
    "C:3 | C:3 | C:3 | C:3 | G:3 | G:3 | C:3 | C:3 | F:3 | F:3 | C:3 | C:3 | F:3 | F:3 | C:3 | C:3 |"
    "G:3 | G:3 | C:3 | C:3 | C:3 | G:3 | C:3 | C:3",
)

OH_SUSANNA = FolkSong(
    "Oh! Susanna",
    "G major",
    4,
    120,
    "-:3 G4:.5 A4:.5 | B4:1 D5:1 D5:1.5 E5:.5 | D5:1 B4:1 G4:1.5 A4:.5 | B4:1 B4:1 A4:1 G4:1 | A4:3 G4:.5 A4:.5 |"
    "B4:1 D5:1 D5:1.5 E5:.5 | D5:1 B4:1 G4:1.5 A4:.5 | B4:1 B4:1 A4:1 A4:1 | G4:4 | C5:2 C5:2 | E5:1 E5:2 E5:1 |"
    "D5:1 D5:1 B4:1 G4:1 | A4:3 G4:.5 A4:.5 | B4:1 D5:1 D5:1.5 E5:.5 | D5:1 B4:1 G4:1.5 A4:.5 |"
    "B4:1 B4:1 A4:1 A4:1 | G4:4",
    "N:4 | G:4 | G:4 | G:4 | D:4 | G:4 | G:4 | G:2 D:2 | G:4 | C:4 | C:4 | G:4 | D:4 | G:4 | G:4 | G:2 D:2 | G:4",
)

GOD_REST_YE = FolkSong(
    "God Rest Ye Merry",
    "E minor",
    4,
    126,
    "-:3 E4:1 | E4:1 B4:1 B4:1 A4:1 | G4:1 F#4:1 E4:1 D4:1 | E4:1 F#4:1 G4:1 A4:1 | B4:3 E4:1 |"
    "E4:1 B4:1 B4:1 A4:1 | G4:1 F#4:1 E4:1 D4:1 | E4:1 F#4:1 G4:1 A4:1 | B4:3 B4:1 |"
    "C5:1 A4:1 B4:1 C5:1 | D5:1 E5:1 B4:1 A4:1 | G4:1 E4:1 F#4:1 G4:1 | A4:2 G4:1 A4:1 |"
    "B4:2 C5:1 B4:1 | B4:1 A4:1 G4:1 F#4:1 | E4:2 G4:.5 F#4:.5 E4:1 | A4:2 G4:1 A4:1 |"
    "B4:1 C5:1 D5:1 E5:1 | B4:1 A4:1 G4:1 F#4:1 | E4:4",
    "N:4 | Em:4 | Em:4 | C:4 | B:4 | Em:4 | Em:4 | C:4 | B:4 | Am:4 | G:4 | Em:4 | D:4 |"
    "G:4 | B:4 | Em:4 | D:4 | G:4 | B:4 | Em:4",
)

TUNED_ON = (TWINKLE, AMAZING_GRACE, SAINTS, GREENSLEEVES, SCARBOROUGH_FAIR, DRUNKEN_SAILOR)
HELD_OUT = (CLEMENTINE, ODE_TO_JOY, AULD_LANG_SYNE, SILENT_NIGHT, OH_SUSANNA, GOD_REST_YE)
ALL = TUNED_ON + HELD_OUT
