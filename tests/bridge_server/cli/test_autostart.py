"""`takebridge autostart`: what is written and run, and that off takes back exactly that."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bridge_server.cli import autostart as module
from bridge_server.login_start import MARK, LoginStart
from tests.bridge_server.cli.test_parser import parse
from tests.bridge_server.peers import environment
from tests.bridge_server.typed import typed
from tests.places import PROJECT

FAILING = ("cannot",)


@pytest.fixture
def ran(monkeypatch):
    """The system's commands that were run, in order; those in FAILING fail."""
    commands = []

    def run(command):
        if command[-1] == "--version":  # whether it is installed, which it need not be for the tests
            return None
        commands.append(command[0])
        return "It cannot." if command[0] in FAILING else None

    monkeypatch.setattr(module, "_run", run)
    return commands


@pytest.fixture
def way(tmp_path, monkeypatch):
    """A system of the test's own."""
    made = LoginStart(
        tmp_path / "new folder" / "server.conf", f"# {MARK}\nstart it\n".encode(), possible=(("ask",),),
        enable=(("enable",),), start=(("start",),), disable=(("stop",), FAILING), forget=(("forget",),),
    )  # fmt: skip
    monkeypatch.setattr(module, "login_start", lambda *_: made)
    return made


@pytest.fixture
def autostart(tmp_path, way):
    return lambda *words: typed(tmp_path / "store", "autostart", *words, cwd=tmp_path)


def test_on_shows_what_it_writes_and_off_removes_exactly_that(autostart, ran, way, tmp_path):
    assert "Autostart is off." in autostart("status").stdout
    done = autostart("on")
    assert done.returncode == 0, done.stderr
    assert way.text in done.stdout
    assert str(way.file) in done.stdout
    assert way.file.read_bytes() == way.content
    assert way.file.stat().st_mode & 0o077 == 0 or sys.platform == "win32"
    assert ran == ["ask", "enable", "start"]
    assert way.text in autostart("status").stdout
    neighbour = way.file.with_name("other.conf")
    neighbour.write_text("")
    ran.clear()
    assert autostart("off").returncode == 0, "what had nothing to end is no mistake"
    assert ran == ["stop", "cannot", "forget"]
    assert list(way.file.parent.iterdir()) == [neighbour]
    ran.clear()
    assert "off already" in autostart("off").stdout
    assert ran == []


def test_no_second_server_is_started(server, ran, way):
    done = typed(server.settings.store, "autostart", "on", "--json")
    assert json.loads(done.stdout)["started"] is False
    assert ran == ["ask", "enable"]
    assert json.loads(typed(server.settings.store, "autostart", "status", "--json").stdout)["running"] is True


def test_a_file_of_somebody_else_is_left_alone(autostart, ran, way):
    way.file.parent.mkdir()
    way.file.write_text("mine")
    for action in ("on", "off"):
        done = autostart(action)
        assert (done.returncode, "not written by Takebridge" in done.stderr) == (1, True)
    assert "did not write it" in autostart("status").stdout
    assert (way.file.read_text(), ran) == ("mine", [])


def test_where_the_system_cannot_nothing_is_written(tmp_path, ran, monkeypatch):
    made = LoginStart(tmp_path / "x.conf", MARK.encode(), possible=(FAILING,))
    monkeypatch.setattr(module, "login_start", lambda *_: made)
    done = typed(tmp_path / "store", "autostart", "on")
    assert done.returncode == 1
    assert "takebridge serve" in done.stderr
    assert not made.file.exists()


def test_a_refusal_of_the_system_is_passed_on(tmp_path, ran, monkeypatch):
    made = LoginStart(tmp_path / "x.conf", MARK.encode(), enable=(FAILING,))
    monkeypatch.setattr(module, "login_start", lambda *_: made)
    done = typed(tmp_path / "store", "autostart", "on")
    assert (done.returncode, "It cannot." in done.stderr) == (1, True)


def test_a_folder_that_is_not_installed_is_not_registered(tmp_path, way, monkeypatch):
    monkeypatch.setattr(module, "_run", lambda _: "No module named bridge_server")
    done = typed(tmp_path / "store", "autostart", "on")
    assert (done.returncode, "not installed" in done.stderr, way.file.exists()) == (1, True, False)


def test_commands_of_the_system_are_run_as_they_are():
    assert module._run((sys.executable, "-c", "")) is None
    assert module._run((sys.executable, "-c", "raise SystemExit('no')")) == "no"
    assert "no-such-program" in module._run(("no-such-program",))


def test_options_of_serve_are_checked_before_anything_is_written(autostart, ran, way):
    assert autostart("on", "--", "--rot", "x").returncode == 2
    assert (ran, way.file.exists()) == ([], False)
    arguments = parse("autostart", "on", "--", "--root", "my songs", "--lan")
    words = module.server_words(arguments, arguments.store)
    assert words[-4:] == ("serve", "--root", "my songs", "--lan")
    assert words[words.index("--store") + 1] == str(arguments.store)


def test_commands_run_without_a_terminal(tmp_path):
    """As pythonw.exe runs the server: without stdin, stdout and stderr."""
    words = [
        "takebridge",
        "--store",
        str(tmp_path / "store"),
        "scripts",
        "osc",
        "--to",
        str(tmp_path / "out"),
    ]
    code = (
        f"import sys; sys.stdin = sys.stdout = sys.stderr = None; sys.argv = {words!r};"
        "from bridge_server.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment(), capture_output=True, check=False
    )
    assert done.returncode == 0
    assert (tmp_path / "out" / "bridge.pd").is_file()
