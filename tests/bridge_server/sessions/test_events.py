from bridge_server.sessions.events import PROGRESS_INTERVAL, Listeners
from daw_protocol.replies import Cancelled, Done, JobProgress


class Listener:
    """A client that keeps what it hears."""

    key = "ws:1"
    reply_to = ""

    def __init__(self):
        self.heard = []

    def send(self, reply):
        self.heard.append(reply)


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self):
        return self.now


def progress(fraction):
    return JobProgress(job="j1", stage="rendering", fraction=fraction)


DONE = Done(job="j1", takes=1)


def test_everybody_who_asked_hears_once():
    listeners, first, second, other = Listeners(), Listener(), Listener(), Listener()
    for client in (first, second, first):
        listeners.add("j1", client)
    listeners.add("j2", other)
    listeners.tell("j1", DONE)
    assert first.heard == second.heard == [DONE]
    assert other.heard == []


def test_the_terminal_reply_is_the_last():
    listeners, client = Listeners(), Listener()
    listeners.add("j1", client)
    listeners.tell("j1", DONE)
    listeners.tell("j1", Cancelled(job="j1"))
    listeners.tell("j1", progress(1.0))
    assert client.heard == [DONE]


def test_progress_comes_ten_times_a_second_at_most():
    clock = Clock()
    listeners, client = Listeners(clock), Listener()
    listeners.add("j1", client)
    for step in range(1000):
        clock.now = step / 100
        listeners.tell("j1", progress(step / 1000))
    assert 90 <= len(client.heard) <= 100
    gaps = [
        later.fraction - earlier.fraction
        for earlier, later in zip(client.heard, client.heard[1:], strict=False)
    ]
    assert min(gaps) * 10 >= PROGRESS_INTERVAL - 1e-9


def test_only_progress_is_thinned_out_and_each_job_by_itself():
    listeners, client = Listeners(Clock()), Listener()
    for job in ("j1", "j2"):
        listeners.add(job, client)
    listeners.tell("j1", progress(0.1))
    listeners.tell("j2", progress(0.2))
    listeners.tell("j1", progress(0.3))
    listeners.tell("j1", DONE)
    assert client.heard == [progress(0.1), progress(0.2), DONE]


def test_who_has_gone_hears_nothing_and_the_others_go_on():
    listeners, gone, here = Listeners(), Listener(), Listener()
    for job in ("j1", "j2"):
        listeners.add(job, gone)
    listeners.add("j1", here)
    listeners.forget(gone)
    listeners.tell("j1", DONE)
    listeners.tell("j2", DONE)
    assert gone.heard == []
    assert here.heard == [DONE]


def test_a_job_nobody_listens_to_may_end():
    Listeners().tell("j1", DONE)
