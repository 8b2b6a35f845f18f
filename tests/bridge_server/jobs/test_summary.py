"""What a store has done, in numbers."""

import sqlite3

import pytest

from bridge_server.jobs.database import SCHEMA_VERSION, open_database
from bridge_server.jobs.job import Job, JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.jobs.summary import FAILURES, summary_of
from daw_protocol.errors import ProtocolError


def test_jobs_are_counted_and_the_last_failures_named(tmp_path):
    path = tmp_path / "store.sqlite3"
    connection = open_database(path)
    queue = JobQueue(connection, 100)
    for number in range(FAILURES + 5):
        job = Job(f"j{number:010x}", "c", f"r{number}", "repaint", {})
        queue.add(job)
        failure = {"code": "cannot_render", "field": "bpm", "sentence": "zanzibar"}
        queue.move(queue.move(job, JobState.RUNNING, 1.0), JobState.FAILED, 2.0 + number, failure)
    queue.add(Job("j1", "c", "waiting", "cover", {}))
    found = summary_of(path)
    connection.close()
    assert (found.format, found.takes) == (SCHEMA_VERSION, 0)
    assert found.jobs == {("repaint", "failed"): FAILURES + 5, ("cover", "queued"): 1}
    assert len(found.failures) == FAILURES
    newest = found.failures[0]
    assert (newest.job, newest.code, newest.field, newest.attempts) == (
        "j000000000e",
        "cannot_render",
        "bpm",
        1,
    )
    assert newest.ended == 2.0 + FAILURES + 4
    assert "zanzibar" not in repr(found)


def test_a_database_without_our_tables_has_nothing(tmp_path):
    sqlite3.connect(tmp_path / "x").close()
    found = summary_of(tmp_path / "x")
    assert (found.takes, found.jobs, found.failures) == (0, {}, ())


def test_no_database_is_an_error(tmp_path):
    with pytest.raises(ProtocolError):
        summary_of(tmp_path / "none")
