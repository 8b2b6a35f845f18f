"""The demo song, "Corner Table", as plain data: 20 bars in G major, our own tune.

Form: one bar in, A (2-5), A' (6-9), B (10-15, faster), A'' (16-19), last chord (20).
A tuple has one entry per bar. "G4:1.5" is a note and its length in quarter notes, "-:1" a rest; bars are
full.
"""

TITLE = "Corner Table"
KEY = "G"
BEATS_PER_BAR = 4
BARS = 20

# (bar, beats per minute): the song steps up where B begins and stays there.
TEMPI = ((1, 104), (10, 112))

MARKERS = ((1, "Intro"), (2, "A"), (6, "A'"), (10, "B"), (16, "A''"), (20, "End"))

CHORDS = (
    "Cadd9:2 Dsus:2",
    "G:2 D/F#:2",
    "Em7:2 Cmaj7:2",
    "G/B:2 C:2",
    "Am7:2 D7:2",
    "G:2 D/F#:2",
    "Em7:2 Cmaj7:2",
    "Am7:2 D7:2",
    "G:2 B7/D#:2",
    "Em:4",
    "C:4",
    "G:4",
    "D:4",
    "C:2 G/B:2",
    "Am7:2 D7:2",
    "G:2 D/F#:2",
    "Em7:2 Cmaj7:2",
    "G/B:2 C:2",
    "Am7:2 D7:2",
    "Gend:4",
)

# Right hand, each a step away from its neighbours.
VOICINGS = {
    "Cadd9": "C4 D4 G4",
    "Dsus": "A3 D4 G4",
    "G": "B3 D4 G4",
    "D/F#": "A3 D4 F#4",
    "Em7": "B3 D4 G4",
    "Cmaj7": "B3 E4 G4",
    "G/B": "B3 D4 G4",
    "C": "C4 E4 G4",
    "Am7": "C4 E4 G4",
    "D7": "C4 D4 F#4",
    "B7/D#": "A3 B3 F#4",
    "Em": "B3 E4 G4",
    "D": "A3 D4 F#4",
    "Gend": "B3 D4 A4",
}

LEAD = (
    "-:3 B4:.5 C5:.5",
    "D5:1.5 B4:.5 A4:1 D5:1",
    "G5:1.5 F#5:.5 E5:1.5 -:.5",
    "D5:1.5 B4:.5 C5:1 E5:1",
    "D5:.5 C5:.5 E5:1 A4:1 B4:.5 C5:.5",
    "D5:1.5 B4:.5 A4:.5 B4:.5 D5:1",
    "G5:1 A5:.5 F#5:.5 E5:1.5 D5:.5",
    "C5:.5 D5:.5 E5:.5 G5:.5 F#5:1.5 A4:.5",
    "G4:2 B4:.5 D#5:.5 F#5:1",
    "G5:3 F#5:.5 G5:.5",
    "E5:2 G5:1 A5:1",
    "B5:1.5 A5:.5 G5:1 D5:1",
    "F#5:2.5 -:.5 E5:.5 F#5:.5",
    "G5:1.5 E5:.5 D5:1.5 B4:.5",
    "C5:1 E5:1 D5:.5 E5:.5 F#5:.5 A5:.5",
    "D5:1 G5:.5 B4:.5 A4:1 D5:1",
    "G5:1.5 F#5:.5 E5:1 G5:.5 B5:.5",
    "A5:.5 G5:.5 D5:.5 B4:.5 C5:1 E5:1",
    "D5:.5 C5:.5 E5:1 F#5:.5 E5:.5 D5:.5 F#5:.5",
    "G5:3 -:1",
)

# Milliseconds each lead note is behind the beat (or before it), one after the other, over and over.
LEAD_LEAN_MS = (6, 11, 3, 8, -4, 9, 13, 5, 0, 10, 7)

