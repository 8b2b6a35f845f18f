"""Questions about jobs, asked of a queue and a store: what is listed, shown, cancelled and answered once more."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from bridge_server.handlers.jobs import JobHandlers, acknowledged
from bridge_server.handlers.running_requests import RunningRequests
from bridge_server.jobs.database import open_database, transaction
from bridge_server.jobs.job import Job, JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.sessions.audience import Audience
from bridge_server.sessions.events import Events, JobReply
from bridge_server.songs.plans import Plans
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.song_tempos import SongTempos
from clip_store.store import ClipStore
from daw_protocol import requests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import Acknowledged, Cancelled, Done, Failed, JobProgress, TakeReady, Understood
from daw_protocol.results import JobStage
from tests.clip_store.sounds import song
from tests.clip_store.takes import stored_take

CLIP = song(1000)
JOB = Job("j1", "daw", "r1", "repaint", {"prompt": "strings"}, created=1.0)
FAILURE = {"code": "internal", "sentence": "It broke.", "remedy": "Try again.", "field": ""}


class Script:
    """A client that keeps what it is sent."""

    reply_to = ""

    def __init__(self, key="daw"):
        self.key = self.sender = key
        self.received = []

    def send(self, reply):
        self.received.append(reply)


class Worker:
    """Cancels what has not ended, as long as it `has` the job."""

    has = True

    def __init__(self):
        self.cancelled = []

    def cancel(self, job, reason):
        if self.has:
            self.cancelled.append((job.id, reason))
        return self.has


class Parts:
    """Job handlers on a queue, a store and an audience of their own."""

    def __init__(self, folder, connection):
        self.queue, self.worker, self.events = JobQueue(connection, 10), Worker(), Events()
        self.connection, self.store = connection, ClipStore(folder, connection)
        audience = Audience(self.events, lambda: 0.0)
        reader = SongReader(self.store, connection, (folder,), 60)
        tempos = SongTempos(self.store, connection, reader)
        self.handlers = JobHandlers(
            self.queue,
            self.store,
            audience,
            self.worker,
            tempos,
            Plans(self.store, connection),
            RunningRequests(),
        )

    def job(self, state=JobState.QUEUED, **values):
        job = replace(JOB, **values)
        self.queue.add(job)
        if state in (JobState.RUNNING, JobState.DONE):
            job = self.queue.move(job, JobState.RUNNING, 2.0)
        if state in (JobState.DONE, JobState.CANCELLED, JobState.FAILED):
            job = self.queue.move(job, state, 3.0, FAILURE if state is JobState.FAILED else None)
        return job

    def take(self, number, job="j1"):
        """A take of the job, with its clip in the store."""
        take = stored_take(
            id=f"take{number}", job=job, number=number, audio=CLIP.digest, length=1000, created=float(number)
        )
        with transaction(self.connection):
            self.store.keep(take, CLIP)
        return take

    def ask(self, method, request, client=None):
        return asyncio.run(getattr(self.handlers, method)(request, client or Script()))


@pytest.fixture
def parts(tmp_path):
    with contextlib.closing(open_database(tmp_path / "bridge.db")) as connection:
        yield Parts(tmp_path / "store", connection)


def test_the_list_is_newest_first_and_can_be_narrowed(parts):
    parts.job(JobState.DONE)
    parts.job(id="j2", request_id="r2", created=5.0)
    whole = parts.ask("list", requests.ListJobs())
    assert [(job.job, job.state) for job in whole.result.jobs] == [("j2", "queued"), ("j1", "done")]
    assert whole.replies[0].text == "j2 repaint queued; j1 repaint done"
    done = parts.ask("list", requests.ListJobs(state="done"))
    assert [job.job for job in done.result.jobs] == ["j1"]
    assert [job.job for job in parts.ask("list", requests.ListJobs(limit=1)).result.jobs] == ["j2"]


def test_a_long_list_comes_whole_and_without_what_is_long(parts):
    long = {
        "prompt": "strings",
        "lyrics": "la " * 2000,
        "tempo_map": [{"beat": n, "bpm": 120} for n in range(1000)],
    }
    for number in range(25):
        parts.job(JobState.CANCELLED, id=f"j{number}", request_id=f"r{number}", request=long)
    listed = parts.ask("list", requests.ListJobs(limit=23)).result.jobs
    assert [record.job for record in listed] == [f"j{number}" for number in range(24, 1, -1)]
    assert all(record.request == {"prompt": "strings"} for record in listed)
    shown = parts.ask("show", requests.ShowJob(job="j7")).result
    assert shown.request == long


def test_an_empty_list_says_so(parts):
    assert parts.ask("list", requests.ListJobs()).replies[0].text == "There are no jobs."


def test_a_running_job_is_shown_with_its_progress(parts):
    parts.job(JobState.RUNNING)
    parts.events.publish(
        JobReply("j1", JobProgress(job="j1", stage="rendering", fraction=0.5, seconds_left=7.0))
    )
    (job,) = parts.ask("list", requests.ListJobs()).result.jobs
    assert job.progress == JobStage(stage="rendering", fraction=0.5, seconds_left=7.0)
    assert (job.client, job.created, job.started, job.ended) == ("daw", 1.0, 2.0, None)
    assert job.request == {"prompt": "strings"}


def test_a_finished_job_is_shown_with_its_takes_and_its_end(parts):
    parts.job(JobState.DONE)
    for number in (1, 2):
        parts.take(number)
    response = parts.ask("show", requests.ShowJob(id="q", job="j1"))
    assert [type(reply) for reply in response.replies] == [TakeReady, TakeReady, Done]
    assert [take.number for take in response.result.takes] == [1, 2]
    assert response.replies[-1].takes == 2


def test_a_waiting_job_is_shown_by_its_clients_name_for_it(parts):
    parts.job()
    response = parts.ask("show", requests.ShowJob(id="q", job="r1"))
    assert response.replies == (Understood(id="q", command="jobs.show", text="repaint queued"),)
    assert (response.result.job, response.result.takes) == ("j1", ())
    with pytest.raises(ProtocolError) as raised:
        parts.ask("show", requests.ShowJob(job="r1"), Script("another"))
    assert raised.value.code is ErrorCode.UNKNOWN_JOB


def test_a_clip_that_was_removed_is_written_again(parts):
    parts.job(JobState.DONE)
    path = parts.store.clip_path(parts.take(1))
    path.unlink()
    (take,) = parts.ask("show", requests.ShowJob(job="j1")).result.takes
    assert take.path == str(path)
    assert path.is_file()


def test_who_cancels_a_job_is_sent_its_end(parts):
    parts.job(JobState.RUNNING)
    other = Script("another")
    response = parts.ask("cancel", requests.Cancel(job="j1"), other)
    assert response.replies[0].text == "Job j1 is being cancelled."
    assert response.result.job == "j1"
    assert parts.worker.cancelled == [("j1", "Cancelled on request.")]
    end = Cancelled(id="r1", job="j1")
    parts.events.publish(JobReply("j1", end))
    assert other.received == [end]


@pytest.mark.parametrize("state", [JobState.DONE, JobState.CANCELLED, JobState.FAILED])
def test_what_has_ended_is_not_cancelled(parts, state):
    parts.job(state)
    response = parts.ask("cancel", requests.Cancel(job="j1"))
    assert response.replies[0].text == f"Job j1 was {state.value} already."
    assert parts.worker.cancelled == []


def test_a_job_that_ends_at_that_moment_is_not_cancelled(parts):
    parts.job(JobState.RUNNING)
    parts.worker.has = False
    response = parts.ask("cancel", requests.Cancel(job="j1"))
    assert "being cancelled" not in response.replies[0].text


def test_a_repeated_request_joins_the_job_that_waits(parts):
    job, client = parts.job(), Script()
    response = parts.ask("again", job, client)
    (reply,) = response.replies
    assert (type(reply), reply.id, reply.job, reply.state) == (Acknowledged, "r1", "j1", "queued")
    assert "nothing new is rendered" in reply.note
    end = Done(id="r1", job="j1", takes=0)
    parts.events.publish(JobReply("j1", end))
    assert client.received == [end]


@pytest.mark.parametrize(
    ("state", "end"), [(JobState.DONE, Done), (JobState.CANCELLED, Cancelled), (JobState.FAILED, Failed)]
)
def test_a_repeated_request_gets_takes_and_end_of_the_job_that_has_ended(parts, state, end):
    job = parts.job(state)
    parts.take(1)
    response = parts.ask("again", job)
    assert [type(reply) for reply in response.replies] == [Acknowledged, TakeReady, end]
    assert [take.take for take in response.result.takes] == ["take1"]


def test_an_acknowledgement_is_the_same_as_a_reply_and_as_a_result():
    response = acknowledged(JOB, "note")
    (reply,) = response.replies
    for found in (reply, response.result):
        assert (found.id, found.job, found.state, found.note) == ("r1", "j1", "queued", "note")
    assert response.result.takes is None
