"""Files that come with the program: the panel, the demo's song, the scripts for DAWs.

An installed wheel carries parts of examples/ inside this package (see pyproject.toml).
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent

PANEL = PACKAGE / "panel"


def demo_song_folder() -> Path:
    """The folder of the demo's song."""
    return _bundled("demo_song", "demo_song")


def scripts_folder(example: str) -> Path:
    """The folder of the scripts for one program, by its name below examples/."""
    return _bundled(f"daw_scripts/{example}", example)


def _bundled(installed_name: str, example: str) -> Path:
    installed = PACKAGE / installed_name
    return installed if installed.is_dir() else PACKAGE.parent / "examples" / example
