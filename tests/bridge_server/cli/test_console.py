"""What is printed tells a terminal nothing but the colours of our own; what is shown of odd names is a mark each."""

from __future__ import annotations

import io

import pytest
from rich.markup import escape
from rich.progress import Progress, TextColumn
from rich.table import Table

from bridge_server.cli.console import ListTable, TextConsole, label, own_words, passing_bar

HOSTILE = "a\x1b[31mb\x9b2Jc\x07d\x7fe\x85f\u2028g\u202eh"
SHOWN = "a?[31mb?2Jc?d?e?f?g?h"


def printed(what, **options):
    file = io.StringIO()
    TextConsole(file=file, width=100, **options).print(what, highlight=False)
    return file.getvalue()


def table():
    found = Table("name")
    found.add_row(escape(HOSTILE))
    return found


@pytest.mark.parametrize("what", [escape(HOSTILE), table()], ids=["line", "table"])
def test_texts_are_only_texts(what):
    text = printed(what)
    assert SHOWN in text
    assert not set(text) & set("\x1b\x9b\x07\x7f\x85\u2028\u202e")


def test_our_own_colours_and_lines_stay():
    text = printed(f"[red]{escape(HOSTILE)}[/red]\nnext", force_terminal=True, color_system="standard")
    assert text.startswith("\x1b[31ma?[31mb?2J")
    assert text.count("\x1b") == 2, "one to colour, one to end it"
    assert text.endswith("\nnext\n")


@pytest.mark.parametrize(
    "options", [{}, {"force_terminal": True, "color_system": None}], ids=["file", "terminal"]
)
def test_a_line_is_never_broken_and_a_table_fits(options):
    command = "takebridge send /bridge/repaint source " + "long/" * 30 + "song.wav bars 17-20"
    assert printed(f"  $ {command}", **options) == f"  $ {command}\n"
    wide = Table("name")
    wide.add_row(command)
    assert max(map(len, printed(wide, **options).splitlines())) == 100


def test_in_korean_a_listing_has_its_own_words_translated_and_a_producers_as_they_are(monkeypatch):
    monkeypatch.setattr(TextConsole, "language", "ko")
    found = ListTable("song", "state")
    found.add_row(own_words("done"), "done")
    first, second = printed(found).splitlines()
    assert first.split() == ["곡", "상태"]
    assert second.split() == ["done", "완료"]


@pytest.mark.parametrize("width", [60, 80])
def test_in_a_listing_nothing_is_lost_and_ids_stay_whole(width):
    rows = [("td34b12ab3d", "a longer title of a song", "21120000"), ("taf78cc3e49", "Über-langerTitel", "0")]
    found = ListTable("take", "song", "at sample", whole=("at sample",))
    for row in rows:
        found.add_row(*row)
    file = io.StringIO()
    TextConsole(file=file, width=width).print(found)
    text = file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert [line.split()[0] for line in text.splitlines() if line[:1] == "t"] == [
        "take",
        "td34b12ab3d",
        "taf78cc3e49",
    ]
    assert "…" not in text
    letters = sorted("".join(text.split()))
    assert letters == sorted(
        "".join(("take", "song", "at sample", *(one for row in rows for one in row))).replace(" ", "")
    )


TAKES = ("take", "name", "stars", "song", "task", "at sample", "length", "receipt")
TAKE = ("td34b12ab3d", "second chorus", "★★★", "a longer title", "repaint", "21120000", "12.50 s", "passed")
PRESETS = ("preset", "task", "prompt", "other values")
PRESET = ("n" * 60, "repaint", "warm analogue pads", "steps 8, seed 12")
JOBS = ("job", "what was wrong")
JOB = ("j1", "/srv/music/songs/of/last/year/mix.wav cannot be read.")


@pytest.mark.parametrize("width", [20, 40, 60, 77, 78, 100, 200])
@pytest.mark.parametrize(
    ("headings", "whole", "row"),
    [(TAKES, ("stars", "at sample", "length"), TAKE), (PRESETS, (), PRESET), (JOBS, (), JOB)],
    ids=["takes", "presets", "jobs"],
)
def test_a_listing_cuts_nothing_in_any_window(headings, whole, row, width):
    found = ListTable(*headings, whole=whole)
    found.add_row(*row)
    file = io.StringIO()
    TextConsole(file=file, width=width).print(found)
    lines = file.getvalue().splitlines()
    for heading, cell in zip(headings, row, strict=True):
        if heading in whole or heading == headings[0]:
            assert any(cell in line for line in lines), f"{heading} is broken or cut"
    if lines[0].startswith(f"{headings[0]}: "):  # a block: one line for each value, whole
        assert [line.strip() for line in lines] == [
            f"{name}: {cell}" for name, cell in zip(headings, row, strict=True)
        ]
        assert width < sum(max(len(heading), len(cell)) for heading, cell in zip(headings, row, strict=True))
    else:
        assert max(map(len, lines)) <= width
        letters = sorted("".join((*headings, *row)).replace(" ", ""))
        assert sorted("".join("".join(lines).split())) == letters


def test_words_of_a_table_are_broken_last_of_all():
    found = ListTable("take", "song", "receipt")
    found.add_row("t1", "a_bounce_of_today_in_the_evening", "passed " * 20)
    file = io.StringIO()
    TextConsole(file=file, width=60).print(found)
    assert "a_bounce_of_today_in_the_evening" in file.getvalue()


def test_a_progress_bar_leaves_nothing_in_a_file():
    for terminal, silent in ((False, False), (True, True)):
        file = io.StringIO()
        console = TextConsole(file=file, force_terminal=terminal)
        with passing_bar(console, TextColumn("{task.description}"), silent=silent) as bar:
            bar.add_task("exporting", total=1.0)
        assert not file.getvalue()


def test_a_progress_bar_may_move_the_cursor():
    file = io.StringIO()
    console = TextConsole(file=file, width=100, force_terminal=True, legacy_windows=False)
    with Progress(TextColumn("{task.description}"), console=console) as bar:
        bar.add_task(escape(f"reading {HOSTILE}"), total=1.0)
    assert "\x1b[?25l" in file.getvalue(), "the cursor is hidden"
    assert "\x1b[31m" not in file.getvalue()
    assert "?[31mb?2J" in file.getvalue()


def test_a_line_that_begins_with_a_label_stays_whole():
    path = "/home/anna/music/" + "a long folder/" * 6 + "kernels.json"
    file = io.StringIO()
    TextConsole(file=file, width=60).print(
        "good", " ", label("processor"), ": delete ", path, sep="", highlight=False
    )
    assert file.getvalue() == f"good processor: delete {path}\n"
