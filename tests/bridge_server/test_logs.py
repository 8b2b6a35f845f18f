"""The server's log: which job a line is about, two forms, and files that do not grow for ever."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from bridge_server import logs
from bridge_server.logs import JSON, TEXT, about_job, logged_to

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
    assert bug["traceback"].endswith("ValueError: broken")
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
