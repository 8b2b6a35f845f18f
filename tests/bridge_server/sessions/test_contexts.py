from bridge_server.sessions.contexts import ClientContexts
from daw_protocol.context import Context
from daw_protocol.requests import ForgetContext, SetKey, SetTempo


def test_each_client_has_a_context_of_its_own():
    sessions = ClientContexts(most=9)
    received = sessions.apply("left", SetTempo(bpm=120))
    sessions.apply("right", SetTempo(bpm=90))
    assert sessions.context("left") == received == Context(bpm=120.0)
    assert sessions.context("right") == Context(bpm=90.0)
    assert sessions.context("nobody") == Context()


def test_messages_add_up():
    sessions = ClientContexts(most=9)
    sessions.apply("left", SetTempo(bpm=120))
    sessions.apply("left", SetKey(key="C major"))
    assert sessions.context("left").bpm == 120
    assert str(sessions.context("left").key) == "C major"
    assert sessions.apply("left", ForgetContext()) == Context()


def test_the_longest_unused_is_forgotten_first():
    sessions = ClientContexts(most=2)
    sessions.apply("a", SetTempo(bpm=100))
    sessions.apply("b", SetTempo(bpm=101))
    sessions.context("a")  # used
    sessions.apply("c", SetTempo(bpm=102))
    assert sessions.context("b") == Context()
    assert sessions.context("a").bpm == 100
    assert sessions.context("c").bpm == 102


def test_asking_alone_remembers_nobody():
    sessions = ClientContexts(most=1)
    sessions.apply("a", SetTempo(bpm=100))
    for number in range(5):
        sessions.context(f"passer-by {number}")
    assert sessions.context("a").bpm == 100
