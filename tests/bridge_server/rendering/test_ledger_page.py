"""The page to print: complete, self-contained, safe with any title."""

import xml.etree.ElementTree as ET

from bridge_server.rendering.ledger_page import COLUMNS, ledger_page
from daw_protocol.ledger import Ledger, LedgerTake
from tests.bridge_server.rendering.test_ledger_words import LEDGER

PEAKS = tuple(number % 10 / 10 for number in range(COLUMNS))


def parsed(page: str) -> ET.Element:
    """The page is well-formed XML too."""
    return ET.fromstring(page.removeprefix("<!doctype html>"))


def test_it_has_every_stretch_take_and_note():
    root = parsed(ledger_page(LEDGER.evolve(notes=("A note.",)), PEAKS, "Takebridge 1", 0.0))
    text = " ".join(root.itertext())
    for words in (
        "Demo",
        "Takebridge 1",
        "1 January 1970",
        "rendered by a network",
        "T1",
        "turbo",
        "MIT",
        "A note.",
    ):
        assert words in text
    bands = [one for one in root.iter("rect") if one.get("height") == "18"]
    assert [round(float(one.get("width"))) for one in bands] == [COLUMNS * 3 // 4, COLUMNS // 4]


def test_words_of_producers_cannot_break_it():
    take = LedgerTake(take="t1", task="repaint", prompt="<script>alert(1)</script>" * 20, engine='"<b>')
    page = ledger_page(LEDGER.evolve(title="</title><script>", takes=(take,)), (), "1", 0.0)
    parsed(page)
    assert "<script" not in page


def test_it_needs_nothing_from_elsewhere():
    page = ledger_page(LEDGER, PEAKS, "1", 0.0)
    assert "http" not in page.replace("http://cv.iptc.org", "")
    assert " src=" not in page


def test_an_empty_song_has_a_page():
    parsed(ledger_page(Ledger(title="", song="a" * 64, position=0, rate=8000, end=0), (), "1", 0.0))
