"""A chord symbol, as musicians write it: "Am7", "F#m7b5", "Bbmaj7/D", "G7sus4". Pure; knows no key and no bar."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from daw_protocol.timeline.written_number import plain

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
MAX_LETTERS = 32

# What other alphabets and typesetters write, in ASCII. NFKC has made plain digits of raised ones before.
_SIGNS = {
    "♯": "#", "♭": "b", "♮": "", "𝄪": "##", "𝄫": "bb", "△": "Δ", "∆": "Δ", "Ø": "ø", "°": "dim", "º": "dim",
}  # fmt: skip
_TRIANGLE = re.compile(r"Δ(?![0-9])")
_CROSSED = re.compile(r"ø7?")

_NOTE = re.compile(r"([A-Ga-g])(##|bb|[#b]|x(?![0-9]))?")
_BASS = re.compile(r"/\s*([A-Ga-g](?:##|bb|[#b])?)$")

_TRIAD, _MINOR, _DIMINISHED, _AUGMENTED, _MAJOR = "", "m", "dim", "aug", "maj"
_QUALITY = re.compile(
    r"(?P<maj>major|Major|maj|Maj|MAJ|ma(?![rd])|Ma|M(?![a-z])|j(?=7|9|$))"
    r"|(?P<half>half-?dim|hdim|m7b5|min7b5|mi7b5|-7b5)"
    r"|(?P<dim>dim|DIM|Dim|o(?=7|$))"
    r"|(?P<aug>aug|AUG|Aug|\+(?!5|11))"
    r"|(?P<m>minor|min|Min|MIN|mi|m|-(?!5))"
)
_NUMBER = re.compile(r"6/9|69|13|11|[5679]|2(?=$)|4(?=$)")
_CHANGE = re.compile(
    r"(?P<maj7>(?:maj|Maj|MAJ|ma|Ma|M|j)7?)(?=$|[^a-z0-9]|[0-9b#]|add|sus|no)"
    r"|(?P<sus>sus(?:24|2/4|2|4|9)?)"
    r"|(?P<add>(?:add|ADD|Add)\s*(?:[#b+-])?(?:13|11|[2469]))"
    r"|(?P<no>(?:no|omit)\s*(?:[35]))"
    r"|(?P<alt>alt)"
    r"|(?P<alter>[#b+-](?:13|11|[59]))"
    r"|(?P<aug>aug|\+$)"
    r"|(?P<plain>13|11|9)"
)

# Intervals of a degree in semitones above the root.
_DEGREES = {2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 10, 9: 14, 11: 17, 13: 21}
_POSSIBLE = (
    "a chord is a root A to G with # or b, then for example m, 7, maj7, m7, m7b5, dim, aug, sus4, 6, 9 or add9, and "
    'perhaps a bass such as /E; "N.C." is no chord'
)


@dataclass(frozen=True)
class Chord:
    """root, bass: a letter A to G with accidentals, as it was spelled; bass is "" where the root is the lowest note.

    suffix: what follows the root, as it was written, in ASCII. Raises ValueError for a suffix that is none.
    """

    root: str
    suffix: str = ""
    bass: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", _spelled(self.root))
        object.__setattr__(self, "bass", _spelled(self.bass) if self.bass else "")
        assert self.intervals, "checked by reading the suffix"

    @classmethod
    def parse(cls, text: str) -> Chord:
        """The chord written as "Am", "F♯m7♭5", "Cmaj7/E", "C-7". Raises ValueError that says what is possible."""
        written = _ascii(text)
        if not 0 < len(written) <= MAX_LETTERS:
            raise ValueError(f"{text[:MAX_LETTERS]!r} is not a chord; {_POSSIBLE}")
        note = _NOTE.match(written)
        if note is None:
            raise ValueError(_not_a_root(text, written))
        bass = _BASS.search(written, note.end())
        suffix = written[note.end() : bass.start() if bass else len(written)].replace(" ", "")
        if written[0].islower() and not suffix:
            big = written[:1].upper() + written[1 : note.end()]
            raise ValueError(f'{text!r} may be major or minor; write "{big}" or "{big}m"')
        try:
            return cls(note[0], suffix, bass[1] if bass else "")
        except ValueError as error:
            raise ValueError(f"{text[:MAX_LETTERS]!r} is not a chord: {error}; {_POSSIBLE}") from None

    @cached_property
    def intervals(self) -> tuple[int, ...]:
        """Semitones above the root, ascending from 0; extensions lie above the octave."""
        return _intervals(self.suffix)

    @property
    def root_class(self) -> int:
        """The root in semitones above C, 0 to 11."""
        return _pitch_class(self.root)

    @property
    def bass_class(self) -> int:
        """The lowest note in semitones above C, 0 to 11."""
        return _pitch_class(self.bass or self.root)

    @property
    def classes(self) -> tuple[int, ...]:
        """Pitch classes of its notes from the root up, without the bass of a slash chord."""
        return tuple(dict.fromkeys((self.root_class + step) % 12 for step in self.intervals))

    def __str__(self) -> str:
        """The inverse of `parse`."""
        return self.root + self.suffix + (f"/{self.bass}" if self.bass else "")


def _ascii(text: str) -> str:
    signs = "".join(_SIGNS.get(letter, letter) for letter in text)
    words = _CROSSED.sub("m7b5", _TRIANGLE.sub("maj7", unicodedata.normalize("NFKC", signs)))
    return plain(words.replace("Δ", "maj")).strip()


def _not_a_root(text: str, written: str) -> str:
    quoted = repr(text[:MAX_LETTERS])
    if written[:1] in ("H", "h"):
        inner = f"B{written[1:MAX_LETTERS]}"
        return f'{quoted} is not a chord: H is German for B; write "{inner}" (and Bb for the German B)'
    if re.fullmatch(r"[b#]?(?:[IV]+|[iv]+|[1-7])(?:[^A-Za-z].*)?", written):
        return (
            f"{quoted} is not a chord: degrees of a key are not read; write its root as a letter, such as Am"
        )
    return f"{quoted} is not a chord; {_POSSIBLE}"


def _spelled(note: str) -> str:
    found = _NOTE.fullmatch(note)
    if found is None:
        raise ValueError(f"{note[:8]!r} is not a note")
    return found[1].upper() + (found[2] or "").replace("x", "##")


def _pitch_class(note: str) -> int:
    return (_LETTERS[note[0]] + note.count("#") - note[1:].count("b")) % 12


def _intervals(suffix: str) -> tuple[int, ...]:
    """The notes a suffix names. Raises ValueError for what it does not know."""
    degrees: dict[int, int] = {1: 0, 3: 4, 5: 7}
    rest = suffix.replace("(", "").replace(")", "").replace(",", "")
    rest, quality = _quality(rest, degrees)
    rest = _number(rest, quality, degrees)
    while rest:
        rest = _change(rest, degrees)
    return tuple(sorted(degrees.values()))


def _quality(rest: str, degrees: dict[int, int]) -> tuple[str, str]:
    """Sets the triad; returns what is left and the quality's name."""
    found = _QUALITY.match(rest)
    if found is None:
        return rest, _TRIAD
    rest = rest[found.end() :]
    match found.lastgroup:
        case "maj":
            return rest, _MAJOR
        case "half":
            degrees |= {3: 3, 5: 6, 7: 10}
            return rest.removeprefix("7"), _TRIAD
        case "dim":
            degrees |= {3: 3, 5: 6}
            return rest, _DIMINISHED
        case "aug":
            degrees |= {5: 8}
            return rest, _AUGMENTED
        case _:
            degrees |= {3: 3}
            return rest, _MINOR


