"""The words of a prompt that an engine follows, and how a prompt is read with them.

An engine that understands only certain words lists them in a `PromptVocabulary` for each task. It reads its prompts
with `read` when it renders, and so does whoever shows, before the render, what the engine will make of a prompt: one
table and one reader, so that the two cannot disagree. Pure, and quick enough for every key that is typed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

# Everything between these marks is a word, in any script; they also end a phrase.
_PARTS = re.compile(r'[^\s,.;:!?()\[\]{}"“”„«»…、。，！？]+|[,.;:!?()\[\]{}"“”„«»…、。，！？\n]')
_MARKS = frozenset(',.;:!?()[]{}"“”„«»…、。，！？\n')

NEGATIONS = frozenset(
    ("no", "not", "without", "never", "don't", "dont", "avoid", "minus", "less", "fewer", "isn't", "nor")
)
LESS = frozenset(("less", "fewer"))
ALIKE = frozenset(("and", "or", "nor", "&", "+"))
"""What carries a negation on: "without drums or bass"."""

_SMALL = (
    "a an the and with of in on at for to from by as it its is be this that these or but so then also please "
    "make made take another more very much too bit little slightly somewhat lot really rather just quite any some "
    "sound sounds sounding feel feeling vibe version way i want would like my me us we give play & +"
)
SMALL_WORDS = frozenset(_SMALL.split())
"""Words that ask for nothing by themselves."""


@dataclass(frozen=True)
class Wish:
    """One thing a prompt can ask of an engine.

    name:     what the engine calls it.
    effect:   what it does, for the producer: "leaves the drums out".
    phrases:  the ways of saying it, in lower case; a hyphen reads like a space.
    group:    of the wishes of a group only the first one in a prompt counts; "" = it goes with all others.
    opposite: name of the wish that its negation is ("no drums" for "drums"); "" = there is none.
    less:     name of the wish that "less ..." is; "" = there is none.
    """

    name: str
    effect: str
    phrases: tuple[str, ...]
    group: str = ""
    opposite: str = ""
    less: str = ""


@dataclass(frozen=True)
class Understood:
    """A part of a prompt that the engine follows. text: as it was typed."""

    text: str
    wish: Wish


@dataclass(frozen=True)
class Unfollowed:
    """A part of a prompt that the engine does not follow. reason: "" where it merely does not know the word."""

    text: str
    reason: str = ""


@dataclass(frozen=True)
class PromptReading:
    """What an engine makes of a prompt, each part in the order in which it was typed."""

    understood: tuple[Understood, ...] = ()
    ignored: tuple[Unfollowed, ...] = ()

    def asks(self, name: str) -> bool:
        """Whether it asks for the wish of this name."""
        return any(found.wish.name == name for found in self.understood)

    def of_group(self, group: str) -> str:
        """The name of the wish of a group; "" for none."""
        return next((found.wish.name for found in self.understood if found.wish.group == group), "")

    @property
    def ignored_words(self) -> tuple[str, ...]:
        """The parts that are not followed, as they were typed."""
        return tuple(part.text for part in self.ignored)

    def note(self, label: str) -> str:
        """What the engine of this name does not follow, in a sentence; "" if it follows all."""
        if not self.ignored:
            return ""
        words = ", ".join(
            f"{part.text} ({part.reason})" if part.reason else part.text for part in self.ignored
        )
        return f"{label} does not follow these words of the prompt: {words}."


@dataclass(frozen=True)
class _Word:
    """A word as it is compared, and where it stands. part: number of the written word it belongs to, as "lo" and "fi"
    both belong to "lo-fi". begins: whether a mark stands before it, so that no phrase goes on with it."""

    text: str
    part: int
    begins: bool


@dataclass(frozen=True)
class PromptVocabulary:
    """The words an engine follows for one task.

    reasons: words that a producer may well expect to work, and why they do not.
    small:   words besides SMALL_WORDS that ask for nothing.
    """

    wishes: tuple[Wish, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    small: frozenset[str] = frozenset()

    def read(self, prompt: str) -> PromptReading:
        """What a prompt asks for, and which of its words are not followed."""
        return _Reading(self, prompt).result()

    @cached_property
    def by_name(self) -> dict[str, Wish]:
        return {wish.name: wish for wish in self.wishes}

    @cached_property
    def phrases(self) -> dict[tuple[str, ...], Wish | str]:
        """Every phrase, word by word, with its wish or with the reason why it is not followed."""
        found: dict[tuple[str, ...], Wish | str] = {
            _plain(phrase): reason for phrase, reason in self.reasons.items()
        }
        return found | {_plain(phrase): wish for wish in self.wishes for phrase in wish.phrases}

    @cached_property
    def longest(self) -> int:
        """Words of the longest phrase."""
        return max(map(len, self.phrases), default=0)


class _Reading:
    """One prompt being read from left to right."""

    def __init__(self, vocabulary: PromptVocabulary, prompt: str) -> None:
        self._vocabulary = vocabulary
        self._written, self._words = _split(prompt)
        self._understood: list[Understood] = []
        self._ignored: dict[str, Unfollowed] = {}
        self._chosen: dict[str, Wish] = {}

    def result(self) -> PromptReading:
        at = 0
        negation = ""
        while at < len(self._words):
            word = self._words[at]
            carried = negation if word.text in ALIKE else ""
            length, found = self._phrase_at(at)
            if length:
                self._take(found, at, length, "")
            elif word.text in NEGATIONS:
                length, negation = self._negated(at)
                at += length
                continue
            elif word.text in ALIKE and carried and self._goes_on(at + 1):
                at += 1 + self._after(at + 1, carried)
                continue
            elif word.text not in SMALL_WORDS | self._vocabulary.small:
                length = self._ignore(at, 1)
            negation = ""
            at += max(length, 1)
        return PromptReading(tuple(self._understood), tuple(self._ignored.values()))

    def _negated(self, at: int) -> tuple[int, str]:
        """Reads a negation and what it negates: how many words, and the negation if it may be carried on."""
        start = at + 1
        while start < len(self._words) and not self._words[start].begins and self._is_filler(start):
            start += 1
        if start == len(self._words) or self._words[start].begins:
            return self._ignore(at, start - at), ""
        length, found = self._phrase_at(start)
        if not length:
            return self._ignore(at, start - at + 1), self._words[at].text
        self._take(found, at, start - at + length, self._words[at].text)
        return start - at + length, self._words[at].text

    def _is_filler(self, at: int) -> bool:
        return self._phrase_at(at)[0] == 0 and self._words[at].text in SMALL_WORDS - ALIKE

    def _goes_on(self, at: int) -> bool:
        """Whether the phrase here is one that a negation can be carried on to."""
        length, found = self._phrase_at(at)
        return length > 0 and isinstance(found, Wish) and bool(found.opposite)

    def _after(self, at: int, negation: str) -> int:
        length, found = self._phrase_at(at)
        self._take(found, at, length, negation)
        return length

    def _phrase_at(self, at: int) -> tuple[int, Wish | str]:
        """The longest phrase that begins here: its length in words (0: none), and what it means."""
        known = self._vocabulary.phrases
        most = min(self._vocabulary.longest, len(self._words) - at)
        for length in range(most, 0, -1):
            words = self._words[at : at + length]
            key = tuple(word.text for word in words)
            if key in known and not any(word.begins for word in words[1:]):
                return length, known[key]
        return 0, ""

    def _take(self, found: Wish | str, at: int, length: int, negation: str) -> None:
        """Notes a phrase that was found, with the negation before it, if there is one."""
        if isinstance(found, str):
            self._ignore(at, length, "" if negation else found)
            return
        if negation:
            other = found.less if negation in LESS else found.opposite
            if not other:
                self._ignore(at, length)
                return
            found = self._vocabulary.by_name[other]
        first = self._chosen.setdefault(found.group or found.name, found)
        if first.name != found.name:
            self._ignore(at, length, f"{first.name} comes first")
        else:
            self._understood.append(Understood(self._text(at, length), found))

    def _ignore(self, at: int, length: int, reason: str = "") -> int:
        text = self._text(at, length)
        self._ignored.setdefault(text.casefold(), Unfollowed(text, reason))
        return length

    def _text(self, at: int, length: int) -> str:
        """The words from here on, as they were typed."""
        parts = dict.fromkeys(word.part for word in self._words[at : at + length])
        return " ".join(self._written[part] for part in parts)


def _split(prompt: str) -> tuple[list[str], list[_Word]]:
    """The words of a prompt as they were typed, and as they are compared."""
    written: list[str] = []
    words: list[_Word] = []
    begins = True
    for part in _PARTS.findall(prompt):
        if part in _MARKS:
            begins = True
            continue
        plain = list(_pieces(part))
        if not plain:
            continue
        written.append(part.strip("'’-–—_*~"))
        for piece in plain:
            words.append(_Word(piece, len(written) - 1, begins))
            begins = False
    return written, words


def _pieces(part: str) -> Iterator[str]:
    text = unicodedata.normalize("NFKC", part).casefold().replace("’", "'")
    for piece in re.split(r"[-–—_*~/]+", text):
        if stripped := piece.strip("'"):
            yield stripped


def _plain(phrase: str) -> tuple[str, ...]:
    return tuple(word.text for word in _split(phrase)[1])
