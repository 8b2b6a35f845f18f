from bridge_server.sessions.audience import PROGRESS_INTERVAL, Audience
from bridge_server.sessions.events import ContextMoved, Events, JobReply, Notice
from daw_protocol.replies import Acknowledged, Cancelled, Done, FocusMoved, JobProgress

MOVED = ContextMoved(FocusMoved(revision=1))


class Listener:
    """A client that keeps what it is sent."""

    key = sender = "ws:1"
    reply_to = ""

    def __init__(self):
        self.received = []

    def send(self, reply):
        self.received.append(reply)


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self):
        return self.now


class Hall:
    """An audience and the events it follows."""

    def __init__(self, clock=lambda: 0.0, **limits):
        self.events = Events()
        self.audience = Audience(self.events, clock, **limits)

    def reply(self, job, reply):
        self.events.publish(JobReply(job, reply))


def progress(fraction):
    return JobProgress(job="j1", stage="rendering", fraction=fraction)


DONE = Done(job="j1", takes=1)


def test_every_client_that_asked_is_sent_each_reply_once():
    hall, first, second, other = Hall(), Listener(), Listener(), Listener()
    for client in (first, second, first):
        hall.audience.add("j1", client)
    hall.audience.add("j2", other)
    hall.reply("j1", DONE)
    assert first.received == second.received == [DONE]
    assert other.received == []


def test_the_terminal_reply_is_the_last():
    hall, client = Hall(), Listener()
    hall.audience.add("j1", client)
    hall.reply("j1", DONE)
    hall.reply("j1", Cancelled(job="j1"))
    hall.reply("j1", progress(1.0))
    assert client.received == [DONE]


def test_progress_comes_ten_times_a_second_at_most():
    clock = Clock()
    hall, client = Hall(clock), Listener()
    hall.audience.add("j1", client)
    for step in range(1000):
        clock.now = step / 100
        hall.reply("j1", progress(step / 1000))
    assert 90 <= len(client.received) <= 100
    gaps = [
        later.fraction - earlier.fraction
        for earlier, later in zip(client.received, client.received[1:], strict=False)
    ]
    assert min(gaps) * 10 >= PROGRESS_INTERVAL - 1e-9


def test_only_progress_is_thinned_out_and_each_job_by_itself():
    hall, client = Hall(Clock()), Listener()
    for job in ("j1", "j2"):
        hall.audience.add(job, client)
    hall.reply("j1", progress(0.1))
    hall.reply("j2", progress(0.2))
    hall.reply("j1", progress(0.3))
    hall.reply("j1", DONE)
    assert client.received == [progress(0.1), progress(0.2), DONE]


def test_a_client_that_has_gone_is_sent_nothing_and_the_others_go_on():
    hall, gone, here = Hall(), Listener(), Listener()
    for job in ("j1", "j2"):
        hall.audience.add(job, gone)
    hall.audience.add("j1", here)
    hall.audience.forget(gone)
    hall.reply("j1", DONE)
    hall.reply("j2", DONE)
    assert gone.received == []
    assert here.received == [DONE]


def test_a_job_nobody_listens_to_may_end():
    Hall().reply("j1", DONE)


def test_everybody_who_watches_gets_notices_until_they_stop():
    hall, first, second = Hall(), Listener(), Listener()
    hall.audience.watch(first)
    hall.audience.watch(second)
    hall.events.publish(MOVED)
    hall.audience.unwatch(first)
    hall.events.publish(MOVED)
    assert (len(first.received), len(second.received)) == (1, 2)


def test_a_notice_skips_the_client_that_has_it_already():
    hall, first, second = Hall(), Listener(), Listener()
    hall.audience.watch(first)
    hall.audience.watch(second)
    ack = Acknowledged(job="j1", state="queued")
    hall.events.publish(Notice(ack, known_to=first))
    assert (first.received, second.received) == ([], [ack])


def test_watching_twice_is_being_sent_once():
    hall, client = Hall(), Listener()
    hall.audience.watch(client)
    hall.audience.watch(client)
    hall.events.publish(MOVED)
    assert len(client.received) == 1


def test_past_the_limit_the_oldest_watcher_is_dropped():
    hall, clients = Hall(max_watchers=2), [Listener() for _ in range(3)]
    for client in clients:
        hall.audience.watch(client)
    hall.events.publish(MOVED)
    assert [len(client.received) for client in clients] == [0, 1, 1]


def test_who_asked_and_watches_is_sent_each_reply_of_a_job_once():
    hall, both, watcher = Hall(), Listener(), Listener()
    hall.audience.add("j1", both)
    for client in (both, watcher):
        hall.audience.watch(client)
    hall.reply("j1", DONE)
    assert both.received == watcher.received == [DONE]


def test_the_last_progress_is_kept_while_a_job_runs():
    hall = Hall()
    for fraction in (0.1, 0.2):  # the second comes too soon to be sent, but it is what is true
        hall.reply("j1", progress(fraction))
    assert hall.audience.progress("j1").fraction == 0.2
    hall.reply("j1", DONE)
    assert hall.audience.progress("j1") is None


def test_a_watcher_that_has_gone_is_sent_nothing():
    hall, gone = Hall(), Listener()
    hall.audience.watch(gone)
    hall.audience.forget(gone)
    hall.events.publish(MOVED)
    assert gone.received == []


def test_a_broken_client_does_not_silence_the_others(caplog):
    class Broken(Listener):
        def send(self, reply):
            raise OSError("its connection has closed")

    hall, here = Hall(), Listener()
    for client in (Broken(), here):
        hall.audience.add("j1", client)
    hall.reply("j1", DONE)
    assert here.received == [DONE]
    assert "its connection has closed" in caplog.text
