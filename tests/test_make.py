"""`make.py`, which newcomers meet first: Ctrl-C ends the command it runs in that command's own way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import make
from tests.conftest import LONGEST
from tests.places import PROJECT

COMMAND = """
import time
try:
    print("ready", flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    time.sleep(0.5)
    print("goodbye", flush=True)
    raise SystemExit(3)
"""


@pytest.mark.skipif(os.name == "nt", reason="SKIPPED: Ctrl-C is sent to a group of processes")
def test_ctrl_c_is_left_to_the_command():
    code = f"import sys, make; sys.exit(make.run([sys.executable, '-c', {COMMAND!r}]))"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            os.killpg(process.pid, signal.SIGINT)
            said, _ = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert said == "goodbye\n"
    assert process.returncode == 3


def test_compiled_code_is_kept_whatever_a_container_says(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert make.run([sys.executable, "-c", "import sys; sys.exit(sys.dont_write_bytecode)"]) == 0


def test_tests_beside_others_compute_in_one_thread(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert make.environment_of(["python", *make.SIDE_BY_SIDE])["OMP_NUM_THREADS"] == "1"
    assert "OMP_NUM_THREADS" not in make.environment_of(["python", *make.ALONE])


def test_the_longest_files_are_there():
    assert [name for name in LONGEST if not (PROJECT / name).is_file()] == []


@pytest.mark.parametrize("task", ["install", "demo"])
def test_at_the_end_it_says_how_to_call_the_command(task, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["make.py", task])
    monkeypatch.setattr(make, "prepare", lambda extras: Path(sys.executable))
    monkeypatch.setattr(make, "run", lambda words: 0)
    assert make.main() == 0
    assert make.how_to_call() in capsys.readouterr().out


def test_a_demo_that_failed_ends_with_its_own_words(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["make.py", "demo"])
    monkeypatch.setattr(make, "prepare", lambda extras: Path(sys.executable))
    monkeypatch.setattr(make, "run", lambda words: 1)
    assert make.main() == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("windows", "command"), [(False, ".venv/bin/takebridge"), (True, r".venv\Scripts\takebridge")]
)
def test_the_command_is_called_by_its_place(windows, command):
    assert f"The command is {command}, in {PROJECT}." in make.how_to_call(windows)


@pytest.fixture
def tests_run(monkeypatch, tmp_path):
    """`make.py test`, whose runs of pytest end with these statuses and leave these failures; gives status and runs."""

    def run_them(statuses, failed):
        kept = tmp_path / "lastfailed"
        kept.write_text(json.dumps({"tests/test_long_ago.py::test_x": True}))
        runs, left = [], iter(statuses)

        def run(words):
            runs.append(words)
            kept.write_text(json.dumps(json.loads(kept.read_text()) | dict.fromkeys(failed, True)))
            return next(left)

        monkeypatch.setattr(sys, "argv", ["make.py", "test", "--maxfail=9"])
        monkeypatch.setattr(make, "prepare", lambda extras: Path("python"))
        monkeypatch.setattr(make, "LAST_FAILED", tmp_path / "lastfailed")
        monkeypatch.setattr(make, "run", run)
        return make.main(), runs

    return run_them


def test_what_failed_beside_others_has_to_pass_alone_and_is_named(tests_run, capsys):
    status, (_, again, alone) = tests_run([1, 0, 0], ["tests/test_a.py::test_b"])
    assert status == 0
    assert again == ["python", "-m", "pytest", "--last-failed", "-m", "not alone", "--maxfail=9"]
    assert alone == ["python", "-m", "pytest", "-m", "alone", "--maxfail=9"]
    printed = capsys.readouterr().out
    assert "FAILED BESIDE OTHERS, PASSED ALONE" in printed
    assert "tests/test_a.py::test_b" in printed
    assert "test_long_ago" not in printed, "it failed in another run"


@pytest.mark.parametrize(
    ("statuses", "failed"),
    [
        pytest.param([1, 1], 1, id="it fails again"),
        pytest.param([1], make.FEW_FAILED + 1, id="so many are no accident"),
        pytest.param([1], 0, id="nobody knows which"),
        pytest.param([2], 1, id="the run broke off"),
        pytest.param([0, 1], 1, id="it failed alone"),
    ],
)
def test_every_other_failure_stands(tests_run, capsys, statuses, failed):
    status, runs = tests_run(statuses, [f"tests/test_a.py::test_{number}" for number in range(failed)])
    assert status == statuses[-1]
    assert len(runs) == len(statuses)
    assert "PASSED ALONE" not in capsys.readouterr().out
