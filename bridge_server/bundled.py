"""Files that come with the program: the panel, the demo's song, the scripts for DAWs.

An installed wheel carries parts of examples/ inside this package (see pyproject.toml).
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

PACKAGE = Path(__file__).parent

PANEL = PACKAGE / "panel"


def demo_song_folder() -> Path:
    """The folder of the demo's song."""
    return _bundled("demo_song", "demo_song")


def scripts_folder(example: str) -> Path:
    """The folder of the scripts for one program, by its name below examples/."""
    return _bundled(f"daw_scripts/{example}", example)


def licence_text() -> str:
    """Takebridge's licence."""
    beside = PACKAGE.parent / "LICENSE"
    if beside.is_file():
        return beside.read_text(encoding="utf-8")
    installed = importlib.metadata.distribution("takebridge")
    return installed.read_text("licenses/LICENSE") or installed.read_text("LICENSE") or ""


def _bundled(installed_name: str, example: str) -> Path:
    installed = PACKAGE / installed_name
    return installed if installed.is_dir() else PACKAGE.parent / "examples" / example
