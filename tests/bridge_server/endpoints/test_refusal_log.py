"""Lines in the server's window: few for each sender, few in all, and a count of the rest."""

from bridge_server.endpoints.refusal_log import IN_ALL, PER_SENDER, RefusalLog


class Clock:
    now = 10.0

    def __call__(self):
        return self.now


def lines(caplog):
    return [record.getMessage() for record in caplog.records]


def test_one_sender_gets_a_few_lines_and_the_rest_are_counted(caplog):
    clock = Clock()
    log = RefusalLog(clock)
    for number in range(100):
        log.write("a:1", f"wrong {number}")
    assert lines(caplog) == [f"OSC from a:1: wrong {number}" for number in range(PER_SENDER)]
    clock.now += 1
    log.write("a:1", "wrong again")
    assert lines(caplog)[PER_SENDER:] == ["OSC: 95 more messages were refused", "OSC from a:1: wrong again"]


def test_another_sender_is_still_seen(caplog):
    log = RefusalLog(Clock())
    for _ in range(100):
        log.write("flood:1", "x")
    log.write("typed:2", "no such address")
    assert lines(caplog)[-1] == "OSC from typed:2: no such address"


def test_many_senders_do_not_bury_the_window(caplog):
    log = RefusalLog(Clock())
    for port in range(10_000):
        log.write(f"a:{port}", "x")
    assert len(lines(caplog)) == IN_ALL
    assert len(log._lines) <= IN_ALL
