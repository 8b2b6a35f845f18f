"""Every file of reference numbers is compared with by some test here, and its README says what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.model.acestep_v1.golden_v1 import V1_GOLDEN

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in V1_GOLDEN.iterdir() if path.suffix in (".safetensors", ".json"))


def test_there_are_files() -> None:
    assert len(NAMES) > 20


@pytest.mark.parametrize("name", NAMES)
def test_some_test_reads_it(name: str) -> None:
    reads = (f'tensors("{name}")', f'table("{name}")')
    assert any(call in path.read_text(encoding="utf-8") for path in HERE.rglob("test_*.py") for call in reads)
    assert f"`{name}" in (V1_GOLDEN / "README.md").read_text(encoding="utf-8")
