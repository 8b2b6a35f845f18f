"""Answers on their way to the disk: in order, each take once, and none lost, however long the disk takes."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from bridge_server.endpoints.mailbox.answers import Answers, Line
from bridge_server.endpoints.mailbox.folder import Letter, MailboxFolder
from tests.bridge_server.peers import PATIENCE


class BusyDisk(MailboxFolder):
    """Writes nothing until it may."""

    def __init__(self, root) -> None:
        super().__init__(root, 1000)
        self.free = threading.Event()
        self.asked = threading.Event()

    def append(self, name: str, line: str, *, durable: bool = False) -> None:
        self.asked.set()
        assert self.free.wait(PATIENCE)
        super().append(name, line, durable=durable)


@pytest.fixture
def folder(tmp_path):
    found = BusyDisk(tmp_path)
    found.make()
    return found


def take(name: str) -> Line:
    return Line(json.dumps({"method": "take", "params": {"take": name}}), name)


def written(folder, name="r"):
    return (folder.outbox / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


def test_the_loop_goes_on_while_the_disk_is_busy_and_the_order_stays(folder):
    (folder.inbox / "r.taken").write_text("{}", encoding="utf-8")

    async def run() -> None:
        answers = Answers(folder)
        finishing = asyncio.create_task(answers.finish(Letter("r", "{}", "1"), "response", [Line("held")]))
        await asyncio.to_thread(folder.asked.wait)
        answers.write("r", Line("later"))
        reading = asyncio.create_task(answers.do(folder.lines, "r"))
        await asyncio.sleep(0)
        assert not finishing.done()
        assert (folder.inbox / "r.taken").exists(), "its answer is not on the disk yet"
        folder.free.set()
        await finishing
        assert not (folder.inbox / "r.taken").exists()
        assert await reading == ["response", "held", "later"]
        await answers.close()

    asyncio.run(run())


def test_what_was_begun_is_written_when_the_server_stops(folder):
    async def run() -> None:
        answers = Answers(folder)
        answers.write("q", Line("keeps the disk busy"))
        await asyncio.to_thread(folder.asked.wait)
        finishing = asyncio.create_task(answers.finish(Letter("r", "{}", "1"), "response", []))
        await asyncio.sleep(0)
        answers.write("r", Line("the last word"))
        finishing.cancel()
        await asyncio.gather(finishing, return_exceptions=True)
        folder.free.set()
        await answers.close()

    asyncio.run(run())
    assert written(folder) == ["response", "the last word"]


def test_a_take_is_announced_once_in_an_answer_until_its_job_ends(folder):
    folder.free.set()
    folder.append("r", take("t1").text)  # by a server before this one

    async def run() -> None:
        answers = Answers(folder)
        for line in (take("t1"), take("t2"), take("t2"), Line("end", last=True), take("t3"), take("t1")):
            answers.write("r", line)
        await answers.close()

    asyncio.run(run())
    assert written(folder) == [take("t1").text, take("t2").text, "end", take("t3").text]


def test_a_bug_while_writing_is_logged_and_the_next_line_is_written(folder, monkeypatch, caplog):
    folder.free.set()
    real = folder.append

    def broken(name: str, line: str) -> None:
        if line == "first":
            raise RuntimeError("a bug")
        real(name, line)

    monkeypatch.setattr(folder, "append", broken)

    async def run() -> None:
        answers = Answers(folder)
        answers.write("r", Line("first"))
        answers.write("r", Line("second"))
        await answers.close()

    asyncio.run(run())
    assert "a bug" in caplog.text
    assert written(folder) == ["second"]
