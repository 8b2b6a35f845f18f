"""The panel's page and its parts, read at every request, so that a reload shows an edit."""

from __future__ import annotations

import re

from bridge_server.bundled import PANEL
from bridge_server.languages.installed import ENGLISH, FOLDER, installed_languages

PREFIX = "/panel/"
INDEX = "index.html"
LANGUAGES = "languages/"
HELLO = "/hello.json"  # public: that this is Takebridge, and whether it needs a token

# By file name: Windows' own table of media types may call JavaScript plain text.
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
# One file in the folder or one folder deeper; no dots but the one before the ending, so nothing leads outside.
_NAME = re.compile(r"(?:[a-z0-9_-]+/)?[a-z0-9_-]+\.[a-z0-9]+")


def panel_file(name: str) -> tuple[str, bytes] | None:
    """Media type and content of a part of the panel; None where there is none of that name."""
    if not _NAME.fullmatch(name):
        return None
    path = FOLDER / name.removeprefix(LANGUAGES) if name.startswith(LANGUAGES) else PANEL / name
    media_type = MEDIA_TYPES.get(path.suffix)
    if media_type is None or not path.is_file():
        return None
    return media_type, path.read_bytes()


def panel_page() -> tuple[str, bytes]:
    """Media type and content of the page itself."""
    return MEDIA_TYPES[".html"], (PANEL / INDEX).read_bytes()


def page_in(page: bytes, language: str) -> bytes:
    """The panel's page, marked as one in this language: its script then fetches the table for it."""
    if language not in installed_languages():
        language = ENGLISH
    return page.replace(b'<html lang="en">', f'<html lang="{language}">'.encode(), 1)
