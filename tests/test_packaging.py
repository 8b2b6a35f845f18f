"""What an installed Takebridge consists of: pyproject.toml names every package, one by one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bridge_server.daws import DAWS
from tests.places import EXAMPLES, PROJECT

PACKAGES = ("bridge_server", "clip_store", "daw_protocol", "model")
SCRIPTS = {".lua", ".js", ".scd", ".sh", ".pd", ".maxpat", ".tosc"}
TOOLS = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def test_every_folder_of_modules_is_installed():
    folders = {
        init.parent.relative_to(PROJECT).as_posix().replace("/", ".")
        for package in PACKAGES
        for init in (PROJECT / package).rglob("__init__.py")
    }
    assert folders - set(TOOLS["packages"]) == set()


def test_every_package_that_is_named_exists():
    for package in TOOLS["packages"]:
        inside = next((one for one in TOOLS["package-dir"] if f"{package}.".startswith(f"{one}.")), None)
        place = (
            TOOLS["package-dir"][inside] + package.removeprefix(inside).replace(".", "/") if inside else None
        )
        assert (PROJECT / (place or package.replace(".", "/"))).is_dir(), package


def installed_files(package: str, folder: Path) -> set[Path]:
    return {path for pattern in TOOLS["package-data"][package] for path in folder.glob(pattern)}


def test_every_file_a_browser_asks_for_is_installed():
    panel = PROJECT / "bridge_server" / "panel"
    files = {
        path
        for place in (panel, panel / "playback")  # a folder of scripts is no package
        for path in place.glob("*")
        if path.is_file() and path.suffix not in (".py", ".md")
    }
    assert files
    missing = files - installed_files("bridge_server.panel", panel)
    assert not missing


@pytest.mark.parametrize("daw", DAWS, ids=lambda daw: daw.name)
def test_every_file_a_daw_needs_is_installed(daw):
    folder = EXAMPLES / daw.example
    files = {path for pattern in daw.files for path in folder.glob(pattern)}
    assert files
    assert all(list(folder.glob(pattern)) for pattern in daw.files), "a pattern that names nothing"
    missing = files - installed_files("bridge_server.daw_scripts", EXAMPLES)
    assert not missing


def test_every_script_is_in_the_table():
    """What lies among the examples of a DAW and is no page, picture or tool of ours is something it needs."""
    for daw in DAWS:
        folder = EXAMPLES / daw.example
        needed = {path for pattern in daw.files for path in folder.glob(pattern)}
        there = {path for path in folder.rglob("*") if path.suffix in SCRIPTS and path.is_file()}
        assert there <= needed, daw.name


def test_every_folder_of_examples_is_offered_or_the_page_says_why_not():
    offered = {daw.example for daw in DAWS}
    page = (PROJECT / "docs" / "daws.md").read_text(encoding="utf-8")
    for folder in (path for path in EXAMPLES.iterdir() if path.is_dir() and path.name != "__pycache__"):
        assert folder.name in offered or f"`examples/{folder.name}`" in page, folder.name


def test_reapack_finds_its_index():
    assert EXAMPLES / "reaper" / "index.xml" in installed_files("bridge_server.daw_scripts", EXAMPLES)
