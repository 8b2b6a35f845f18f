"""The scripts for REAPER, handed out so that ReaPack can install them from the server: always those of its version."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bridge_server.bundled import scripts_folder

PREFIX = "/reaper/"
INDEX = "index.xml"
# The address in index.xml; the port is replaced by the server's own.
USUAL_ADDRESS = "http://127.0.0.1:9125/reaper/"
TYPES = {".lua": "text/plain; charset=utf-8", ".xml": "application/xml"}


@cache
def _known() -> dict[str, Path]:
    """Names that may be asked for. Only these are ever opened."""
    folder = scripts_folder("reaper")
    found = [*folder.glob("*.lua"), *folder.glob("lib/*.lua"), folder / INDEX]
    return {path.relative_to(folder).as_posix(): path for path in found}


def reaper_script(name: str, port: int) -> tuple[str, bytes] | None:
    """Media type and content of one file; None when there is none of that name. port: the server's, for the index."""
    path = _known().get(name)
    if path is None:
        return None
    content = path.read_bytes()
    if name == INDEX:
        content = content.replace(USUAL_ADDRESS.encode(), USUAL_ADDRESS.replace("9125", str(port)).encode())
    return TYPES[path.suffix], content
