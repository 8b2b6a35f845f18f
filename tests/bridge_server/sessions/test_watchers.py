from bridge_server.sessions.events import Listeners
from bridge_server.sessions.watchers import Watchers
from daw_protocol.replies import Done, FocusMoved, JobProgress


class Listener:
    """A client that keeps what it hears."""

    key = "ws:1"
    reply_to = ""

    def __init__(self):
        self.heard = []

    def send(self, reply):
        self.heard.append(reply)


MOVED = FocusMoved(revision=1)


def test_everybody_who_watches_hears_until_they_stop():
    watchers, first, second = Watchers(), Listener(), Listener()
    watchers.add(first)
    watchers.add(second)
    watchers.tell(MOVED)
    watchers.forget(first)
    watchers.tell(MOVED)
    assert (len(first.heard), len(second.heard)) == (1, 2)


def test_watching_twice_is_hearing_once():
    watchers, client = Watchers(), Listener()
    watchers.add(client)
    watchers.add(client)
    watchers.tell(MOVED)
    assert len(client.heard) == 1


def test_past_the_limit_the_oldest_is_forgotten():
    watchers, clients = Watchers(most=2), [Listener() for _ in range(3)]
    for client in clients:
        watchers.add(client)
    watchers.tell(MOVED)
    assert [len(client.heard) for client in clients] == [0, 1, 1]


def test_who_asked_and_watches_hears_of_a_job_once():
    listeners, both, watcher = Listeners(), Listener(), Listener()
    listeners.add("j1", both)
    for client in (both, watcher):
        listeners.watchers.add(client)
    done = Done(job="j1", takes=1)
    listeners.tell("j1", done)
    assert both.heard == [done]
    assert watcher.heard == [done]


def test_the_last_progress_is_kept_while_a_job_runs():
    listeners = Listeners(lambda: 0.0)
    for fraction in (0.1, 0.2):  # the second comes too soon to be told, but it is what is true
        listeners.tell("j1", JobProgress(job="j1", stage="rendering", fraction=fraction))
    assert listeners.progress("j1").fraction == 0.2
    listeners.tell("j1", Done(job="j1", takes=1))
    assert listeners.progress("j1") is None


def test_a_client_that_has_gone_is_told_nothing():
    listeners, gone = Listeners(), Listener()
    listeners.watchers.add(gone)
    listeners.forget(gone)
    listeners.watchers.tell(MOVED)
    assert gone.heard == []
