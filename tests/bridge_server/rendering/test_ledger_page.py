"""The page to print: complete, self-contained, safe with any title."""

import re
import xml.etree.ElementTree as ET

from bridge_server.rendering.ledger_page import COLUMNS, ledger_page
from clip_store.mix.song_ledger import DEFINITION, UNMARKED
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
        "1970-01-01",
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


def test_it_speaks_the_language_asked_for():
    take = LedgerTake(
        take="t1", task="repaint", stem="drums", engine="ACE-Step", weights="turbo", weights_digest="b" * 64,
        neural=True, reference="hum.wav", file="absent", chosen_by="panel", chosen=0.0,
    )  # fmt: skip
    ledger = LEDGER.evolve(takes=(take, LedgerTake(take="t2", task="cover")), notes=(DEFINITION, UNMARKED))
    root = parsed(ledger_page(ledger, PEAKS, "Takebridge 1", 0.0, "ko"))
    assert root.get("lang") == "ko"
    names = (
        "Demo Takebridge UTC T1 T2 t1 t2 repaint drums cover ACE-Step turbo hum.wav",
        "bbbbbbbbbbbb",
        LEDGER.song,
    )
    words = re.findall(r"[A-Za-z][\w.-]+", " ".join(root.find("body").itertext()))
    assert [word for word in words if word not in " ".join(names).split()] == []
