"""Every file of reference numbers is compared with by some test here; the tests tell which parts of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.places import ACESTEP_GOLDEN

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in ACESTEP_GOLDEN.iterdir() if path.suffix in (".safetensors", ".json"))


def test_there_are_files() -> None:
    assert len(NAMES) > 20


@pytest.mark.parametrize("name", NAMES)
def test_some_test_reads_it(name: str) -> None:
    tests = [path for path in HERE.rglob("test_*.py") if path != Path(__file__)]
    reads = (f'tensors("{name}")', f'table("{name}")')
    assert any(call in path.read_text(encoding="utf-8") for path in tests for call in reads)
    assert f"`{name}" in (ACESTEP_GOLDEN / "README.md").read_text(encoding="utf-8"), (
        "its place is in the README"
    )
