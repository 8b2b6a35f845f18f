"""Page faults of a process that keeps its freed memory, and of one that does not."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from model.acestep.device.freed_memory import (
    give_back_freed_memory,
    keep_freed_memory,
    let_go_of_file,
    return_freed_memory,
)

MEGABYTES, ROUNDS = 32, 40
# Allocates and frees the same amount again and again, then prints the page faults and the memory it still has.
PROGRAM = f"""
import ctypes, resource, sys
from model.acestep.device.freed_memory import give_back_freed_memory, keep_freed_memory, return_freed_memory
ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # PR_SET_THP_DISABLE: one fault may otherwise bring 512 pages
if "keep" in sys.argv:
    assert keep_freed_memory()
if "no longer" in sys.argv:
    assert return_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({ROUNDS}):
    b"x" * {MEGABYTES << 20}
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() // 1_000_000
held = resident()
if "give back" in sys.argv:
    assert give_back_freed_memory()
print(faults * resource.getpagesize() // 1_000_000, held - resident())
"""

needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these switches")


def megabytes_faulted_and_returned(*words: str) -> tuple[int, int]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True)
    faulted, returned = map(int, done.stdout.split())
    return faulted, returned


@needs_glibc
def test_kept_memory_is_used_again() -> None:
    by_default, _ = megabytes_faulted_and_returned()
    kept, _ = megabytes_faulted_and_returned("keep")
    assert by_default > (ROUNDS - 2) * MEGABYTES
    assert kept < by_default / 3
    no_longer, _ = megabytes_faulted_and_returned("keep", "no longer")
    assert no_longer > (ROUNDS - 2) * MEGABYTES


@needs_glibc
def test_kept_memory_can_be_given_back() -> None:
    _, returned = megabytes_faulted_and_returned("keep", "give back")
    assert returned > MEGABYTES / 2


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
    assert not return_freed_memory()
    assert not give_back_freed_memory()


@pytest.mark.skipif(sys.platform != "linux", reason="SKIPPED: only Linux takes pages back on request")
def test_pages_of_a_file_go_and_come_back_with_the_same_numbers(tmp_path: Path) -> None:
    torch = pytest.importorskip(
        "torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]"
    )
    import resource  # not on Windows

    from safetensors import safe_open
    from safetensors.torch import save_file

    def resident() -> int:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()

    numbers = torch.arange(4_000_000, dtype=torch.float32)
    save_file({"few": torch.ones(3), "many": numbers}, tmp_path / "weights.safetensors")
    with safe_open(tmp_path / "weights.safetensors", "pt") as file:
        many, few = file.get_tensor("many"), file.get_tensor("few")
        assert torch.equal(many, numbers)
        before = resident()
        assert let_go_of_file(many)
        assert before - resident() > 12_000_000
        assert not let_go_of_file(few), "less than a page"
        assert torch.equal(many, numbers)
