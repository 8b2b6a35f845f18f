"""The mailbox on disk: which requests are taken, when, and what is cleared away."""

from __future__ import annotations

import os

import pytest

from bridge_server.endpoints.mailbox.folder import OLD_SECONDS, SETTLED_SECONDS, MailboxFolder, is_name


def test_what_is_older_than_a_day_is_cleared(tmp_path):
    folder = MailboxFolder(tmp_path, 1000)
    folder.make()
    now = 2e9
    for age, stem in ((OLD_SECONDS + 60, "old"), (OLD_SECONDS - 60, "new")):
        for path in (f"in/{stem}.tmp", f"in/{stem}.json", f"out/{stem}.jsonl", f"audio/{stem}.wav"):
            (tmp_path / path).write_text("x")
            os.utime(tmp_path / path, (now - age, now - age))
    folder.clear_old(now)
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["audio/new.wav", "in/new.json", "in/new.tmp", "out/new.jsonl"]


def test_requests_are_taken_oldest_first(tmp_path):
    folder = MailboxFolder(tmp_path, 1000)
    folder.make()
    for number, name in enumerate(("c", "a", "b")):
        (folder.inbox / f"{name}.json").write_text("{}")
        os.utime(folder.inbox / f"{name}.json", (1e9 + number, 1e9 + number))
    assert [letter.name for letter in folder.take()] == ["c", "a", "b"]
    assert sorted(path.name for path in folder.inbox.iterdir()) == ["a.taken", "b.taken", "c.taken"]


def test_garbage_is_given_a_second_to_become_whole(tmp_path):
    now = [0.0]
    folder = MailboxFolder(tmp_path, 1000, lambda: now[0])
    folder.make()
    path = folder.inbox / "half.json"
    path.write_text('{"half')
    assert list(folder.take()) == []
    now[0] += SETTLED_SECONDS - 0.1
    assert list(folder.take()) == []
    path.write_text('{"half": tru')  # it grows: the second begins anew
    now[0] += SETTLED_SECONDS - 0.1
    assert list(folder.take()) == []
    now[0] += SETTLED_SECONDS + 0.1
    assert [letter.text for letter in folder.take()] == ['{"half": tru']


@pytest.mark.parametrize("name", ["a", "0", "A.b-c_d", "x" * 64])
def test_names_that_may_be(name):
    assert is_name(name)


@pytest.mark.parametrize("name", ["", ".a", "-a", "a b", "ä", "a/b", "a\\b", "x" * 65, "a\n"])
def test_names_that_may_not_be(name):
    assert not is_name(name)


def test_what_is_too_large_or_badly_named_is_put_aside_with_the_reason(tmp_path):
    now = [0.0]
    folder = MailboxFolder(tmp_path, 10, lambda: now[0])
    folder.make()
    (folder.inbox / "large.json").write_text('"123456789"')  # eleven bytes
    (folder.inbox / "two words.json").write_text("{}")
    (folder.inbox / "just.json").write_text('"12345678"')
    assert [letter.name for letter in folder.take()] == ["just"], "others may still be being written"
    now[0] += SETTLED_SECONDS
    found = {letter.name: letter for letter in folder.take()}
    assert found.keys() == {"large", "two words"}
    for name, letter in found.items():
        assert letter.text == ""
        assert letter.problem is not None
        assert (folder.inbox / f"{name}.refused").is_file()


def test_requests_a_server_before_had_taken_are_left_over_until_they_are_finished(tmp_path):
    folder = MailboxFolder(tmp_path, 1000)
    folder.make()
    (folder.inbox / "a.json").write_text("{}")
    (taken,) = folder.take()
    (left,) = MailboxFolder(tmp_path, 1000).leftover()
    assert left == taken
    folder.finish(taken)
    assert list(MailboxFolder(tmp_path, 1000).leftover()) == []


def test_answers_are_lines_of_one_file(tmp_path):
    folder = MailboxFolder(tmp_path, 1000)
    folder.append("a", "one")  # the folders are made where they are missing
    folder.append("a", "zwei é")
    assert (folder.outbox / "a.jsonl").read_bytes() == "one\nzwei é\n".encode()
