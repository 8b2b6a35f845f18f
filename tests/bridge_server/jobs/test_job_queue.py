import asyncio
import contextlib
import itertools
import sqlite3

import pytest

from bridge_server.jobs.database import open_database, transaction
from bridge_server.jobs.job import NEXT_STATES, Job, JobState
from bridge_server.jobs.job_queue import COLUMNS, TABLE, JobQueue, to_row
from daw_protocol.errors import ErrorCode, ProtocolError

QUEUED, RUNNING, DONE, FAILED, CANCELLED = JobState
PATHS = {QUEUED: (), RUNNING: (RUNNING,), DONE: (RUNNING, DONE), FAILED: (FAILED,), CANCELLED: (CANCELLED,)}
NUMBERS = itertools.count(1)


def job(name=None, **changes):
    number = next(NUMBERS)
    values = {
        "id": name or f"j{number}",
        "client": "ws:1",
        "request_id": name or f"id{number}",
        "command": "repaint",
        "request": {"id": name or "", "title": "日本 🎵"},
        "created": float(number),
    }
    return Job(**{**values, **changes})


class Program:
    """Who asks, as the queue sees it."""

    reply_to = ""

    def __init__(self, key, port=None):
        self.key = key
        self.sender = key if port is None else f"{key}@{port}"

    def send(self, reply):
        pass


@pytest.fixture
def connection(tmp_path):
    with contextlib.closing(open_database(tmp_path / "bridge.db")) as found:
        yield found


@pytest.fixture
def queue(connection):
    return JobQueue(connection, most=3)


def in_state(queue, state):
    made = job()
    queue.add(made)
    for step in PATHS[state]:
        made = queue.move(made, step, now=1.0)
    return made


def test_what_is_kept_comes_back_as_it_was(queue):
    made = job(
        priority=0, region_key="[1]", reply_to="127.0.0.1:9000", attempts=2, started=1.5, ended=2.5,
        failure={"code": "internal", "sentence": "é"},
    )  # fmt: skip
    queue.add(made)
    assert queue.get(made.id) == made
    assert queue.find("ws:1", made.request_id) == made
    assert queue.get("nobody") is None
    assert queue.find("ws:2", made.request_id) is None


@pytest.mark.parametrize(
    ("state", "following"), list(itertools.product(JobState, JobState)), ids=lambda one: one.value
)
def test_every_move(queue, state, following):
    made = in_state(queue, state)
    if following in NEXT_STATES[state]:
        moved = queue.move(made, following, now=9.0)
        assert moved.state is following
        assert queue.get(made.id) == moved
    else:
        with pytest.raises(ValueError, match=f"is {state.value} and cannot become {following.value}"):
            queue.move(made, following, now=9.0)
        assert queue.get(made.id) == made


def test_times_and_attempts(queue):
    made = job()
    queue.add(made)
    running = queue.move(made, RUNNING, now=5.0)
    assert (running.started, running.ended, running.attempts) == (5.0, None, 1)
    waiting = queue.move(running, QUEUED, now=6.0)
    assert (waiting.ended, waiting.attempts) == (None, 1)
    again = queue.move(waiting, RUNNING, now=7.0)
    assert (again.started, again.attempts) == (7.0, 2)
    failed = queue.move(again, FAILED, 8.0, {"code": "internal"})
    assert (failed.ended, failed.failure) == (8.0, {"code": "internal"})
    assert queue.get(made.id) == failed


def test_an_old_copy_of_a_job_cannot_move_it(queue):
    old = job()
    queue.add(old)
    done = queue.move(queue.move(old, RUNNING, 1.0), DONE, 2.0)
    with pytest.raises(ValueError, match="not queued any more"):
        queue.move(old, CANCELLED, 3.0)
    assert queue.get(old.id) == done


def test_a_move_is_part_of_the_callers_transaction(queue, connection):
    first, second = job(), job()
    for one in (first, second):
        queue.add(one)
    with pytest.raises(ValueError, match="cannot become"), transaction(connection):
        [queue.move(one, state, 1.0) for one, state in ((first, RUNNING), (second, DONE))]
    assert queue.get(first.id) == first


