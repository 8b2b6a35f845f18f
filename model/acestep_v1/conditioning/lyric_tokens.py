"""Lyrics as tokens: a start, then every line with the token of its language, each line ended by a blank.

The vocabulary is a file of the `tokenizers` package that is fetched like weights, or lies in a ComfyUI folder. The
published application guesses every line's language and often wrongly; here it is the producer's, or follows from the
script.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from model.acestep_v1.conditioning.lyric_cleaning import cleaned, unspelled
from model.acestep_v1.conditioning.lyric_words import LANGUAGES
from model.errors import CannotRender, NotLoaded

START = "[START]"
BLANK = "[SPACE]"
START_ID, BLANK_ID = 261, 2
ENGLISH_ID = 259
TAG_IDS = {
    f"[{name}]": 6681 + index
    for index, name in enumerate(
        "start intro verse chorus bridge outro end inst solo hook pre-chorus break".split()  # noqa: SIM905
    )
}
"""Section tags with a token of their own."""
MAX_TOKENS = 4096
"""As many as the network got in training."""

_TAGGED = re.compile(r"\[.*?\]")
_OWN_LANGUAGE = re.compile(r"^\[([a-z]{2}(?:-cn)?)\]\s*", re.IGNORECASE)
_TAG_WITH_MORE = re.compile(r"^\[\s*([a-zA-Z-]+)(?:[\s:_-]*\d+)?\s*\]")
_OTHER_NAMES = {
    "instrumental": "inst",
    "interlude": "inst",
    "refrain": "chorus",
    "prechorus": "pre-chorus",
    "ending": "outro",
}
_SCRIPTS = (
    ("ko", re.compile("[\uac00-\ud7af\u1100-\u11ff]")),
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
)


class LyricVocabulary(Protocol):
    """What turns text into tokens."""

    def ids(self, text: str) -> list[int]:
        """Tokens of a text, in which blanks are written [SPACE]."""
        ...


class FileVocabulary:
    """The published vocabulary. Raises NotLoaded for a file that is none."""

    def __init__(self, file: Path) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as broken:  # the package raises nothing more precise
            raise NotLoaded(
                f"{file} is no lyric vocabulary: {broken}.", "Run `takebridge models pull v1-lyrics`."
            ) from broken
        if self._tokenizer.token_to_id(START) != START_ID or self._tokenizer.token_to_id(BLANK) != BLANK_ID:
            raise NotLoaded(
                f"{file} is the vocabulary of another model.", "Run `takebridge models pull v1-lyrics`."
            )

    def ids(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer.encode(text).ids
        return found


class TagVocabulary:
    """What stands for the vocabulary where there is none: it knows section tags, so songs without words can be made."""

    def ids(self, text: str) -> list[int]:
        """Raises CannotRender for anything but a tag."""
        tag = text.removeprefix("[en]")
        if tag not in TAG_IDS:
            raise CannotRender(
                "The lyrics need ACE-Step v1's vocabulary, which is not here.",
                "Run `takebridge models pull v1-lyrics`, or omit the lyrics.",
            )
        return [ENGLISH_ID, TAG_IDS[tag]]


@dataclass(frozen=True)
class LyricTokens:
    """ids: of the whole text. notes: what was not read as written."""

    ids: tuple[int, ...]
    notes: tuple[str, ...] = ()


def lyric_tokens(lyrics: str, language: str, vocabulary: LyricVocabulary) -> LyricTokens:
    """Lyrics in a language of LANGUAGES, or "unknown". Empty lyrics are one token that counts for nothing.

    Raises CannotRender for a line that cannot be read.
    """
    if not lyrics.strip():
        return LyricTokens((0,))
    ids = [START_ID]
    digits: list[str] = []
    lost: list[str] = []
    for line in lyrics.split("\n"):
        words, own = _with_own_language(with_plain_tag(line.strip()), language)
        read = line_ids(words, language_of(words, own), vocabulary)
        if lost or len(ids) + len(read) + 1 > MAX_TOKENS:
            lost.append(words)
            continue
        ids += [*read, BLANK_ID]
        digits += [words] if unspelled(words, language_of(words, own)) else []
    return LyricTokens(tuple(ids), (*_about_digits(digits), *_about_lost(lost)))


def _with_own_language(line: str, language: str) -> tuple[str, str]:
    """A line without the tag of its language, and that language; without such a tag, the given one."""
    found = _OWN_LANGUAGE.match(line)
    own = found[1].lower().removesuffix("-cn") if found else ""
    return (line[found.end() :], own) if found and own in LANGUAGES else (line, language)


def line_ids(line: str, language: str, vocabulary: LyricVocabulary) -> list[int]:
    """The tokens of one line, without its end; none for an empty line. Raises CannotRender."""
    if not line:
        return []
    try:
        text = cleaned(line, language)
        name = "zh-cn" if language == "zh" else language
        return vocabulary.ids(f"[{name}]{text}".replace(" ", BLANK))
    except CannotRender:
        raise
    except Exception as broken:  # of a romanising package; the published application drops the line silently
        raise CannotRender(
            f"This line of the lyrics cannot be read: {line[:60]!r} ({broken}).", "Write it in other words."
        ) from broken


def language_of(line: str, language: str) -> str:
    """The language a line is read in: English for a section tag, the given one, or by the script."""
    if _TAGGED.match(line):
        return "en"
    if language in LANGUAGES:
        return language
    return next((name for name, script in _SCRIPTS if script.search(line)), "en")


def with_plain_tag(line: str) -> str:
    """The line with a section's number left out: the network knows [verse], not [Verse 2]."""
    found = _TAG_WITH_MORE.match(line)
    if not found:
        return line
    name = _OTHER_NAMES.get(found[1].lower(), found[1].lower())
    return f"[{name}]{line[found.end() :]}" if f"[{name}]" in TAG_IDS else line


def _about_digits(lines: list[str]) -> tuple[str, ...]:
    if not lines:
        return ()
    return (
        f"Numbers in the lyrics stayed digits, from {lines[0][:40]!r} on: pip install 'takebridge[lyrics]' has them "
        "sung as words.",
    )


def _about_lost(lines: list[str]) -> tuple[str, ...]:
    if not lines:
        return ()
    return (
        f"The lyrics exceed the model's limit ({MAX_TOKENS} tokens): from {lines[0][:40]!r} on they were not sung.",
    )
