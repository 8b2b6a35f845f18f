"""The console every command prints on: what names of files, titles and answers hold never tells a terminal what to do.

Colours and moves of the cursor are the commands' own; rich keeps them apart from the text until it writes both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, ClassVar

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
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
        window."""
        whole = all(isinstance(one, str) for one in objects) if soft_wrap is None else soft_wrap
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
    return Text(text)


def listing(*headings: str, whole: Collection[str] = ()) -> Table:
    """A table with a row for each thing there is. Its first column names the thing and is to be copied: however narrow
    the window, it is never cut, nor are those in `whole`; the others go on in further lines."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        table.add_column(label(heading), no_wrap=number == 0 or heading in whole, overflow="fold")
    return table
