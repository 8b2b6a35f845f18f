"""What an installed Takebridge consists of: pyproject.toml names every package, one by one."""

from __future__ import annotations

import tomllib

import pytest

from tests.places import PROJECT

PACKAGES = ("bridge_server", "clip_store", "daw_protocol", "model")
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


SERVED = (("bridge_server.panel", "bridge_server/panel"), ("bridge_server.reaper_scripts", "examples/reaper"))


@pytest.mark.parametrize(("package", "folder"), SERVED)
def test_every_file_a_browser_or_reaper_asks_for_is_installed(package, folder):
    files = {
        path
        for place in (PROJECT / folder, PROJECT / folder / "playback")  # a folder of scripts is no package
        for path in place.glob("*")
        if path.is_file() and path.suffix not in (".py", ".md")
    }
    assert files
    installed = {
        path for pattern in TOOLS["package-data"][package] for path in (PROJECT / folder).glob(pattern)
    }
    assert files <= installed, files - installed
