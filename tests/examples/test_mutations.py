"""The table of faults fits the scripts, and running one tells a test that notices it from one that does not."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.examples.mutations import MUTATIONS, Listener, Mutation, Outcome, mutated, tried
from tests.places import EXAMPLES, PROJECT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: f"{one.file}: {one.wrong[:40]}")
def test_each_fault_can_still_be_made_and_its_test_exists(mutation: Mutation) -> None:
    assert (EXAMPLES / mutation.file).read_text(encoding="utf-8").count(mutation.right) == 1
    assert mutation.right != mutation.wrong
    file, name = mutation.test.split("::")
    text = (PROJECT / "tests" / "examples" / file).read_text(encoding="utf-8")
    assert re.search(rf"^def {name}\(", text, re.MULTILINE)


def test_every_script_for_a_daw_has_faults_of_its_own() -> None:
    found = Counter(mutation.file.split("/")[0] for mutation in MUTATIONS)
    assert {name: count for name, count in found.items() if count < 2} == {}
    assert found["reaper"] >= 8
    assert found["ableton"] >= 5
    assert found["bitwig"] >= 3
    assert found["ardour"] >= 4
    assert found["osc"] >= 2


def test_a_fault_is_there_while_its_test_runs_and_no_longer(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("START = 1\n")
    fault = Mutation("script.py", "= 1", "= 2", "test_script.py::test_it")
    seen = []

    def notices(test: str) -> Outcome:
        seen.append((test, script.read_text()))
        return Outcome(False, True, "E   assert 2 == 1")

    assert tried(tmp_path, fault, notices)
    assert seen == [(fault.test, "START = 2\n")]
    assert not tried(tmp_path, fault, lambda _: Outcome(True, False, "passed"))
    assert script.read_text() == "START = 1\n", "the next fault is the only one"
    with pytest.raises(ValueError, match="0 times"), mutated(tmp_path, Mutation("script.py", "= 3", "", "")):
        pass


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ([("setup", "passed", ""), ("call", "passed", "")], Outcome(True, False, "1 tests called")),
        (
            [("setup", "passed", ""), ("call", "failed", "x\nE   assert 1\ny")],
            Outcome(False, True, "E   assert 1"),
        ),
        # A fixture that fails, a test that is skipped and one that is not there prove nothing.
        ([("setup", "failed", "x\nno Ardour")], Outcome(False, False, "no Ardour")),
        ([("setup", "skipped", "")], Outcome(False, False, "0 tests called")),
        ([], Outcome(False, False, "0 tests called")),
    ],
)
def test_only_a_test_that_fails_itself_catches_a_fault(
    told: list[tuple[str, str, str]], outcome: Outcome
) -> None:
    listener = Listener()
    for when, how, words in told:
        report = pytest.TestReport("test_it", ("", 0, ""), {}, how, words or None, when)  # type: ignore[arg-type]
        listener.pytest_runtest_logreport(report)
    assert listener.outcome() == outcome