def test_a_full_queue_says_so_until_there_is_room(queue):
    waiting = [job() for _ in range(3)]
    for one in waiting:
        queue.add(one)
    late = job()
    with pytest.raises(ProtocolError) as raised:
        queue.add(late)
    assert raised.value.code is ErrorCode.QUEUE_FULL
    assert "3 jobs" in raised.value.sentence
    assert raised.value.remedy
    assert queue.get(late.id) is None
    queue.move(waiting[0], RUNNING, 1.0)  # what runs does not wait
    queue.add(late)
    assert queue.count(QUEUED) == 3


def test_interactive_first_then_in_order(queue):
    names = {"batch1": 0, "batch2": 0, "interactive": 1}
    for name, priority in names.items():
        queue.add(job(name, priority=priority))
    order = []
    while found := queue.next_waiting():
        order.append(found.id)
        queue.move(found, RUNNING, 1.0)
    assert order == ["interactive", "batch1", "batch2"]


def test_accepted_in_one_moment_they_keep_their_order(queue):
    for name in ("b", "a", "c"):
        queue.add(job(name, created=1.0))
    order = []
    while found := queue.next_waiting():
        order.append(found.id)
        queue.move(found, RUNNING, 1.0)
    assert order == ["b", "a", "c"]


def test_jobs_of_busy_engines_are_left_out(queue):
    for name, engine in (("first", "sketch"), ("second", "noise")):
        queue.add(job(name, request={"engine": engine}))
    queue.add(job("old", request={}))  # of a version that did not write it
    assert queue.next_waiting().id == "first"
    assert queue.next_waiting(("sketch",)).id == "second"
    assert queue.next_waiting(("noise", "sketch")).id == "old"
    queue.move(queue.get("old"), RUNNING, 1.0)
    assert queue.next_waiting(("noise", "sketch")) is None


def test_a_name_is_used_once_by_one_client(queue):
    queue.add(job("first", request_id="id1"))
    queue.add(job("second", request_id="id1", client="ws:2"))
    with pytest.raises(sqlite3.IntegrityError):
        queue.add(job("third", request_id="id1"))
    assert queue.find("ws:1", "id1").id == "first"
    assert queue.find("ws:2", "id1").id == "second"
    assert queue.count(QUEUED) == 2


def test_what_a_newer_request_may_replace(queue):
    first, other, second = job(region_key="a"), job(region_key="b"), job(region_key="a")
    for one in (first, other, second):
        queue.add(one)
    assert queue.waiting_for("a") == [first, second]
    queue.move(first, RUNNING, 1.0)
    assert queue.waiting_for("a") == [second]
    assert queue.waiting_for("c") == []


def test_newest_first(queue):
    jobs = [job() for _ in range(3)]
    for one in jobs:
        queue.add(one)
    failed = queue.move(jobs[1], FAILED, 1.0)
    assert queue.newest() == [jobs[2], failed, jobs[0]]
    assert queue.newest(limit=1) == [jobs[2]]
    assert queue.newest(FAILED) == [failed]
    assert queue.newest(DONE) == []
    assert queue.newest(before=jobs[2]) == [failed, jobs[0]]
    assert queue.newest(FAILED, before=jobs[2]) == [failed]
    assert queue.newest(FAILED, before=failed) == []