def _number(rest: str, quality: str, degrees: dict[int, int]) -> str:
    """Adds a sixth, a seventh and what is stacked on it; returns what is left."""
    found = _NUMBER.match(rest)
    if found is None:
        return rest
    number = found[0]
    if number == "5":
        if quality not in (_TRIAD, _AUGMENTED):
            raise ValueError(f"{quality}5 is not known")
        degrees.pop(3, None)
    elif number in ("6", "69", "6/9"):
        degrees |= {6: 9} if number == "6" else {6: 9, 9: 14}
    elif number in ("2", "4"):
        _change(f"sus{number}" if quality == _TRIAD else f"add{number}", degrees)
    else:
        degrees |= {7: {_MAJOR: 11, _DIMINISHED: 9}.get(quality, 10)}
        degrees |= {step: _DEGREES[step] for step in (9, 11, 13) if step <= int(number)}
        if number == "13" and degrees[3] == 4:
            degrees.pop(11, None)  # nobody plays a fourth against the third
    return rest[found.end() :]


def _change(rest: str, degrees: dict[int, int]) -> str:
    """Applies the next alteration, addition or suspension; returns what is left."""
    found = _CHANGE.match(rest)
    if found is None:
        raise ValueError(f"{rest[:12]!r} is not known")
    word, after = found[0], rest[found.end() :]
    match found.lastgroup:
        case "maj7":
            degrees |= {7: 11}
        case "sus":
            degrees.pop(3, None)
            steps = {"sus2": (2,), "sus24": (2, 4), "sus2/4": (2, 4), "sus9": (9, 4)}.get(word, (4,))
            degrees |= {step: _DEGREES[step] for step in steps}
        case "add":
            _alter(word[3:].strip(), degrees)
        case "no":
            degrees.pop(int(word[-1]), None)
        case "aug":
            degrees |= {5: 8}
        case "alt":
            degrees |= {7: 10, 9: 13, 13: 20}
            degrees.pop(5, None)
        case _:
            _alter(word, degrees)
    return after


def _alter(word: str, degrees: dict[int, int]) -> None:
    """Sets a degree such as "b5", "#11", "9"."""
    shift = {"#": 1, "+": 1, "b": -1, "-": -1}.get(word[0], 0)
    degree = int(word.lstrip("#b+-"))
    interval = _DEGREES[degree] + shift
    # A chord may have both ninths: C7(b9,#9).
    if degree == 9 and degrees.get(9) not in (None, 14) and shift:
        degrees[-9] = interval
    else:
        degrees[degree] = interval
