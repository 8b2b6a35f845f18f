"""The console every command prints on: what names of files, titles and answers hold never tells a terminal what to do.

Colours and moves of the cursor are the commands' own; rich keeps them apart from the text until it writes both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.progress import Progress, ProgressColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from bridge_server.languages.installed import ENGLISH
from bridge_server.languages.wording import label_in, text_in
from daw_protocol.errors import without_controls


class TextConsole(Console):
    """A console whose texts are text: control characters in them come out as "?".

    language: of what all commands of this process print; `__main__` sets it from the command line.
    """

    language: ClassVar[str] = ENGLISH

    def print(self, *objects: Any, soft_wrap: bool | None = None, **options: Any) -> None:
        """Lines of text stay whole: a path, an address or a command that is broken cannot be copied. Tables fit the
        window, and a listing that cannot is lines."""
        whole = (
            all(isinstance(one, (str, Text, ListTable)) for one in objects)
            if soft_wrap is None
            else soft_wrap
        )
        super().print(*objects, soft_wrap=whole, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Translated and cleaned before anything is measured, so that tables keep their shape."""
        plain = text.replace("\\[", "[")  # as the table of a language has what only had its brackets escaped
        said = (
            escape(text_in(plain, self.language)) if escape(plain) == text else text_in(text, self.language)
        )
        return super().render_str(without_controls(said), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What rich makes of it, with every text cleaned that did not come by way of `render_str`."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(without_controls(segment.text), segment.style)


def label(text: str) -> Text:
    """A word that stands by itself, in the language of all that is printed."""
    return Text(label_in(text, TextConsole.language))


def own_words(text: str) -> Text:
    """A name, a title or a prompt as a producer wrote it, though it may read like a text of the program's."""
    return Text(without_controls(text))


def passing_bar(console: Console, *columns: ProgressColumn, silent: bool = False) -> Progress:
    """A progress bar that goes away when it is done; none without a terminal, where it would leave an empty line."""
    return Progress(*columns, console=console, disable=silent or not console.is_terminal, transient=True)


class ListTable:
    """A table with a row for each thing there is. Its first column names the thing and is to be copied: it is never
    broken, nor are those in `whole`; the others go on in further lines, between words where there is room for that.

    In a window too narrow for the table each row is a block of lines instead. Nothing is ever cut.
    """

    def __init__(self, *headings: str, whole: Collection[str] = ()) -> None:
        self._headings = headings
        self._whole = [number == 0 or heading in whole for number, heading in enumerate(headings)]
        self._rows: list[tuple[str | Text, ...]] = []

    def add_row(self, *cells: str | Text) -> None:
        """A thing: a text with markup, or one to be shown as it is, for each heading."""
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        headings = [Text(label(heading).plain, "table.header") for heading in self._headings]
        rows = [
            [cell if isinstance(cell, Text) else console.render_str(cell) for cell in row]
            for row in self._rows
        ]
        widths = self._widths([headings, *rows], options.max_width - _GAP * (len(headings) - 1))
        if widths is None:
            for row in rows:
                yield from _block(headings, row)
            return
        table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False)
        for heading, width in zip(headings, widths, strict=True):
            table.add_column(heading, width=width, overflow="fold")
        for row in rows:
            table.add_row(*row)
        yield table

    def _widths(self, rows: Sequence[Sequence[Text]], room: int) -> list[int] | None:
        """Letters for each column, without the gaps; None where there is no room for a table."""
        columns = list(zip(*rows, strict=True))
        widths = [max(_longest(text.plain.splitlines()) for text in column) for column in columns]
        words = [
            width if whole else max(_longest(text.plain.split()) for text in column)
            for width, whole, column in zip(widths, self._whole, columns, strict=True)
        ]
        least = [
            word if whole else min(word, _LEAST_WIDTH) for word, whole in zip(words, self._whole, strict=True)
        ]
        for floor in (words, least):
            while sum(widths) > room and widths != floor:
                wide = [number for number, width in enumerate(widths) if width > floor[number]]
                widths[max(wide, key=lambda number: widths[number])] -= 1
        return widths if sum(widths) <= room else None


_GAP = 2
"""Blanks between two columns."""
_LEAST_WIDTH = 16
"""Letters that a column of words has at least: narrower ones would break most words."""


def _longest(parts: Iterable[str]) -> int:
    return max(map(cell_len, parts), default=0)


def _block(headings: Sequence[Text], row: Sequence[Text]) -> Iterator[Text]:
    """A row as lines, one for each value it has: the terminal breaks what is too long, and copies it whole."""
    for number, (heading, cell) in enumerate(zip(headings, row, strict=True)):
        for line in cell.split("\n") if cell.plain else ():
            name = (Text(), heading, Text(": ")) if heading.plain else (Text(),)
            yield Text.assemble("  " if number else "", *name, line, no_wrap=True, overflow="ignore")