def test_after_a_crash_running_jobs_go_on_in_their_old_place(tmp_path):
    with contextlib.closing(open_database(tmp_path / "bridge.db")) as connection:
        queue = JobQueue(connection, most=9)
        interrupted, tired, waiting, done = (
            job("interrupted"),
            job("tired", attempts=2),
            job("waiting"),
            job("done"),
        )
        for one in (interrupted, tired, waiting, done):
            queue.add(one)
        queue.move(interrupted, RUNNING, 1.0)
        queue.move(tired, RUNNING, 1.0)
        finished = queue.move(queue.move(done, RUNNING, 1.0), DONE, 2.0)
    with contextlib.closing(open_database(tmp_path / "bridge.db")) as connection:
        queue = JobQueue(connection, most=9)
        requeued, given_up = queue.resume(now=10.0, attempts=3)
        assert [one.id for one in requeued] == ["interrupted"]
        assert [one.id for one in given_up] == ["tired"]
        assert queue.next_waiting() == requeued[0]
        assert queue.get("waiting") == waiting
        assert queue.get("done") == finished
        failed = queue.get("tired")
        assert (failed.state, failed.ended) == (FAILED, 10.0)
        assert failed.failure["code"] == ErrorCode.ENGINE_DIED.value
        assert "3 times" in failed.failure["sentence"]
        assert failed.failure["remedy"]
        assert queue.resume(now=11.0, attempts=3) == ([], [])


def test_a_job_that_was_being_cancelled_when_the_server_died_is_not_resumed(tmp_path):
    with contextlib.closing(open_database(tmp_path / "bridge.db")) as connection:
        queue = JobQueue(connection, 10)
        waiting = job("j1")
        queue.add(waiting)
        running = queue.move(waiting, JobState.RUNNING, 1.0)
        queue.note_cancelled(running, "Cancelled on request.")
        assert queue.get("j1").state is JobState.RUNNING, "its engine has not stopped yet"
    with contextlib.closing(open_database(tmp_path / "bridge.db")) as connection:
        queue = JobQueue(connection, 10)
        requeued, (ended,) = queue.resume(now=10.0, attempts=3)
        assert (requeued, ended.id, ended.state) == ([], "j1", JobState.CANCELLED)
        assert queue.get("j1").failure == {}


def test_a_full_disk_refuses_a_job_and_keeps_the_rest(queue, connection):
    kept = job()
    queue.add(kept)
    connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(ProtocolError) as raised:
        queue.add(job(request={"lyrics": "la " * 100_000}))
    assert raised.value.code is ErrorCode.STORE_FAILED
    assert queue.newest() == [kept]


def test_songs_in_use_are_those_of_unfinished_jobs(queue):
    waiting = job("j-waiting", request={"source": "take:t1", "reference": "audio:aa"})
    running = job("j-running", request={"source": "song.wav"})
    done = job("j-done", request={"source": "take:t2"})
    for one in (waiting, running, done):
        queue.add(one)
    queue.move(running, RUNNING, 1.0)
    queue.move(queue.move(done, RUNNING, 1.0), DONE, 2.0)
    assert queue.songs_in_use() == {"take:t1": "j-waiting", "audio:aa": "j-waiting", "song.wav": "j-running"}


def test_a_job_is_found_by_its_id_or_by_its_clients_name_for_it(queue):
    queue.add(job("j1", request_id="mine"))
    assert queue.named("j1", Program("anyone")).id == "j1"
    assert queue.named("mine", Program("ws:1")).id == "j1"
    with pytest.raises(ProtocolError, match="There is no job 'mine'") as raised:
        queue.named("mine", Program("ws:2"))
    assert raised.value.code is ErrorCode.UNKNOWN_JOB


