"""`takebridge scripts`: what is copied, what was there, and whose changes stay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge_server.cli import scripts as module
from bridge_server.cli.scripts import bundled_files
from bridge_server.daws import DAWS
from tests.bridge_server.typed import typed
from tests.places import PROJECT

REAPER = next(daw for daw in DAWS if daw.name == "reaper")


@pytest.fixture
def copy(tmp_path):
    return lambda *words: typed(tmp_path / "store", "scripts", *words, cwd=tmp_path)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.mark.parametrize("daw", DAWS, ids=lambda daw: daw.name)
def test_everything_a_daw_needs_is_copied_and_what_to_do_is_printed(copy, tmp_path, daw):
    done = copy(daw.name, "--to", "here/there")
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "here" / "there") == bundled_files(daw) != {}
    assert f"{len(bundled_files(daw))} new." in done.stdout
    assert f"Next: {daw.next_step}." in done.stdout
    again = json.loads(copy(daw.name, "--to", "here/there", "--json").stdout)
    assert (again["new"], again["updated"], again["same"]) == ([], [], sorted(bundled_files(daw)))


def test_the_commands_for_pro_tools_run_where_they_were_copied_to(copy, tmp_path):
    copy("pro-tools", "--to", "x")
    done = subprocess.run(
        [sys.executable, "-m", "takebridge_pro_tools", "--help"], cwd=tmp_path / "x", check=False,
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert done.stderr == ""
    assert "usage: python -m takebridge_pro_tools" in done.stdout


def test_a_changed_file_stays_unless_force_is_given(copy, tmp_path):
    copy("reaper", "--to", "x")
    mine = tmp_path / "x" / "lib" / "job.lua"
    mine.write_text("-- mine")
    (tmp_path / "x" / "lib" / "json.lua").unlink()
    refused = copy("reaper", "--to", "x")
    assert refused.returncode == 1
    assert "lib/job.lua" in refused.stderr
    assert "--force" in refused.stderr
    assert mine.read_text() == "-- mine"
    assert not (tmp_path / "x" / "lib" / "json.lua").exists(), "all or nothing"
    done = copy("reaper", "--to", "x", "--force")
    assert "1 with changes, overwritten" in done.stdout
    assert contents(tmp_path / "x") == bundled_files(REAPER)


def test_files_of_an_older_version_are_brought_up_to_date(copy, tmp_path, monkeypatch):
    older = {**bundled_files(REAPER), "lib/job.lua": b"-- older"}
    with monkeypatch.context() as before:
        before.setattr(module, "bundled_files", lambda _: older)
        copy("reaper", "--to", "x")
    done = json.loads(copy("reaper", "--to", "x", "--json").stdout)
    assert done["updated"] == ["lib/job.lua"]
    assert contents(tmp_path / "x") == bundled_files(REAPER)


def test_files_that_others_put_there_are_theirs(copy, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "takebridge_window.lua").write_text("-- by hand, of another version")
    assert copy("reaper", "--to", "x").returncode == 1
    (tmp_path / "x" / ".takebridge-reaper.json").write_text("[broken")
    assert copy("reaper", "--to", "x").returncode == 1


@pytest.mark.skipif(
    sys.platform != "linux", reason="the folder is another one elsewhere; test_daws.py has them all"
)
def test_into_the_folder_of_the_daw(copy, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    refused = copy("reaper", "--install")
    assert (refused.returncode, "--to" in refused.stderr) == (1, True)
    assert not list(tmp_path.rglob("*.lua"))
    (tmp_path / ".config" / "REAPER").mkdir(parents=True)
    assert copy("reaper", "--install").returncode == 0
    assert contents(tmp_path / ".config" / "REAPER" / "Scripts" / "Takebridge") == bundled_files(REAPER)
    assert "not certain" in copy("live", "--install").stderr


def test_a_folder_that_cannot_be_written_is_refused_in_words(copy, read_only_folder):
    done = copy("osc", "--to", str(read_only_folder / "x"))
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert not os.listdir(read_only_folder)


def test_a_file_where_the_folder_should_be(copy, tmp_path):
    Path(tmp_path / "x").write_text("")
    assert "cannot be written" in copy("osc", "--to", "x").stderr
