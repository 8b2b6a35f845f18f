"""What a language's file lacks, and what it has too much, against the texts of the sources."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

from bridge_server.bundled import PANEL
from bridge_server.languages.installed import SECTIONS, language_file
from bridge_server.languages.template import Template
from tests.languages.panel_texts import panel_texts
from tests.languages.python_texts import SourceText, python_texts

UNSAID = Path(__file__).with_name("unsaid.json")
PANEL_UNSAID = Path(__file__).with_name("panel_unsaid.json")
"""Texts of the sources that nobody reads, such as keys, parts of headers and words of prompts."""


def shape(text: str) -> str:
    """Equal for texts that differ in the names of their places only."""
    return Template.read(text).shape


@cache
def shapes_in(path: Path) -> frozenset[str]:
    return frozenset(shape(text) for text in json.loads(path.read_text(encoding="utf-8")))


def missing_sentences(language: str) -> list[SourceText]:
    """Texts of the server, the engines and the command line without an entry."""
    return _missing(python_texts(), [language_file(language)["sentences"]], UNSAID)


def missing_in_panel(language: str) -> list[SourceText]:
    """Texts of the panel without an entry; those that the server says too have theirs there."""
    file = language_file(language)
    return _missing(panel_texts(), [file["panel"], file["sentences"]], PANEL_UNSAID)


def _missing(texts: tuple[SourceText, ...], tables: list[dict[str, str]], unsaid: Path) -> list[SourceText]:
    known = {shape(english) for table in tables for english in table} | shapes_in(unsaid)
    first: dict[str, SourceText] = {}
    for text in texts:
        first.setdefault(shape(text.text), text)
    return [text for one, text in first.items() if one not in known]


def stale(language: str) -> list[str]:
    """Entries that no text of the sources has any more."""
    file = language_file(language)
    said = {shape(text.text) for text in python_texts()}
    shown = panel_source()
    return [
        *(english for english in file["sentences"] if shape(english) not in said),
        *(english for english in file["panel"] if not _is_shown(english, shown)),
    ]


@cache
def panel_source() -> str:
    paths = sorted((*PANEL.rglob("*.js"), PANEL / "index.html"))
    return re.sub(
        r"\s+", " ", " ".join(path.read_text(encoding="utf-8") for path in paths).replace('\\"', '"')
    )


def _is_shown(english: str, source: str) -> bool:
    """Whether the words of an entry stand in the panel's sources; it may compose one text from several."""
    template = Template.read(english)
    words = [part for literal in template.literals for part in re.findall(r"[A-Za-z]{2,}", literal)]
    return all(word in source or word.removesuffix("s") in source for word in words)


def with_other_places(language: str) -> list[str]:
    """Entries whose translation does not fill in what the English text does."""
    file = language_file(language)
    wrong = []
    for section in SECTIONS:
        for english, translation in file[section].items():
            places, others = Template.read(english).names, Template.read(translation).names
            if Counter(places) != Counter(others):
                wrong.append(f"{english}: {translation}")
    return wrong
