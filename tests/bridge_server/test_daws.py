"""Where each DAW wants its scripts, on every system, as its page among the examples says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge_server import daws
from bridge_server.daws import DAWS, LINUX, MACOS, WINDOWS, folder_for, wanted_in
from tests.places import EXAMPLES

BY_NAME = {daw.name: daw for daw in DAWS}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A user's empty folder, the places Windows knows inside it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    places = {"documents": "Documents", "appdata": "AppData/Roaming", "localappdata": "AppData/Local"}
    monkeypatch.setattr(
        daws, "PLACES", {name: lambda below=below: str(tmp_path / below) for name, below in places.items()}
    )
    return tmp_path


@pytest.mark.parametrize(
    ("name", "system", "made", "folder"),
    [
        ("reaper", LINUX, ".config/REAPER", ".config/REAPER/Scripts/Takebridge"),
        ("reaper", MACOS, "Library/Application Support/REAPER",
         "Library/Application Support/REAPER/Scripts/Takebridge"),
        ("reaper", WINDOWS, "AppData/Roaming/REAPER", "AppData/Roaming/REAPER/Scripts/Takebridge"),
        ("live", MACOS, "Music/Ableton/User Library", "Music/Ableton/User Library/Remote Scripts"),
        ("live", WINDOWS, "Documents/Ableton/User Library", "Documents/Ableton/User Library/Remote Scripts"),
        ("bitwig", LINUX, "Bitwig Studio", "Bitwig Studio/Controller Scripts"),
        ("bitwig", WINDOWS, "Documents/Bitwig Studio", "Documents/Bitwig Studio/Controller Scripts"),
        ("ardour", LINUX, ".config/ardour7", ".config/ardour7/scripts"),
        ("ardour", MACOS, "Library/Preferences/Ardour8", "Library/Preferences/Ardour8/scripts"),
        ("ardour", WINDOWS, "AppData/Local/ardour9", "AppData/Local/ardour9/scripts"),
    ],
)  # fmt: skip
def test_a_folder_counts_once_the_program_has_made_its_own(home, name, system, made, folder):
    assert folder_for(BY_NAME[name], system) is None
    (home / made).mkdir(parents=True)
    assert folder_for(BY_NAME[name], system) == home / folder


def test_the_newest_version_of_a_program_counts(home):
    for version in (7, 10, 9):
        (home / ".config" / f"ardour{version}").mkdir(parents=True)
    (home / ".config" / "ardour11").write_text("a file")
    assert folder_for(BY_NAME["ardour"], LINUX) == home / ".config" / "ardour10" / "scripts"


def test_where_nothing_is_certain_nothing_is_guessed():
    assert folder_for(BY_NAME["live"], LINUX) is None
    assert wanted_in(BY_NAME["live"], LINUX) == ""
    assert wanted_in(BY_NAME["ardour"], LINUX) == "~/.config/ardourN/scripts"
    assert wanted_in(BY_NAME["osc"], WINDOWS) == ""


@pytest.mark.parametrize("daw", DAWS, ids=lambda daw: daw.name)
def test_the_page_of_each_says_the_same(daw):
    page = (EXAMPLES / daw.example / "README.md").read_text(encoding="utf-8").replace("\\", "/")
    assert Path(daw.below).parts == () or Path(daw.below).parts[0] in page
    assert daw.label.split()[0] in page
