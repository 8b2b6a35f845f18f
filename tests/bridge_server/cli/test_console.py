"""What is printed tells a terminal nothing but the colours of our own; what is shown of odd names is a mark each."""

from __future__ import annotations

import io

import pytest
from rich.markup import escape
from rich.progress import Progress, TextColumn
from rich.table import Table

from bridge_server.cli.console import TextConsole

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


def test_a_progress_bar_may_move_the_cursor():
    file = io.StringIO()
    console = TextConsole(file=file, width=100, force_terminal=True, legacy_windows=False)
    with Progress(TextColumn("{task.description}"), console=console) as bar:
        bar.add_task(escape(f"reading {HOSTILE}"), total=1.0)
    assert "\x1b[?25l" in file.getvalue(), "the cursor is hidden"
    assert "\x1b[31m" not in file.getvalue()
    assert "?[31mb?2J" in file.getvalue()
