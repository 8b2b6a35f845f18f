"""Section tags among lyrics: lines such as "[Verse 1]", which are read and not sung."""

from __future__ import annotations

import re

_TAGS = re.compile(r"(\s*\[[^\]]*\]?)+\s*")


def is_tag(line: str) -> bool:
    """Whether a line is only tags, such as "[Verse 1]"."""
    return _TAGS.fullmatch(line) is not None


def is_sung(line: str) -> bool:
    """Whether there is more to a line than tags and blanks."""
    return bool(line.strip()) and not is_tag(line)


def has_sung_line(lyrics: str) -> bool:
    """Whether lyrics have a line that is sung."""
    return any(map(is_sung, lyrics.split("\n")))
