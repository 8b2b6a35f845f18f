"""What holds for every request: it comes back from its fields, is a command, and can be answered."""

import pytest
from hypothesis import given

from daw_protocol import requests
from daw_protocol.addresses import COMMANDS
from daw_protocol.errors import ErrorCode
from daw_protocol.requests import Request, ShowTake
from tests.daw_protocol.generated import FEW, messages
from tests.refusals import refusal

ALL = [command.request for command in COMMANDS]


@pytest.mark.parametrize("request_type", ALL, ids=lambda one: one.__name__)
def test_every_request_comes_back_from_its_fields(request_type):
    @FEW
    @given(messages(request_type))
    def check(request):
        assert request_type.from_fields(request.to_fields()) == request

    check()


def test_every_request_type_is_a_command():
    def leaves(one):
        below = one.__subclasses__()
        return {one} if not below else set().union(*map(leaves, below))

    assert leaves(requests.Request) == set(ALL)


def test_every_request_says_what_it_is_for():
    for request in ALL:
        # dataclass writes the signature there when there is no docstring
        assert not (request.__doc__ or "").startswith(f"{request.__name__}("), request


def test_what_a_client_leaves_out_is_empty():
    asked = ShowTake(take="t1")
    assert (asked.id, asked.reply_port, asked.client, asked.token) == ("", None, "", "")


@pytest.mark.parametrize(
    ("field", "value"),
    [("id", "x" * 65), ("client", "x" * 65), ("token", "x" * 257), ("reply_port", 0), ("reply_port", 65_536)],
)
def test_what_all_requests_share_has_limits(field, value):
    for request in (Request, requests.Status, requests.Repaint):
        error = refusal(request, **{field: value})
        assert (error.code, error.field) == (ErrorCode.OUT_OF_RANGE, field)
