"""The table of faults fits the scripts, and running one tells a test that notices it from one that does not."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.examples.mutations import MUTATIONS, Mutation, is_caught, mutated, tried
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


def test_a_fault_is_caught_by_a_test_that_fails(tmp_path: Path) -> None:
    """In a project of a line and a test that looks at it."""
    (tmp_path / "examples").mkdir()
    script = tmp_path / "examples" / "script.py"
    script.write_text("START = 1\n")
    tests = tmp_path / "tests" / "examples"
    tests.mkdir(parents=True)
    (tests / "test_script.py").write_text(
        f"def test_it():\n    assert 'START = 1' in open({str(script)!r}).read()\n"
    )
    assert tried(tmp_path, Mutation("script.py", "= 1", "= 2", "test_script.py::test_it"))
    assert script.read_text() == "START = 1\n", "the next fault is the only one"
    with (
        pytest.raises(ValueError, match="0 times"),
        mutated(tmp_path / "examples", Mutation("script.py", "= 3", "", "")),
    ):
        pass


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (0, "1 passed in 1.20s"),
        (0, "1 skipped in 1.20s"),
        (1, "1 error in 1.20s"),
        (4, "ERROR: not found: test_it. no tests ran in 0.01s"),
        (5, "no tests ran in 0.01s"),
    ],
)
def test_a_test_that_does_not_fail_catches_nothing(status: int, said: str) -> None:
    assert not is_caught(status, said)
