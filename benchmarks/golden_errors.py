"""Runs the tests that compare with reference numbers and prints the largest error of each, for docs/model.md.

    OMP_NUM_THREADS=1 python -m benchmarks.golden_errors           # the stored numbers, by file
    OMP_NUM_THREADS=1 python -m benchmarks.golden_errors --v1      # those of ACE-Step v1
    OMP_NUM_THREADS=1 python -m benchmarks.golden_errors --peer    # diffusers at fresh random weights, by test

Every comparison of those tests goes through `worst` in golden_data.py (v1: golden_v1.py) next to them; this notes
which file the expected numbers came from. Tables (masks, prompts, settings, codes) are compared for equality and
have no error.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import Any

import pytest
from torch import Tensor

from tests.model.acestep import golden_data
from tests.model.acestep_v1 import golden_v1

STORED_TESTS, V1_TESTS, PEER_TESTS = "tests/model/acestep", "tests/model/acestep_v1", "tests/parity"
TOLERANCES = "tests/golden/*/README.md"


class Recorder:
    """Stands around `tensors` and `worst` and is a pytest plugin."""

    def __init__(self, data: Any) -> None:
        """data: the module that reads the stored numbers."""
        self.errors: dict[str, list[float]] = defaultdict(list)
        self.by_test: dict[str, list[float]] = defaultdict(list)
        self.outcomes: dict[str, int] = defaultdict(int)
        self._origin: dict[int, str] = {}
        self._kept: list[dict[str, Tensor]] = []  # so that no address is used twice
        self._test = ""
        self._tensors, self._worst = data.tensors, data.worst

    def tensors(self, name: str) -> dict[str, Tensor]:
        loaded = self._tensors(name)
        self._kept.append(loaded)
        for key, tensor in loaded.items():
            case = f"{name}: {key.split('.')[0]}" if name == "xl" else name
            self._origin[tensor.untyped_storage().data_ptr()] = case
        return loaded

    def worst(self, ours: Tensor, theirs: Tensor) -> float:
        error = self._worst(ours, theirs)
        self.by_test[self._test].append(error)
        for side in (theirs, ours):
            origin = self._origin.get(side.untyped_storage().data_ptr())
            if origin is not None:
                self.errors[origin].append(error)
                break
        return error

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._test = item.nodeid.partition("[")[0]

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call":
            self.outcomes[report.outcome] += 1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--peer", action="store_true", help="compare with diffusers instead of stored numbers"
    )
    parser.add_argument("--v1", action="store_true", help="compare ACE-Step v1 with its stored numbers")
    given = parser.parse_args()
    tests = PEER_TESTS if given.peer else V1_TESTS if given.v1 else STORED_TESTS
    data: Any = golden_v1 if given.v1 else golden_data
    recorder = Recorder(data)
    data.tensors = recorder.tensors
    data.worst = recorder.worst
    status = pytest.main(["-q", "--no-header", tests, "-p", "no:cacheprovider"], plugins=[recorder])
    print(f"\npytest: {status!r}, {dict(recorder.outcomes)}; tolerances: {TOLERANCES}\n")
    found = recorder.by_test if given.peer else recorder.errors
    for name, errors in sorted(found.items()):
        print(f"{name:<80} {len(errors):>4} comparisons   largest {max(errors):.1e}")


if __name__ == "__main__":
    main()