def fill(connection):
    """No further page fits into the database."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")


def make_room(connection):
    connection.execute("PRAGMA max_page_count = 1000000")


LONG_FAILURE = {"code": "store_failed", "sentence": "x" * 100_000}


@pytest.mark.parametrize("before", [QUEUED, RUNNING])
def test_an_end_that_finds_no_room_holds_and_is_recorded_later(connection, queue, before):
    ended, other = in_state(queue, before), in_state(queue, QUEUED)
    fill(connection)
    moved = queue.move(ended, FAILED, 5.0, LONG_FAILURE)
    assert queue.get(ended.id) == queue.find(ended.client, ended.request_id) == moved
    assert queue.newest(FAILED) == [moved]
    assert queue.newest(before) == ([other] if before is QUEUED else [])
    assert queue.newest() == [other, moved]
    assert queue.next_waiting() == other
    assert (queue.count(FAILED), queue.count(QUEUED), queue.count(RUNNING)) == (1, 1, 0)
    queue.write_ends()  # still no room
    assert stored_state(connection, ended) == before.value
    make_room(connection)
    queue.write_ends()
    assert stored_state(connection, ended) == "failed"
    assert queue.get(ended.id) == moved


def stored_state(connection, job):
    return connection.execute("SELECT state FROM jobs WHERE id = ?", (job.id,)).fetchone()["state"]


def test_a_kept_end_is_recorded_when_the_server_stops(connection, queue):
    ended = in_state(queue, RUNNING)
    fill(connection)
    queue.move(ended, FAILED, 5.0, LONG_FAILURE)

    async def stop():
        writing = asyncio.create_task(queue.keep_writing_ends())
        await asyncio.sleep(0)
        make_room(connection)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)

    asyncio.run(stop())
    assert stored_state(connection, ended) == "failed"


def test_a_start_that_finds_no_room_is_refused(connection, queue):
    waiting = in_state(queue, QUEUED)
    connection.execute("PRAGMA query_only = 1")
    with pytest.raises(ProtocolError):
        queue.move(waiting, RUNNING, 5.0)
    assert queue.get(waiting.id).state is QUEUED


def test_a_clock_that_is_set_back_changes_no_order(queue):
    for number, created in enumerate((1000.0, 900.0, 800.0)):
        queue.add(job(f"j-{number}", created=created, region_key="r"))
    assert queue.next_waiting().id == "j-0"
    assert [found.id for found in queue.waiting_for("r")] == ["j-0", "j-1", "j-2"]
    assert [found.id for found in queue.newest()] == ["j-2", "j-1", "j-0"]


def test_ended_jobs_are_found_by_where_their_replies_go(queue):
    made = {}
    for state, address in ((DONE, "mailbox:a"), (QUEUED, "mailbox:b"), (FAILED, "mailbox:c")):
        made[address] = job(reply_to=address)
        queue.add(made[address])
        for step in PATHS[state]:
            made[address] = queue.move(made[address], step, now=1.0)
    many = [f"mailbox:{number}" for number in range(1200)]
    assert queue.ended_for([*many, "mailbox:a", "mailbox:b"]) == [made["mailbox:a"]]
    assert queue.reply_addresses() == {"mailbox:b"}


def test_programs_of_one_machine_have_ids_of_their_own(queue):
    machine, named = "osc:127.0.0.1", "osc:127.0.0.1:left"
    for number, client in enumerate((f"{machine}@9000", f"{machine}@51234", named, machine)):
        queue.add(job(f"j{number}", client=client, request_id="mine"))
        queue.move(queue.get(f"j{number}"), CANCELLED, now=1.0)
    assert queue.named("mine", Program(machine, 9000)).id == "j0"
    assert queue.named("mine", Program(machine, 51234)).id == "j1"
    assert queue.named("mine", Program(named)).id == "j2"
    # Typed by hand, from yet another port: the newest that no named client asked for.
    assert queue.named("mine", Program(machine, 6)).id == "j3"
    assert [one.id for one in queue.of_machine(machine, "mine")] == ["j3", "j1", "j0"]
    assert queue.of_machine("osc:127.0.0.11", "mine") == []


def test_a_store_of_an_older_version_gets_room_for_fingerprints_and_songs(connection):
    older = TABLE.replace("    fingerprint TEXT NOT NULL DEFAULT '',\n", "")
    older = older.replace("    songs TEXT NOT NULL DEFAULT '{}',\n", "")
    assert older != TABLE
    connection.executescript(older)
    columns = COLUMNS[:-2]
    connection.execute(
        f"INSERT INTO jobs ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
        to_row(job("j1"))[:-2],
    )
    queue = JobQueue(connection, most=3)
    assert (queue.get("j1").fingerprint, queue.get("j1").songs) == ("", {})
    later = job("j2", fingerprint="a:b", songs={"/music/song.wav": {"size": 1, "stamp": None}})
    queue.add(later)
    assert JobQueue(connection, most=3).get("j2") == later
