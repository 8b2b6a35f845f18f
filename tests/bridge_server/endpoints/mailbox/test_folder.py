"""The mailbox on disk: which requests are taken, when, and what is cleared away."""

from __future__ import annotations

import errno
import os

import pytest

from bridge_server.endpoints.mailbox.folder import OLD_SECONDS, SETTLED_SECONDS, MailboxFolder, is_name

NOW = 2e9
LONG_AGO = NOW - OLD_SECONDS - 60


class Passed:
    """Seconds since the test began, by a clock that nobody sets."""

    seconds = 0.0


@pytest.fixture
def passed():
    return Passed()


@pytest.fixture
def folder(tmp_path, passed):
    found = MailboxFolder(tmp_path, 1000, lambda: passed.seconds)
    found.make()
    return found


def written(path, when, content="x"):
    path.write_text(content)
    os.utime(path, (when, when))
    return path


def left_in(folder):
    return sorted(
        path.relative_to(folder.root).as_posix() for path in folder.root.rglob("*") if path.is_file()
    )


def test_old_answers_are_cleared_with_the_audio_named_after_them(folder):
    for when, stem in ((LONG_AGO, "old"), (NOW - OLD_SECONDS + 60, "new"), (LONG_AGO, "used")):
        written(folder.outbox / f"{stem}.jsonl", when)
        written(folder.audio / f"{stem}.wav", NOW)
    written(folder.audio / "old.2.wav", NOW)  # of a request about several tracks
    written(folder.audio / "older.2.wav", NOW)
    folder.clear_old(NOW, {"used", os.path.realpath(folder.audio / "used.wav")})
    kept = ["audio/new.wav", "audio/older.2.wav", "audio/used.wav", "out/new.jsonl", "out/used.jsonl"]
    assert left_in(folder) == kept


def test_audio_that_another_job_uses_stays(folder):
    written(folder.outbox / "old.jsonl", LONG_AGO)
    audio = written(folder.audio / "old.wav", LONG_AGO)
    folder.clear_old(NOW, {os.path.realpath(audio)})
    assert left_in(folder) == ["audio/old.wav"]


def test_a_song_that_no_answer_is_named_after_is_never_cleared(folder, passed):
    """A file manager's move keeps the date: this may be the only copy."""
    song = written(folder.audio / "my song.wav", LONG_AGO)
    folder.clear_old(NOW)
    passed.seconds = 10 * OLD_SECONDS
    folder.clear_old(NOW + 10 * OLD_SECONDS)
    assert song.is_file()


def test_a_request_with_an_old_date_is_taken_and_not_cleared(folder, passed):
    written(folder.inbox / "copied.json", LONG_AGO, "{}")
    folder.clear_old(NOW)
    passed.seconds = 2 * OLD_SECONDS
    folder.clear_old(NOW + 2 * OLD_SECONDS)
    assert [letter.name for letter in folder.take()] == ["copied"]
    passed.seconds = 4 * OLD_SECONDS
    folder.clear_old(NOW + 4 * OLD_SECONDS)
    assert [letter.name for letter in folder.leftover()] == ["copied"], "a killed server's request"


def test_other_files_of_the_inbox_go_a_day_after_this_server_saw_them(folder, passed):
    for name in ("copied.tmp", "badly named!.refused"):
        written(folder.inbox / name, LONG_AGO)
    folder.clear_old(NOW)
    passed.seconds = OLD_SECONDS
    folder.clear_old(NOW + OLD_SECONDS)
    assert len(left_in(folder)) == 2
    passed.seconds = OLD_SECONDS + 1
    folder.clear_old(NOW + OLD_SECONDS + 1)
    assert left_in(folder) == []


@pytest.mark.parametrize("jump", [-3 * OLD_SECONDS, 3 * OLD_SECONDS])
def test_a_clock_that_is_set_removes_no_answer_before_its_day_is_over(folder, passed, jump):
    folder.clear_old(NOW)
    written(folder.outbox / "before.jsonl", NOW)
    folder.clear_old(NOW + 60)
    written(folder.outbox / "after.jsonl", NOW + jump)
    for now in (NOW + jump + 60, NOW + 120):  # and back again
        folder.clear_old(now)
        assert left_in(folder) == ["out/after.jsonl", "out/before.jsonl"]
    passed.seconds = OLD_SECONDS + 1
    folder.clear_old(NOW + OLD_SECONDS + 1)
    assert left_in(folder) == []


def test_an_answer_the_disk_has_no_room_for_waits_and_stays_in_order(folder, monkeypatch):
    folder.inbox.joinpath("x.json").write_text("{}")
    (letter,) = folder.take()
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(full))
        patch.setattr("bridge_server.endpoints.mailbox.folder.append_regular", failing(full))
        folder.append("x", "response", durable=True)
        folder.finish(letter)
        folder.append("x", "take")
        folder.write_waiting()
    assert left_in(folder) == ["in/x.taken"], "a killed server must find it"
    folder.append("x", "done")
    folder.write_waiting()
    assert folder.lines("x") == ["response", "take", "done"]
    assert left_in(folder) == ["out/x.jsonl"]


def failing(error):
    def refuse(*_, **__):
        raise error

    return refuse


def odd_file(path, kind, target):
    """Something that is no file, at `path`."""
    path.unlink(missing_ok=True)
    if kind == "link":
        try:
            path.symlink_to(target)
        except OSError:
            pytest.skip("SKIPPED: symbolic links need a right on Windows")
    elif kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("SKIPPED: there are no pipes in folders on Windows")
        os.mkfifo(path)
    else:
        path.mkdir()


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_file_is_neither_read_nor_written_nor_waited_for(folder, tmp_path, kind, caplog):
    secret = written(folder.root / "secret", NOW, "{}")
    odd_file(folder.inbox / "a.taken", kind, secret)
    odd_file(folder.inbox / "b.json", kind, secret)
    odd_file(folder.outbox / "c.jsonl", kind, secret)
    assert list(folder.leftover()) == []
    assert list(folder.take()) == []
    folder.append("c", "an answer")
    assert folder.lines("c") == []
    assert secret.read_text() == "{}"
    assert len(caplog.records) >= 3


def test_a_line_a_killed_server_left_unfinished_is_removed(folder):
    path = folder.outbox / "a.jsonl"
    path.write_bytes(b"one\ntwo\nthr")
    assert folder.lines("a") == ["one", "two"]
    folder.append("a", "three")
    assert path.read_bytes() == b"one\ntwo\nthree\n"


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


@pytest.mark.parametrize("name", ["x" * 250, "\u00e9" * 125, "\U0001f3b8" * 62])
def test_a_name_as_long_as_file_systems_take_is_refused_and_answered(tmp_path, name):
    now = [0.0]
    folder = MailboxFolder(tmp_path, 1000, lambda: now[0])
    folder.make()
    (folder.inbox / f"{name}.json").write_text("{}")
    assert list(folder.take()) == []
    now[0] += SETTLED_SECONDS
    (letter,) = folder.take()
    assert name.startswith(letter.name)
    assert letter.problem is not None
    folder.append(letter.name, "refused")
    assert (folder.outbox / f"{letter.name}.jsonl").read_text() == "refused\n"
    assert list(folder.take()) == []


def test_an_ending_in_capitals_is_one(tmp_path):
    folder = MailboxFolder(tmp_path, 1000)
    folder.make()
    (folder.inbox / "MIX.JSON").write_text("{}")
    assert [letter.name for letter in folder.take()] == ["MIX"]
    assert (folder.inbox / "MIX.taken").is_file()


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
