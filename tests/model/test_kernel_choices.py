"""A measured choice is kept in a file: one process measures, all agree, and nothing that is wrong with it stops one."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import Timeout

from model import kernel_choices
from model.kernel_choices import Choice, chosen_once, kept_choices

NAMES = frozenset({"onednn", "blocks"})
FOUND = {"onednn": True, "blocks": False}


def never() -> Choice:
    raise AssertionError("it is known")


def answering(answer: Choice, asked: list[Choice]) -> Callable[[], Choice]:
    def measure() -> Choice:
        asked.append(answer)
        return answer

    return measure


def test_it_is_measured_once(tmp_path: Path) -> None:
    place = tmp_path / "not yet there" / "kernels.json"
    assert chosen_once(place, "this processor", NAMES, lambda: FOUND) == FOUND
    assert chosen_once(place, "this processor", NAMES, never) == FOUND
    assert kept_choices(place) == {"this processor": FOUND}
    assert [path.name for path in place.parent.iterdir() if path.suffix != ".lock"] == ["kernels.json"]


def test_it_counts_for_what_it_was_measured_with_only(tmp_path: Path) -> None:
    place, other = tmp_path / "kernels.json", {"onednn": False, "blocks": False}
    chosen_once(place, "torch 1", NAMES, lambda: FOUND)
    assert chosen_once(place, "torch 2", NAMES, lambda: other) == other
    assert chosen_once(place, "torch 1", NAMES, never) == FOUND
    assert list(kept_choices(place)) == ["torch 1", "torch 2"], "the latest last"
    for number in range(40):
        chosen_once(place, f"torch {number}", NAMES, lambda: FOUND)
    assert len(kept_choices(place)) == 16


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[1]",
        b"7",
        b"[" * 100_000,
        b'{"this processor": 3}',
        b'{"this processor": {"onednn": "yes", "blocks": true}}',
        b'{"this processor": {"onednn": true}}',
        b'{"this processor": {"onednn": true, "blocks": true, "more": true}}',
    ],
)
def test_a_damaged_file_is_measured_and_written_anew(tmp_path: Path, damaged: bytes) -> None:
    place, asked = tmp_path / "kernels.json", []
    place.write_bytes(damaged)
    assert chosen_once(place, "this processor", NAMES, answering(FOUND, asked)) == FOUND
    assert asked == [FOUND]
    assert json.loads(place.read_text(encoding="utf-8")) == {"this processor": FOUND}


def test_a_damaged_file_keeps_what_can_be_read(tmp_path: Path) -> None:
    place = tmp_path / "kernels.json"
    place.write_text(json.dumps({"other": FOUND, "this processor": 3}), encoding="utf-8")
    chosen_once(place, "this processor", NAMES, lambda: FOUND)
    assert kept_choices(place) == {"other": FOUND, "this processor": FOUND}


def test_where_nothing_can_be_written_it_is_measured_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in the way").write_text("a file", encoding="utf-8")
    asked: list[Choice] = []
    with caplog.at_level(logging.WARNING):
        place = tmp_path / "in the way" / "kernels.json"
        assert chosen_once(place, "this processor", NAMES, answering(FOUND, asked)) == FOUND
    assert asked == [FOUND]
    assert "cannot be kept" in caplog.text


def test_a_disk_that_is_full_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[Choice] = []
    place = tmp_path / "kernels.json"
    place.with_suffix(".part").mkdir()  # what cannot be written to
    assert chosen_once(place, "this processor", NAMES, answering(FOUND, asked)) == FOUND
    assert asked == [FOUND], "measured once all the same"
    assert "cannot be kept" in caplog.text
    assert not place.exists()


def test_a_lock_that_is_never_released_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from filelock import FileLock

    monkeypatch.setattr(kernel_choices, "LOCK_SECONDS", 0.0)
    place = tmp_path / "kernels.json"
    with FileLock(place.with_suffix(".lock")):
        assert chosen_once(place, "this processor", NAMES, lambda: FOUND) == FOUND
    assert "Another process has held" in caplog.text
    assert "cannot be kept" not in caplog.text, "the place is as good as any"


def test_what_another_process_has_measured_meanwhile_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where it let go of the lock too late."""
    place = tmp_path / "kernels.json"

    class Held:
        def __init__(self, *_given: object, **_more: object) -> None: ...

        def __enter__(self) -> None:
            place.write_text(json.dumps({"this processor": FOUND}), encoding="utf-8")
            raise Timeout(str(place))

        def __exit__(self, *_error: object) -> None: ...

    monkeypatch.setattr(kernel_choices, "FileLock", Held)
    assert chosen_once(place, "this processor", NAMES, never) == FOUND


def test_a_file_that_is_just_being_read_is_replaced_a_moment_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on Windows."""
    place, refused, replace = tmp_path / "kernels.json", [1, 2], os.replace

    def reading(part: Path, whole: Path) -> None:
        if refused:
            refused.pop()
            raise PermissionError
        replace(part, whole)

    monkeypatch.setattr(os, "replace", reading)
    chosen_once(place, "this processor", NAMES, lambda: FOUND)
    assert kept_choices(place) == {"this processor": FOUND}
    assert not caplog.text


IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from model.kernel_choices import chosen_once

own = int(sys.argv[2])
sys.stdin.readline()  # all of them begin at once
own = {"even": own % 2 == 0, "late": own > 3}
found = chosen_once(Path(sys.argv[1]), "key", frozenset(own), lambda: own)
print(sorted(found.items()))
"""


def test_processes_that_begin_at_once_agree(tmp_path: Path) -> None:
    """Each would choose differently, if it had to."""
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", IN_ANOTHER_PROCESS, str(tmp_path / "kernels.json"), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in (2, 3, 4, 5)
    ]
    for process in begun:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0] for process in begun]
    assert len(set(answers)) == 1
    assert answers[0].strip() == str(sorted(kept_choices(tmp_path / "kernels.json")["key"].items()))
