"""The console every command prints on: what names of files, titles and answers hold never tells a terminal what to do.

Colours and moves of the cursor are the commands' own; rich keeps them apart from the text until it writes both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from daw_protocol.errors import without_controls


class TextConsole(Console):
    """A console whose texts are text: control characters in them come out as "?"."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Cleaned before anything is measured, so that tables keep their shape."""
        return super().render_str(without_controls(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What rich makes of it, with every text cleaned that did not come by way of `render_str`."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(without_controls(segment.text), segment.style)
