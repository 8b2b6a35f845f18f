"""What the band plays in each style, as plain data; style.py chooses the style.

Grooves are strings of even steps over a whole bar (X accent, x normal, o ghost note, . rest); bass and chord figures
are (start, length, what) in pulses over a cell of two or three pulses, the building blocks of bars in any meter.

"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

Groove = Mapping[str, str]
Figure = tuple[tuple[float, float, str], ...]
"""Bass: "R" root, "5" fifth, "8" octave, "A" a step towards the next root. Chords: "*" all, or "0".."3" by rank."""

INSTRUMENTS = ("drums", "bass", "keys", "guitar", "pad")


@dataclass(frozen=True)
class Seat:
    """An instrument's sound and place in the mix.

    sound: in synth.SOUNDS ("" for drums); level: linear; pan: -1..1; room: reverb send, as a fraction of it;
    program: General MIDI; low, high: range of its chords (MIDI pitches).
    """

    sound: str
    level: float
    pan: float
    room: float
    program: int
    low: int = 52
    high: int = 74


@dataclass(frozen=True)
class Preset:
    """A style.

    words:   caption words that select it.
    swing:   delay of the second eighth as a fraction of a pulse, 0..0.17.
    band:    the instruments it uses if none are requested.
    parts:   every instrument's sound in it.
    grooves: variants for bars of four, three and six (6/8) pulses, by that number.
    fills:   likewise, for the last bar of four.
    bass, chords, guitar: variants of figures, by the number of pulses of the cell (2 or 3).
    color:   whether chords get sevenths and ninths.
    reverb_seconds: reverberation time of the room.
    """

    name: str
    words: tuple[str, ...]
    band: tuple[str, ...]
    parts: Mapping[str, Seat]
    grooves: Mapping[int, tuple[Groove, ...]]
    fills: Mapping[int, tuple[Groove, ...]]
    bass: Mapping[int, tuple[Figure, ...]]
    chords: Mapping[int, tuple[Figure, ...]]
    guitar: Mapping[int, tuple[Figure, ...]]
    swing: float = 0.0
    color: bool = False
    reverb_seconds: float = 1.1


PARTS: dict[str, Seat] = {
    "drums": Seat("", 0.56, 0.0, 0.12, 0),
    "bass": Seat("bass", 0.42, 0.0, 0.0, 33),
    "keys": Seat("electric piano", 0.26, -0.25, 0.3, 4),
    "guitar": Seat("pluck", 0.46, 0.3, 0.3, 24, 55, 76),
    "pad": Seat("pad", 0.13, 0.0, 0.5, 48, 55, 74),
}

FILLS: dict[int, tuple[Groove, ...]] = {
    4: (
        {"kick": "X.......x.......", "snare": "....X.....x.X.xx", "closed hat": "x.x.x.x.x......."},
        {"kick": "X.......x.......", "snare": "....X...xx......", "low tom": "..........xxX.X."},
        {"kick": "X.....x.........", "snare": "....X...x.x.x.XX", "closed hat": "x.x.x.x........."},
    ),
    3: (
        {"kick": "X...........", "snare": "....x...X.xx", "closed hat": "x.x.x......."},
        {
            "kick": "X...........",
            "snare": "....x.x.....",
            "high tom": "........x...",
            "low tom": "..........X.",
        },
    ),
    6: (
        {"kick": "X...........", "snare": "......X..xxx", "closed hat": "x.x.x......."},
        {
            "kick": "X.....x.....",
            "snare": "......X.....",
            "high tom": "........x...",
            "low tom": "..........X.",
        },
    ),
}
SOFT_FILLS: dict[int, tuple[Groove, ...]] = {
    4: (
        {"kick": "X.......x.......", "rim": "....x.......x..x", "closed hat": "o.o.o.o.o.o.o.o."},
        {"kick": "X.......x.......", "rim": "....x.....x.x...", "low tom": "..............o."},
    ),
    3: (
        {"kick": "X...........", "brush": "....x...x.xo"},
        {"kick": "X...........", "brush": "....x...x...", "low tom": "..........o."},
    ),
    6: (
        {"kick": "X...........", "brush": "......x..oox"},
        {"kick": "X.....o.....", "brush": "......x...o."},
    ),
}

POP = Preset(
    name="pop",
    words=("pop", "indie", "upbeat", "dance", "happy", "bright"),
    band=("drums", "bass", "keys", "pad"),
    parts=PARTS,
    grooves={
        4: (
            {"kick": "X.....x.x.......", "snare": "....X.......X...", "closed hat": "x.o.x.o.x.o.x.o."},
            {"kick": "X.......X.x.....", "snare": "....X..o....X...", "closed hat": "x.x.x.x.x.x.x.x."},
            {"kick": "X...x...X...x...", "clap": "....X.......X...", "open hat": "..x...x...x...x."},
        ),
        3: (
            {"kick": "X.......x...", "snare": "....x...x...", "closed hat": "x.o.x.o.x.o."},
            {"kick": "X.....x.....", "snare": "........X...", "closed hat": "x.x.x.x.x.x."},
        ),
        6: (
            {"kick": "X.........x.", "snare": "......X.....", "closed hat": "x.o.o.x.o.o."},
            {"kick": "X...x.....x.", "snare": "......X.....", "closed hat": "x.x.x.x.x.x."},
        ),
    },
    fills=FILLS,
    bass={
        2: (
            ((0, 1.4, "R"), (1.5, 0.45, "R")),
            ((0, 0.9, "R"), (1, 0.45, "R"), (1.5, 0.45, "A")),
            ((0, 0.45, "R"), (0.5, 0.45, "R"), (1, 0.45, "8"), (1.5, 0.45, "R")),
        ),
        3: (((0, 1.9, "R"), (2, 0.9, "5")), ((0, 1.4, "R"), (1.5, 0.45, "R"), (2, 0.9, "A"))),
    },
    chords={
        2: (
            ((0, 0.9, "*"), (1.5, 0.4, "*")),
            ((0, 1.9, "*"),),
            ((0, 0.4, "*"), (0.5, 0.4, "*"), (1, 0.4, "*"), (1.5, 0.4, "*")),
        ),
        3: (((0, 0.9, "*"), (1, 0.8, "*"), (2, 0.8, "*")), ((0, 2.8, "*"),)),
    },
    guitar={
        2: (
            ((0, 0.5, "0"), (0.5, 0.5, "2"), (1, 0.5, "1"), (1.5, 0.5, "2")),
            ((0, 1, "0"), (0.5, 1, "1"), (1, 1, "3"), (1.5, 0.5, "1")),
        ),
        3: (
            ((0, 1, "0"), (0.5, 1, "1"), (1, 1, "2"), (1.5, 1, "3"), (2, 1, "2"), (2.5, 0.5, "1")),
            ((0, 1, "0"), (1, 1, "2"), (2, 1, "1")),
        ),
    },
)

BALLAD = replace(
    POP,
    name="ballad",
    words=("ballad", "slow", "piano", "tender", "romantic", "soft", "gentle", "sad", "emotional"),
    parts={
        **PARTS,
        "bass": replace(PARTS["bass"], sound="synth bass", level=0.36, program=38),
        "keys": replace(PARTS["keys"], room=0.5),
        "drums": replace(PARTS["drums"], level=0.46, room=0.3),
        "pad": replace(PARTS["pad"], level=0.16),
    },
    grooves={
        4: (
            {"kick": "X.........x.....", "rim": "....x.......x...", "closed hat": "o...o...o...o..."},
            {"kick": "X.......o.......", "rim": "........x.......", "closed hat": "o.o.o.o.o.o.o.o."},
        ),
        3: (
            {"kick": "X...........", "rim": "....o...x...", "closed hat": "o...o...o..."},
            {"kick": "X...........", "brush": "....o...o.o."},
        ),
        6: (
            {"kick": "X...........", "rim": "......x.....", "closed hat": "o.o.o.o.o.o."},
            {"kick": "X.........o.", "brush": "..o.o.x.o.o."},
        ),
    },
    fills=SOFT_FILLS,
    bass={
        2: (((0, 1.9, "R"),), ((0, 1.4, "R"), (1.5, 0.45, "5"))),
        3: (((0, 2.8, "R"),), ((0, 1.9, "R"), (2, 0.9, "5"))),
    },
    chords={
        2: (
            ((0, 2, "0"), (0.5, 1.5, "1"), (1, 1, "2"), (1.5, 0.5, "1")),
            ((0, 1.9, "*"),),
            ((0, 2, "0"), (0.5, 1.5, "2"), (1, 1, "3"), (1.5, 0.5, "2")),
        ),
        3: (
            ((0, 3, "0"), (0.5, 2.5, "1"), (1, 2, "2"), (1.5, 1.5, "3"), (2, 1, "2"), (2.5, 0.5, "1")),
            ((0, 2.8, "0"), (1, 1.8, "1"), (2, 0.9, "2")),
        ),
    },
    reverb_seconds=1.8,
)

ROCK = replace(
    POP,
    name="rock",
    words=("rock", "punk", "driving", "energetic", "loud", "heavy", "grunge"),
    band=("drums", "bass", "guitar", "keys"),
    parts={
        **PARTS,
        "drums": replace(PARTS["drums"], level=0.6),
        "guitar": Seat("crunch", 0.26, 0.25, 0.2, 29, 43, 59),
        "keys": Seat("organ", 0.13, -0.3, 0.25, 16),
    },
    grooves={
        4: (
            {"kick": "X.......X.x.....", "snare": "....X.......X...", "closed hat": "X.x.X.x.X.x.X.x."},
            {"kick": "X.x.....X.......", "snare": "....X.......X..o", "open hat": "x...x...x...x..."},
            {"kick": "X.....x.X...x...", "snare": "....X.......X...", "ride": "X.x.X.x.X.x.X.x."},
        ),
        3: (
            {"kick": "X.......x...", "snare": "....X...X...", "closed hat": "X.x.X.x.X.x."},
            {"kick": "X.x.........", "snare": "........X...", "ride": "X.x.X.x.X.x."},
        ),
        6: (
            {"kick": "X...x.....x.", "snare": "......X.....", "closed hat": "X.x.x.X.x.x."},
            {"kick": "X.........x.", "snare": "......X...o.", "ride": "X.x.x.X.x.x."},
        ),
    },
    bass={
        2: (
            ((0, 0.45, "R"), (0.5, 0.45, "R"), (1, 0.45, "R"), (1.5, 0.45, "R")),
            ((0, 0.9, "R"), (1, 0.45, "R"), (1.5, 0.45, "A")),
        ),
        3: (
            ((0, 0.9, "R"), (1, 0.45, "R"), (1.5, 0.45, "R"), (2, 0.9, "A")),
            ((0, 0.9, "R"), (1, 0.9, "R"), (2, 0.9, "5")),
        ),
    },
    guitar={
        2: (
            ((0, 0.45, "*"), (0.5, 0.45, "*"), (1, 0.45, "*"), (1.5, 0.45, "*")),
            ((0, 1.4, "*"), (1.5, 0.45, "*")),
        ),
        3: (((0, 1.4, "*"), (1.5, 0.45, "*"), (2, 0.9, "*")), ((0, 2.8, "*"),)),
    },
    chords={
        2: (((0, 1.95, "*"),), ((0, 0.9, "*"), (1, 0.9, "*"))),
        3: (((0, 2.9, "*"),), ((0, 1.9, "*"), (2, 0.9, "*"))),
    },
    reverb_seconds=0.8,
)

FOLK = replace(
    POP,
    name="folk",
    words=("folk", "acoustic", "country", "campfire", "bluegrass", "traditional", "americana"),
    band=("drums", "bass", "guitar", "pad"),
    parts={
        **PARTS,
        "drums": replace(PARTS["drums"], level=0.46),
        "guitar": replace(PARTS["guitar"], level=0.55, pan=0.2),
        "pad": replace(PARTS["pad"], level=0.08),
    },
    grooves={
        4: (
            {"kick": "X.......x.......", "shaker": "x.o.X.o.x.o.X.o."},
            {"kick": "X.......x.......", "brush": "....x.......x...", "shaker": "o.o.o.o.o.o.o.o."},
        ),
        3: (
            {"kick": "X...........", "shaker": "x.o.x.o.x.o."},
            {"kick": "X...........", "brush": "....x...x..."},
        ),
        6: (
            {"kick": "X.....o.....", "shaker": "X.o.o.x.o.o."},
            {"kick": "X...........", "brush": "....o.x...o."},
        ),
    },
    fills=SOFT_FILLS,
    bass={
        2: (((0, 0.9, "R"), (1, 0.9, "5")), ((0, 1.4, "R"), (1.5, 0.45, "A"))),
        3: (((0, 1.9, "R"), (2, 0.8, "5")), ((0, 2.8, "R"),)),
    },
    guitar={
        2: (
            ((0, 2, "0"), (0.5, 1.5, "2"), (1, 1, "1"), (1.5, 0.5, "2")),
            ((0, 0.9, "*"), (1, 0.4, "*"), (1.5, 0.4, "*")),
            ((0, 2, "0"), (0.5, 1.5, "1"), (1, 1, "2"), (1.5, 0.5, "3")),
        ),
        3: (
            ((0, 3, "0"), (0.5, 2, "1"), (1, 2, "2"), (1.5, 1, "3"), (2, 1, "2"), (2.5, 0.5, "1")),
            ((0, 1, "*"), (1, 0.8, "*"), (2, 0.8, "*")),
        ),
    },
    reverb_seconds=0.9,
)

LOFI = replace(
    POP,
    name="lofi",
    words=("lofi", "lo-fi", "chill", "chillhop", "hip-hop", "hiphop", "jazzy", "mellow", "relaxed"),
    parts={
        **PARTS,
        "drums": replace(PARTS["drums"], level=0.5),
        "bass": replace(PARTS["bass"], sound="synth bass", level=0.42, program=38),
        "keys": replace(PARTS["keys"], level=0.28, room=0.4),
        "pad": replace(PARTS["pad"], level=0.1),
    },
    grooves={
        4: (
            {"kick": "X......x..x.....", "snare": "....x..o....x...", "closed hat": "x.o.x.o.x.o.x.oo"},
            {"kick": "X.........xx....", "rim": "....X.......X..o", "shaker": "x.o.x.o.x.o.x.o."},
        ),
        3: (
            {"kick": "X.......x...", "rim": "....x...x...", "closed hat": "x.o.x.o.x.o."},
            {"kick": "X.....x.....", "snare": "........x...", "shaker": "x.o.x.o.x.o."},
        ),
        6: (
            {"kick": "X.........x.", "rim": "......X.....", "closed hat": "x.o.o.x.o.o."},
            {"kick": "X...o.......", "snare": "......x.....", "shaker": "x.o.o.x.o.o."},
        ),
    },
    fills=SOFT_FILLS,
    bass={
        2: (((0, 1.4, "R"), (1.5, 0.45, "5")), ((0, 0.9, "R"), (1.5, 0.45, "A"))),
        3: (((0, 1.9, "R"), (2, 0.9, "5")), ((0, 1.4, "R"), (2.5, 0.45, "A"))),
    },
    chords={
        2: (((0, 1.4, "*"), (1.5, 0.4, "*")), ((0.5, 1.4, "*"),), ((0, 0.4, "*"), (1.5, 0.5, "*"))),
        3: (((0, 1.9, "*"), (2.5, 0.4, "*")), ((0.5, 2.3, "*"),)),
    },
    swing=0.1,
    color=True,
    reverb_seconds=1.3,
)

WALTZ = replace(
    FOLK,
    name="waltz",
    words=("waltz", "ballroom", "viennese"),
    band=("drums", "bass", "keys", "pad"),
    parts={**PARTS, "drums": replace(PARTS["drums"], level=0.46), "pad": replace(PARTS["pad"], level=0.13)},
    chords={
        2: (((0.5, 0.4, "*"), (1.5, 0.4, "*")), ((1, 0.8, "*"),)),
        3: (
            ((1, 0.7, "*"), (2, 0.7, "*")),
            ((0, 0.9, "0"), (1, 0.8, "*"), (2, 0.8, "*")),
            ((0, 2.9, "0"), (0.5, 2.4, "1"), (1, 1.9, "2"), (1.5, 1.4, "3"), (2, 0.9, "2"), (2.5, 0.4, "1")),
        ),
    },
    bass={
        2: (((0, 0.9, "R"), (1, 0.9, "5")), ((0, 1.9, "R"),)),
        3: (((0, 2.7, "R"),), ((0, 1.9, "R"), (2, 0.8, "A"))),
    },
    reverb_seconds=1.3,
)

PRESETS: tuple[Preset, ...] = (POP, BALLAD, ROCK, FOLK, LOFI, WALTZ)
