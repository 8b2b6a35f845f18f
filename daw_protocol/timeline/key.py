"""A key: a tonic as the musician spells it, and a mode."""

from __future__ import annotations

import re
from dataclasses import dataclass

from daw_protocol.timeline.exact_number import check_int
from daw_protocol.timeline.written_number import plain

# Position of each letter on the line of fifths: F C G D A E B.
_LETTER_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
_LETTERS = "CDEFGAB"
_ACCIDENTALS = {"": 0, "#": 1, "b": -1}
FIFTHS_PER_SHARP = 7
SEMITONES_PER_FIFTH = 7

# Signature of a mode against the major key on the same tonic, in fifths.
MODES = {
    "major": 0,
    "minor": -3,
    "dorian": -2,
    "phrygian": -4,
    "lydian": 1,
    "mixolydian": -1,
    "locrian": -5,
}

# "M" and "m" differ only in case, so `_mode` checks them before lowering the text.
_MODE_WORDS = {
    **{mode: mode for mode in MODES},
    "maj": "major",
    "min": "minor",
    "ionian": "major",
    "aeolian": "minor",
    "dor": "dorian",
    "phryg": "phrygian",
    "lyd": "lydian",
    "mixo": "mixolydian",
    "mix": "mixolydian",
    "locr": "locrian",
}

_KEY = re.compile(r"([A-Ga-g])(#|b|♯|♭|[ -]?sharp|[ -]?flat)?[ _-]*([A-Za-z]*)")
_CAMELOT = re.compile(r"(\d{1,2})([ABab])")
_FORMS = 'write "C", "Am", "F# minor", "Bb major", "D dorian" or the Camelot code "8A"'


@dataclass(frozen=True)
class Key:
    """`tonic` is a letter A to G with an optional # or b, kept as spelled; `mode` is one of MODES.

    Raises TypeError unless both are text, ValueError for another tonic or mode.
    """

    tonic: str
    mode: str = "major"

    def __post_init__(self) -> None:
        for name in ("tonic", "mode"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be text, got {getattr(self, name)!r}")
        if self.tonic[:1] not in _LETTER_FIFTHS or self.tonic[1:] not in _ACCIDENTALS:
            raise ValueError(f"tonic must be A to G with an optional # or b, got {self.tonic[:40]!r}")
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {self.mode[:40]!r}")

    @property
    def _fifths(self) -> int:
        """The tonic's position on the line of fifths, with C at 0."""
        return _LETTER_FIFTHS[self.tonic[0]] + FIFTHS_PER_SHARP * _ACCIDENTALS[self.tonic[1:]]

    @property
    def pitch_class(self) -> int:
        """The tonic in semitones above C, 0 to 11."""
        return self._fifths * SEMITONES_PER_FIFTH % 12

    @property
    def signature(self) -> int | None:
        """Sharps (positive) or flats (negative) of the key signature; None if it needs more than 7."""
        fifths = self._fifths + MODES[self.mode]
        return fifths if -7 <= fifths <= 7 else None

    @property
    def notes(self) -> tuple[str, ...]:
        """The seven notes of the scale from the tonic, spelled; double accidentals as "F##" and "Bbb"."""
        # A diatonic scale is seven neighbours on the line of fifths, starting one below the major tonic.
        lowest = self._fifths + MODES[self.mode] - 1
        by_letter = {note[0]: note for note in map(_spelled, range(lowest, lowest + 7))}
        start = _LETTERS.index(self.tonic[0])
        return tuple(by_letter[_LETTERS[(start + step) % 7]] for step in range(7))

    @property
    def scale(self) -> tuple[int, ...]:
        """Pitch classes of the seven notes from the tonic, in semitones above C."""
        return tuple(_pitch_class(note) for note in self.notes)

    @classmethod
    def from_signature(cls, signature: int, mode: str) -> Key:
        """The key of `mode` with `signature` sharps (negative: flats), at most 7. Raises ValueError."""
        check_int("signature", signature, -7, 7)
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode[:40]!r}")
        return cls(_spelled(signature - MODES[mode]), mode)

    @classmethod
    def parse(cls, text: str) -> Key:
        """The key written as "C", "Am", "a minor", "F# dorian", "Gbmaj", "B flat major" or Camelot "8A".

        A Camelot code names pitches, not spelling: it becomes the key with the fewest accidentals, with sharps if there
        are six (2B is F# major). A lower-case tonic alone is refused: it may mean either mode.
        Raises TypeError unless given text, ValueError if it is not a key.
        """
        if not isinstance(text, str):
            raise TypeError(f'a key must be text such as "F# minor", got {text!r}')
        stripped = plain(text).strip()
        camelot = _CAMELOT.fullmatch(stripped)
        if camelot:
            return _from_camelot(int(camelot[1]), camelot[2].upper())
        match = _KEY.fullmatch(stripped)
        if match is None:
            raise ValueError(_error_text(stripped))
        letter, accidental, word = match.groups()
        tonic = letter.upper() + _accidental(accidental or "")
        if letter.islower() and not word:
            raise ValueError(f'key {stripped!r} may be major or minor; write "{tonic}" or "{tonic} minor"')
        return cls(tonic, _mode(stripped, word))

    def __str__(self) -> str:
        """The inverse of `parse`: "F# minor"."""
        return f"{self.tonic} {self.mode}"


def _accidental(text: str) -> str:
    if not text:
        return ""
    return "#" if text in ("#", "♯") or text.endswith("sharp") else "b"


def _mode(text: str, word: str) -> str:
    if word in ("", "M"):
        return "major"
    if word == "m":
        return "minor"
    mode = _MODE_WORDS.get(word.lower())
    if mode is None:
        raise ValueError(f"key {text[:40]!r} has an unknown mode {word[:40]!r}; {_FORMS}")
    return mode


def _error_text(text: str) -> str:
    if text[:1] in ("H", "h"):
        return f"key {text[:40]!r}: H is German for B; {_FORMS}"
    return f"{text[:40]!r} is not a key; {_FORMS}"


def _from_camelot(number: int, letter: str) -> Key:
    if not 1 <= number <= 12:
        raise ValueError(f"a Camelot code must be 1A to 12B, got {number}{letter}")
    # 8B is C major; each step is a fifth. Signatures from five flats to six sharps cover all twelve.
    signature = (number - 8 + 5) % 12 - 5
    mode = "major" if letter == "B" else "minor"
    return Key.from_signature(signature, mode)


def _spelled(fifths: int) -> str:
    sharps, place = divmod(fifths + 1, FIFTHS_PER_SHARP)
    return "FCGDAEB"[place] + ("#" * sharps if sharps >= 0 else "b" * -sharps)


def _pitch_class(note: str) -> int:
    sharps = note.count("#") - note[1:].count("b")
    return (_LETTER_FIFTHS[note[0]] * SEMITONES_PER_FIFTH + sharps) % 12
