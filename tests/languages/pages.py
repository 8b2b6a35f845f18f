"""`python -m tests.languages.pages FOLDER [TAG]`: a language's whole table on pages to read, and pictures of them.

Each entry stands beside its English, both filled in with examples. What is shown was translated by the program itself,
whole sentences as a producer gets them; an entry that another one takes the place of is marked.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from playwright.sync_api import sync_playwright

from bridge_server.languages.catalogue import Catalogue
from bridge_server.languages.installed import SECTIONS, installed_languages, language_file
from bridge_server.languages.template import Template
from tests.panel.browser import CHROMIUM

ENTRIES = 80
"""On a page: a picture of it can still be read with ease."""
STYLE = """
body { margin: 12px; width: 1376px; font: 15px/1.35 "NanumGothic", "Noto Sans CJK KR", sans-serif; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
td { border-bottom: 1px solid #ccc; padding: 2px 6px; vertical-align: top; overflow-wrap: anywhere; }
td:first-child { width: 44px; color: #888; }
td:nth-child(2) { width: 600px; color: #555; font-size: 13px; }
mark { background: #e4edff; }
.other td { background: #ffe9c7; }
"""

# By the name of a place, without its number: what a producer may find there.
EXAMPLES = {
    "name": "turbo", "value": "17", "count": "3", "list": "vocals, drums", "label": "Sketch",
    "error": "No space left on device", "where": "bar 3 beat 1", "path": "/music/song.wav", "size": "2 GB",
    "folder": "/music/models", "number": "2", "length": "48000", "id": "t12", "text": "warm pads",
    "task": "repaint", "seconds": "12", "strerror": "Permission denied", "start": "1000", "field": "bpm",
    "end": "2000", "rate": "48000", "bar": "17", "place": "/music/models/turbo", "stem": "drums", "take": "t12",
    "escape": "t12", "position": "96000", "what": "tempo", "host": "127.0.0.1", "region": "2", "kind": "float64",
    "reason": "it does not answer", "job": "j12", "track": "1", "meter": "4/4", "key": "A minor", "bpm": "120",
    "frames": "48000", "quarter": "16", "forms": "WAV, FLAC", "names": "vocals, drums", "words": "no drums",
    "wanted": "turbo", "takes": "2", "stage": "rendering", "address": "/bridge/repaint", "last": "20",
    "given": "x", "first": "17", "engine": "acestep", "file": "song.wav", "port": "9124",
    "repository": "ACE-Step/turbo",
    "most": "64", "low": "0", "high": "1000", "beat": "1", "channels": "2", "store": "/music/store", "bars": "17-20",
    "install": "pip install 'takebridge[acestep]'", "tempo": "120", "url": "http://127.0.0.1:9125", "seed": "7",
}  # fmt: skip
ANYTHING = "17"


@dataclass(frozen=True)
class Entry:
    """An entry filled in. other: what the program says in its place, "" when it says just that."""

    number: int
    section: str
    english: str
    translation: str
    other: str


def entries(language: str) -> Iterator[Entry]:
    """Every entry of a language's table, in its order."""
    file = language_file(language)
    catalogue = Catalogue({one: other for section in SECTIONS for one, other in file[section].items()})
    number = 0
    for section in SECTIONS:
        for english, translation in file[section].items():
            number += 1
            template, other = Template.read(english), Template.read(translation)
            values = {name: example(name) for name in template.names}
            said = catalogue.translate(template.fill(values))
            own = other.fill({name: catalogue.translate(value) for name, value in values.items()})
            yield Entry(number, section, template.fill(values), said, own if own != said else "")


def example(place: str) -> str:
    """What may be filled in at a place, by its name."""
    return EXAMPLES.get(re.sub(r"\d+$", "", place), ANYTHING)


def page(some: tuple[Entry, ...], language: str) -> str:
    """Entries as a page of HTML."""
    rows = "".join(
        f"<tr{' class=other' if one.other else ''}><td>{one.number}</td><td>{escape(one.english)}</td>"
        f"<td>{escape(one.translation)}{'<br><mark>' + escape(one.other) + '</mark>' if one.other else ''}</td></tr>"
        for one in some
    )
    head = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><style>{STYLE}</style>'
    return f"{head}<table>{rows}</table></html>"


def main(words: list[str]) -> int:
    """Writes the pages, and a picture beside each where there is a Chromium."""
    folder, language = Path(words[0]), (words[1:] or installed_languages()[1:])[0]
    folder.mkdir(parents=True, exist_ok=True)
    found, pages = tuple(entries(language)), []
    for first in range(0, len(found), ENTRIES):
        pages.append(folder / f"{language}-{len(pages) + 1:03}.html")
        pages[-1].write_text(page(found[first : first + ENTRIES], language), encoding="utf-8")
    if CHROMIUM is not None:
        with sync_playwright() as running, running.chromium.launch(executable_path=CHROMIUM) as browser:
            shown = browser.new_page(viewport={"width": 1400, "height": 900})
            for path in pages:
                shown.goto(path.absolute().as_uri())
                shown.screenshot(path=path.with_suffix(".png"), full_page=True)
    print(f"{len(pages)} pages in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
