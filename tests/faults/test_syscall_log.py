"""The checker of system calls: a log in the right order passes, every wrong order is found."""

from __future__ import annotations

import re

import pytest

from tests.faults.syscall_log import DurabilityCheck, calls_in

RIGHT = """
7 mkdir("/store/blobs/ab", 0777) = 0
7 fsync(4</store/blobs>) = 0
7 openat(AT_FDCWD</home>, "/store/blobs/ab/.1.part", O_WRONLY|O_CREAT|O_EXCL, 0666) = 5</store/blobs/ab/.1.part>
7 write(5</store/blobs/ab/.1.part>, "RIFF\\0)", 6) = 6
7 fsync(5</store/blobs/ab/.1.part>) = 0
7 rename("/store/blobs/ab/.1.part", "/store/blobs/ab/cd.wav") = 0
7 fsync(5</store/blobs/ab> <unfinished ...>
8 sendto(9<socket:[1]>, "progress", 8, 0, NULL, 0) = 8
7 <... fsync resumed>) = 0
8 openat(AT_FDCWD</home>, "/store/a.sqlite3-wal", O_RDWR|O_CREAT|O_NOFOLLOW, 0644) = 6</store/a.sqlite3-wal>
8 pwrite64(6</store/a.sqlite3-wal>, "commit", 6, 0) = 6
8 fdatasync(6</store/a.sqlite3-wal>) = 0
8 fsync(7</store>) = 0
8 sendto(9<socket:[1]>, "/bridge/ack \\"x\\"", 14, 0, NULL, 0) = 14
8 openat(AT_FDCWD</home>, "/store/mailbox/out/r.jsonl", O_WRONLY|O_CREAT|O_APPEND, 0666) = 5</store/mailbox/out/r.jsonl>
8 write(5</store/mailbox/out/r.jsonl>, "{}\\n", 3) = 3
8 fsync(5</store/mailbox/out/r.jsonl>) = 0
8 fsync(5</store/mailbox/out>) = 0
8 unlink("/store/mailbox/in/r.taken") = 0
""".strip().splitlines()


def checked(lines):
    check = DurabilityCheck(lambda path: path.startswith("/store/"), re.compile("/bridge/ack"))
    check.follow(lines)
    return check


def test_the_right_order_passes():
    check = checked(RIGHT)
    assert check.problems == []
    assert check.acknowledged == ["/bridge/ack", "/store/mailbox/out/r.jsonl"]


def index_of(beginning):
    return next(number for number, line in enumerate(RIGHT) if line.split(" ", 1)[1].startswith(beginning))


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("fsync(4</store/blobs>)", "/bridge/ack.*'/store/blobs/ab'"),
        ("fsync(5</store/blobs/ab/.1.part>)", "cd.wav got its name before its bytes"),
        ("fdatasync(6", "/bridge/ack.*sqlite3-wal"),
        ("fsync(7</store>)", "/bridge/ack.*sqlite3-wal"),
        ("fsync(5</store/mailbox/out/r.jsonl>)", "r.taken was removed before its answer"),
        ("fsync(5</store/mailbox/out>)", "r.taken was removed before its answer"),
    ],
)
def test_a_sync_that_is_missing_is_found(call, problem):
    number = index_of(call)
    (found,) = checked([*RIGHT[:number], *RIGHT[number + 1 :]]).problems
    assert re.search(problem, found)


def test_a_sync_that_fails_is_none():
    number = index_of("fdatasync(6")
    failed = RIGHT[number].replace("= 0", "= -1 EIO (Input/output error)")
    assert "sqlite3-wal" in checked([*RIGHT[:number], failed, *RIGHT[number + 1 :]]).problems[0]


def test_a_sync_that_has_not_come_back_is_none():
    number = index_of('sendto(9<socket:[1]>, "/bridge/ack')
    moved = [line for line in RIGHT if "fsync resumed" not in line]
    moved.insert(number, "7 <... fsync resumed>) = 0")
    assert "cd.wav" in checked(moved).problems[0]


def test_a_sync_after_the_acknowledgement_is_too_late():
    number = index_of("fdatasync(6")
    late = [*RIGHT[:number], *RIGHT[number + 1 :], RIGHT[number]]
    assert "sqlite3-wal" in checked(late).problems[0]


def test_a_call_that_was_interrupted_has_both_its_ends():
    begun, ended = list(calls_in(['7 rename("/a", "/b" <unfinished ...>', "7 <... rename resumed>) = 0"]))
    assert (begun.paths, begun.begun, begun.ended) == (["/a", "/b"], True, False)
    assert (ended.paths, ended.begun, ended.ended) == (["/a", "/b"], False, True)
