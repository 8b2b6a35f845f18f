"""One server, every door: what each client reads is in the language it chose, or the server was started with."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest

from tests.bridge_server.mailbox_peer import MailboxPeer
from tests.bridge_server.peers import RpcError, ServerThread, run_bridge
from tests.bridge_server.servers import settings_in

KOREAN = re.compile("[가-힣]")


@pytest.fixture(scope="module")
def korean(tmp_path_factory):
    """A server that was started with --language ko."""
    with ServerThread(settings_in(tmp_path_factory.mktemp("korean"), language="ko")) as server:
        yield server


@pytest.fixture(scope="module")
def english(tmp_path_factory):
    with ServerThread(settings_in(tmp_path_factory.mktemp("english"))) as server:
        yield server


def refusal(server, query=""):
    """What a WebSocket client reads of a source that is not there: sentence and data."""
    with server.websocket(query) as peer, pytest.raises(RpcError) as refused:
        peer.call("repaint", source="gone.wav", start=0, end=100)
    return str(refused.value)


def posted(server, query):
    call = {"jsonrpc": "2.0", "id": 1, "method": "jobs.show", "params": {"job": "j404"}}
    address = f"http://127.0.0.1:{server.settings.websocket_port}/rpc{query}"
    request = urllib.request.Request(address, json.dumps(call).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["error"]


def page_language(server, query="", accepted=""):
    status, headers, body = server.get(
        f"/{query}", Accept="text/html", **({"Accept-Language": accepted} if accepted else {})
    )
    assert status == 200
    found = re.search(rb'<html lang="(\w+)">', body)
    assert found is not None
    assert headers["Content-Language"] == found[1].decode()
    assert "Accept-Language" in headers["Vary"]
    return found[1].decode()


def test_a_websocket_may_choose(korean, english):
    assert not KOREAN.search(refusal(english))
    assert KOREAN.search(refusal(english, "?language=ko"))
    assert KOREAN.search(refusal(korean))
    assert not KOREAN.search(refusal(korean, "?language=en"))


def test_a_post_may_choose_and_codes_stay(english):
    plain, worded = posted(english, ""), posted(english, "?language=ko-KR")
    assert plain["message"] == "There is no job 'j404'."
    assert worded["message"] == "작업 'j404'는 없습니다."
    assert plain["data"]["code"] == worded["data"]["code"] == "unknown_job"
    assert worded["data"]["remedy"] == "모든 작업은 jobs.list에 나옵니다."


def test_osc_and_plain_refusals_are_in_the_servers_language(korean):
    with korean.osc() as peer:
        reply = peer.ask("/bridge/cancel", "job", "j404", "id", "c1")
        assert reply["code"] == "unknown_job"
        assert KOREAN.search(reply["sentence"])
    status, _, body = korean.get("/audio/0000.wav")
    assert status == 404
    assert KOREAN.search(body.decode())


def test_the_mailbox_is_in_the_servers_language(korean):
    peer = MailboxPeer(korean.settings.store / "mailbox")
    answer = peer.response(peer.call("jobs.show", job="j404"))
    assert KOREAN.search(answer["error"]["message"])


@pytest.mark.parametrize(
    ("query", "accepted", "expected"),
    [
        ("", "", "en"),
        ("", "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("", "fr,de", "en"),
        ("?language=ko", "en", "ko"),
        ("?language=xx", "ko", "ko"),
    ],
)
def test_the_panels_page_is_in_the_browsers_language(english, query, accepted, expected):
    assert page_language(english, query, accepted) == expected


def test_the_servers_own_choice_goes_before_the_browsers(korean):
    assert page_language(korean, "", "en-GB") == "ko"
    assert page_language(korean, "?language=en", "ko") == "en"


def test_the_table_is_served_and_nothing_else_of_its_folder(english):
    status, headers, body = english.get("/panel/languages/ko.json")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body)["name"] == "한국어"
    for name in ("catalogue.py", "xx.json", "..%2Fpanel%2Fmain.js"):
        assert english.get(f"/panel/languages/{name}")[0] == 404


def test_commands_speak_it_too(tmp_path):
    done = run_bridge(tmp_path / "store", "--language", "ko", "send", "/bridge/status")
    assert done.returncode == 1
    assert "실행 중인 서버가 없습니다." in done.stderr
