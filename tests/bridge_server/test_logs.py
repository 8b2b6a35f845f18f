"""The server's log: which job a line is about, two forms, and files that do not grow for ever."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import sys

import pytest

from bridge_server import logs
from bridge_server.log_words import Private
from bridge_server.logs import JSON, TEXT, NotAgain, about_job, logged_to
from tests.places import PROJECT

log = logging.getLogger("bridge_server.part")


def lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def test_lines_for_people_name_their_job(tmp_path):
    with logged_to(tmp_path, TEXT) as path:
        log.info("outside")
        with about_job("j1"):
            log.warning("inside %s", "日本")
        log.debug("not at this level")
        logging.getLogger("library").info("a library's small talk")
    log.warning("after")
    outside, inside = lines(path)
    assert outside.endswith("INFO bridge_server.part: outside")
    assert inside.endswith("WARNING bridge_server.part [j1]: inside 日本")


def test_names_in_a_log_are_only_names(tmp_path):
    with logged_to(tmp_path, TEXT, words=True) as path:
        log.warning("the file %s", Private("a\x1b[2Jb\n2026-01-31 12:00:00,000 ERROR a line of its own"))
        try:
            raise ValueError("c\x9b31m\x7f")
        except ValueError:
            log.exception("a bug")
    text = path.read_text(encoding="utf-8")
    assert "the file a?[2Jb?2026-01-31" in text
    assert "ValueError: c?31m?" in text
    assert not set(text) & set("\x1b\x9b\x7f")


def test_what_asyncio_repeats_at_once_is_logged_once(tmp_path):
    """It logs each of a hundred connections it could not take; other things it says, and our own lines, stay."""
    with logged_to(tmp_path, TEXT) as path:
        for _ in range(100):
            logging.getLogger("asyncio").error("socket.accept() out of system resource\nsocket: %s", "one")
        logging.getLogger("asyncio").error("something else")
        for _ in range(3):
            log.warning("ours")
    found = [line.rpartition(": ")[2] for line in lines(path)]
    assert sum("out of system resource" in line for line in lines(path)) == 1
    assert found[-4:] == ["something else", "ours", "ours", "ours"]


def test_lines_for_programs(tmp_path):
    with logged_to(tmp_path, JSON) as path, about_job("j1"):
        log.info("two\nlines é")
        try:
            raise ValueError("broken")
        except ValueError:
            log.exception("a bug")
    first, bug = map(json.loads, lines(path))
    assert (first["level"], first["part"], first["job"], first["text"]) == (
        "info",
        "bridge_server.part",
        "j1",
        "two\nlines é",
    )
    assert bug["traceback"].startswith("Traceback (most recent call last):\n")
    assert bug["traceback"].endswith("\nValueError")
    assert path.read_bytes().isascii()


def test_tasks_and_threads_of_a_job_are_about_it_and_others_are_not(tmp_path):
    async def work(job):
        with about_job(job):
            await asyncio.sleep(0)
            await asyncio.to_thread(log.info, job)

    async def both():
        await asyncio.gather(work("j1"), work("j2"))
        log.info("neither")

    with logged_to(tmp_path, JSON) as path:
        asyncio.run(both())
    found = [json.loads(line) for line in lines(path)]
    assert sorted((line["text"], line.get("job")) for line in found) == [
        ("j1", "j1"), ("j2", "j2"), ("neither", None),
    ]  # fmt: skip


def test_old_lines_give_way(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "FILE_BYTES", 2000)
    with logged_to(tmp_path, TEXT) as path:
        for number in range(1000):
            log.info("line %d", number)
    files = sorted(path.parent.iterdir())
    assert len(files) == logs.FILES
    assert sum(file.stat().st_size for file in files) <= logs.FILES * 2000
    assert lines(path)[-1].endswith("line 999")


def test_without_a_place_for_it_there_is_no_log_file_and_a_reason(tmp_path, caplog):
    (tmp_path / "logs").write_text("in the way")
    with logged_to(tmp_path, TEXT) as path:
        log.warning("still here")
    assert path is None
    assert "no log file" in caplog.messages[0]


@pytest.mark.parametrize("kind", [TEXT, JSON])
def test_what_is_no_text_is_logged_all_the_same(tmp_path, kind):
    with logged_to(tmp_path, kind) as path:
        log.info("song \udcff.wav")
    assert "dcff" in lines(path)[0]


def test_the_screen_shows_no_more_because_of_the_file(tmp_path):
    shown = []
    screen = logging.Handler()
    screen.emit = lambda record: shown.append(record.getMessage())
    root = logging.getLogger()
    root.addHandler(screen)
    try:
        with logged_to(tmp_path, TEXT) as path:
            log.info("for the file")
            log.warning("for both")
    finally:
        root.removeHandler(screen)
    assert shown == ["for both"]
    assert len(lines(path)) == 2


def test_requests_are_quoted_only_when_that_was_asked_for(tmp_path):
    def fail(word):
        try:
            raise ValueError(word)
        except ValueError as error:
            log.exception("job %s: %s, %s", "j1", error, Private("moon"))

    for words in (False, True):
        for kind in (TEXT, JSON):
            with logged_to(tmp_path / f"{words} {kind}", kind, words) as path:
                fail("zanzibar")
            written = path.read_text(encoding="utf-8")
            assert ("zanzibar" in written) is words
            assert ("moon" in written) is words


def test_a_second_process_does_not_rename_the_first_ones_files(tmp_path, monkeypatch):
    """It is a server the store will refuse, and must not touch the log until then."""
    monkeypatch.setattr(logs, "FILE_BYTES", 2000)
    with logged_to(tmp_path, TEXT) as path:
        log.info("the first one's")
        code = (
            "import logging, sys; from pathlib import Path; from bridge_server import logs; logs.FILE_BYTES = 10\n"
            "with logs.logged_to(Path(sys.argv[1]), 'text') as path: logging.error('two'); print(path)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
        )
        log.info("still the first one's")
    assert done.stdout.strip() == "None"
    assert [line.rpartition(": ")[2] for line in lines(path)] == ["the first one's", "still the first one's"]
    with logged_to(tmp_path, TEXT) as path:
        assert path is not None, "it is free again"


def test_a_full_disk_costs_lines_and_nothing_else(tmp_path, tiny_disk, capsys):
    screen = logging.StreamHandler()
    screen.setFormatter(logs.TextLines())
    logging.getLogger().addHandler(screen)
    filler = tiny_disk / "filler"
    try:
        with logged_to(tiny_disk, TEXT) as path:
            log.info("before")
            fill(filler)
            for number in range(300):
                log.info("lost %d %s", number, "x" * 1000)
            filler.unlink()
            log.info("after")
            log.info("and on")
    finally:
        logging.getLogger().removeHandler(screen)
    said = capsys.readouterr().err
    assert said.count("The log cannot be written (OSError: No space left on device)") == 1
    assert "Traceback" not in said
    found = lines(path)
    assert found[0].endswith("before")
    assert found[-1].endswith("and on")
    assert any("lines of the log were lost" in line for line in found)


def test_a_disk_that_stays_full_does_not_spoil_the_end(tiny_disk):
    with logged_to(tiny_disk, TEXT):
        fill(tiny_disk / "filler")
        for _ in range(20):
            log.info("x" * 1000)


def fill(path):
    """Takes all the room there is."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def test_a_clock_that_is_set_back_silences_nothing():
    again = NotAgain()

    def let_through(created: float) -> bool:
        record = logging.LogRecord("asyncio", logging.ERROR, "", 0, "out of system resource", None, None)
        record.created = created
        return again.filter(record)

    day = 86_400.0
    assert [let_through(at) for at in (day, day + 0.5, day + 1.5, 10.0, 10.5)] == [
        True,
        False,
        True,
        True,
        False,
    ]
