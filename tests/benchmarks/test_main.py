"""`python -m benchmarks`: that it works from end to end; how fast anything is, is no matter here."""

from __future__ import annotations

import json

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.figures import Aim, Figure


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs it with these words; gives what it prints."""

    def run_it(*words):
        monkeypatch.setattr("sys.argv", ["benchmarks", "--picture", str(tmp_path / "run.png"), *words])
        benchmarks.main()
        return capsys.readouterr().out

    return run_it


def test_one_run_writes_table_picture_and_json(run, tmp_path):
    kept = tmp_path / "run.json"
    printed = run("--smoke", "--only", "ack", "--only", "transfer", "--json", str(kept))
    names = [figure["name"] for figure in json.loads(kept.read_text())["figures"]]
    assert {"a server is ready", "first acknowledgement", "upload", "download"} <= set(names)
    assert all(f"| {name} |" in printed for name in names)
    assert (tmp_path / "run.png").stat().st_size > 1000


def test_a_run_is_compared_with_a_kept_one(run, tmp_path, monkeypatch):
    kept, values = tmp_path / "before.json", iter((1.0, 3.0))
    section = benchmarks.Section(
        "made up", lambda _: [Figure("Made up", "wait", next(values), "s", aim=Aim(2))]
    )
    monkeypatch.setattr(benchmarks, "SECTIONS", {"made-up": section})
    run("--json", str(kept))
    assert "| Made up: wait | 1.00 s | 3.00 s | 3.00 times worse |" in run("--compare", str(kept))


def test_what_a_missing_package_leaves_out_is_said(run, monkeypatch):
    section = benchmarks.Section("made up", lambda _: pytest.fail("measured"), ("a_package_nobody_has",))
    monkeypatch.setattr(benchmarks, "SECTIONS", {"made-up": section})
    assert "made-up: left out, a_package_nobody_has not installed" in run()


def test_a_file_that_is_no_kept_run_is_refused_before_anything_is_measured(run, tmp_path, capsys):
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(SystemExit):
        run("--compare", str(tmp_path / "other.json"))
    assert "other.json is no kept run" in capsys.readouterr().err
