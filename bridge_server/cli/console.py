"""The console every command prints on: what names of files, titles and answers hold never tells a terminal what to do.

Colours and moves of the cursor are the commands' own; rich keeps them apart from the text until it writes both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from bridge_server.languages.installed import ENGLISH
from bridge_server.languages.wording import text_in
from daw_protocol.errors import without_controls


class TextConsole(Console):
    """A console whose texts are text: control characters in them come out as "?".

    language: of what all commands of this process print; `__main__` sets it from the command line.
    """

    language: ClassVar[str] = ENGLISH

    def render_str(self, text: str, **options: Any) -> Text:
        """Translated and cleaned before anything is measured, so that tables keep their shape."""
        return super().render_str(without_controls(text_in(text, self.language)), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What rich makes of it, with every text cleaned that did not come by way of `render_str`."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(without_controls(segment.text), segment.style)
