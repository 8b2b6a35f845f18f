"""The protocol of ComfyUI, where it is not already seen through the engine."""

import json

import pytest

from model.errors import CannotRender, NotLoaded
from model.remote.address import read_address
from model.remote.comfy_server import ComfyJob, ComfyServer
from model.remote.http_link import GOING_ON, HttpLink
from tests.model.remote.comfy_double import WORKFLOW, ComfyDouble
from tests.model.remote.http_double import Reply


@pytest.fixture
def double():
    with ComfyDouble() as running:
        yield running


@pytest.fixture
def server(double):
    with HttpLink("ComfyUI", read_address(double.address)) as link:
        yield ComfyServer(link)


def test_a_place_in_the_queue(double, server):
    double.running, double.pending = ["a"], [(9, "d"), (3, "c")]
    assert server.job("a", "9", GOING_ON) == ComfyJob(True)
    assert server.job("c", "9", GOING_ON) == ComfyJob(True, before=1)
    assert server.job("d", "9", GOING_ON) == ComfyJob(True, before=2)
    assert server.job("x", "9", GOING_ON) == ComfyJob(False)


def test_the_nodes_own_words(server):
    with pytest.raises(CannotRender, match="node 2: Custom validation failed Invalid audio file"):
        server.begin(WORKFLOW, "a", "b", GOING_ON)


def test_an_interrupted_workflow(double, server):
    messages = [["execution_start", {}], ["execution_interrupted", {"node_id": "5"}]]
    double.history["a"] = {"outputs": {}, "status": {"status_str": "error", "messages": messages}}
    assert server.job("a", "9", GOING_ON).trouble.endswith("execution_interrupted")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"a": 7}', b"7"])
def test_another_program_is_no_server(double, server, body):
    double.answer = lambda asked: Reply(body)
    with pytest.raises(NotLoaded):
        server.version(GOING_ON)
    for call in (
        lambda: server.job("a", "9", GOING_ON),
        lambda: server.upload("a.wav", b"", GOING_ON),
        lambda: server.begin({}, "a", "b", GOING_ON),
    ):
        with pytest.raises(CannotRender):
            call()


def test_a_node_with_an_odd_name_is_asked_for_as_it_is(double, server):
    double.answer = lambda asked: Reply(json.dumps({"A/b c?": {}}).encode())
    assert server.has_node("A/b c?", GOING_ON)
    assert not server.has_node("B", GOING_ON)


@pytest.mark.parametrize("runs", [True, False])
def test_an_old_version_is_interrupted_only_where_ours_runs(double, runs):
    double.old = True
    double.running = ["ours"] if runs else ["theirs"]
    double.pending = [] if runs else [(1, "ours")]
    with HttpLink("ComfyUI", read_address(double.address)) as link:
        link.aside = lambda call: call(link)  # at once, to see all of it
        ComfyServer(link).cancel("ours")
    assert double.cancelled == {"ours"}
    assert double.interrupted == (["ours"] if runs else [])
    assert not double.pending
