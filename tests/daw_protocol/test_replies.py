import pytest
from hypothesis import given

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Choice
from daw_protocol.replies import REPLIES, Failed, Reply
from tests.daw_protocol.generated import FEW, messages


@pytest.mark.parametrize("reply_type", REPLIES, ids=lambda one: one.name)
def test_every_reply_comes_back_from_its_fields(reply_type):
    @FEW
    @given(messages(reply_type))
    def check(reply):
        assert reply_type.from_fields(reply.to_fields()) == reply

    check()


def test_names_are_all_there_and_all_different():
    assert set(Reply.__subclasses__()) == set(REPLIES)
    assert len({reply.name for reply in REPLIES}) == len(REPLIES)


def test_one_of_these_ends_every_request():
    assert {reply.name for reply in REPLIES if reply.terminal} == {"done", "failed", "cancelled", "ok"}


def test_a_failure_can_carry_every_code():
    kind = Failed.__dataclass_fields__["code"].metadata["kind"]
    assert kind == Choice(tuple(code.value for code in ErrorCode))


@pytest.mark.parametrize("nasty", ["plain", "\x00\x1b[2J", "\ud800", "x" * 100_000, "\n", ""])
def test_any_error_can_be_a_reply(nasty):
    error = ProtocolError(ErrorCode.UNKNOWN_FIELD, nasty, nasty, nasty)
    reply = Failed.from_error(error, request_id="id1", job="j1")
    assert (reply.id, reply.job, reply.code) == ("id1", "j1", "unknown_field")
    assert (reply.sentence, reply.remedy, reply.field) == (error.sentence, error.remedy, error.field)