BASS = (
    "C2:1.5 C2:.5 D2:1 D2:.5 F#1:.5",
    "G1:1.5 G1:.5 F#1:1.5 A1:.5",
    "E1:1.5 E1:.5 C2:1 C2:.5 B1:.5",
    "B1:1.5 B1:.5 C2:1 E2:.5 C2:.5",
    "A1:1.5 A1:.5 D2:1 C2:.5 A1:.5",
    "G1:1.5 D2:.5 F#1:1.5 A1:.5",
    "E1:1 E2:.5 E1:.5 C2:1 G1:.5 B1:.5",
    "A1:1.5 E2:.5 D2:1 D2:.5 F#1:.5",
    "G1:1.5 G1:.5 D#2:1.5 B1:.5",
    "E2:.5 E2:.5 E2:.5 E2:.5 E2:.5 E2:.5 D2:.5 B1:.5",
    "C2:.5 C2:.5 C2:.5 C2:.5 C2:.5 C2:.5 G1:.5 A1:.5",
    "G1:.5 G1:.5 G1:.5 G1:.5 G1:.5 G1:.5 B1:.5 D2:.5",
    "D2:.5 D2:.5 D2:.5 D2:.5 D2:.5 D2:.5 C#2:.5 D2:.5",
    "C2:.5 C2:.5 C2:.5 C2:.5 B1:.5 B1:.5 B1:.5 B1:.5",
    "A1:.5 A1:.5 A1:.5 A1:.5 D2:.5 D2:.5 C2:.5 A1:.5",
    "G1:1 G1:.25 G1:.25 D2:.5 F#1:1.5 A1:.5",
    "E1:1 E2:.5 E1:.5 C2:1 G1:.5 B1:.5",
    "B1:1 B1:.5 D2:.5 C2:1 E2:.5 C2:.5",
    "A1:1 A1:.5 E2:.5 D2:1 C2:.5 F#1:.5",
    "G1:4",
)

# Sixteenths: X accent, x played, o ghost.
DRUM_PATTERNS = {
    "in": {
        "closed hat": "x...x...x...x...",
        "snare": "............o.xX",
        "low tom": ".............x..",
    },
    "verse": {
        "kick": "X.....x.x.......",
        "snare": "....X..o....X...",
        "closed hat": "x.o.x.o.x.o.x.o.",
    },
    "verse push": {
        "kick": "X.....x.x.....x.",
        "snare": "....X..o....X..o",
        "closed hat": "x.o.x.o.x.o.x...",
        "open hat": "..............x.",
    },
    "verse fill": {
        "kick": "X.....x.x.......",
        "snare": "....X..o..x.X.xx",
        "closed hat": "x.o.x.o.x.......",
        "high tom": "...........x....",
    },
    "drum break": {
        "kick": "X.......x.......",
        "snare": "....X..o..xx....",
        "closed hat": "x.o.x.o.........",
        "high tom": "........X.......",
        "mid tom": "............xx..",
        "low tom": "..............XX",
    },
    "chorus": {
        "kick": "X.....x.X.x.....",
        "snare": "....X.......X..o",
        "ride": "x.x.X.x.x.x.X.x.",
    },
    "chorus lift": {
        "kick": "X.....x.X.x...x.",
        "snare": "....X..o....X...",
        "ride": "x.x.X.x.x.x.X...",
        "open hat": "..............x.",
    },
    "last": {
        "kick": "X...............",
    },
}

DRUMS = (
    *("in", "verse", "verse push", "verse", "verse fill"),
    *("verse", "verse push", "verse", "drum break"),
    *("chorus", "chorus lift", "chorus", "chorus lift", "chorus", "drum break"),
    *("verse push", "verse push", "verse push", "drum break", "last"),
)

CRASH_BARS = (2, 10, 16, 20)

# Electric piano: (start, length) in quarter notes within a half bar, for every chord.
COMP_PATTERNS = {
    "held": ((0, 1.9),),
    "push": ((0, 0.9), (1.5, 0.4)),
    "stabs": ((0.5, 0.3), (1.5, 0.3)),
    "answer": ((0, 1.4), (1.5, 0.5)),
}

COMP = (
    *("held", "held", "held", "held", "answer"),
    *("push", "push", "push", "answer"),
    *("stabs", "stabs", "stabs", "stabs", "stabs", "push"),
    *("push", "push", "push", "answer", "held"),
)

# Plucked arpeggio an octave above the right hand: which chord tone on each eighth of the bar, "-" none.
ARPEGGIO = "0-121-12"
ARPEGGIO_BARS = (6, 7, 8, 9, 16, 17, 18, 19)

PAD_BARS = (1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)

# How hard the band plays, per bar.
DYNAMICS = (
    *(0.58, 0.64, 0.62, 0.64, 0.68),
    *(0.68, 0.68, 0.70, 0.74),
    *(0.80, 0.78, 0.82, 0.80, 0.78, 0.84),
    *(0.80, 0.76, 0.76, 0.72, 0.70),
)
