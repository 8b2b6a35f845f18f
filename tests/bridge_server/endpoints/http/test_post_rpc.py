"""JSON-RPC by POST: the same answers as over WebSocket."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.bridge_server.endpoints.http.asking import ask

REGION = {"source": "song.wav", "start": 12000, "end": 24000}


def post(server, data: object, path: str = "/rpc", **headers: str):
    """Status and answer; None where there is no content."""
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    status, _, answer = ask(server, "POST", path, body, **{"Content_Type": "application/json", **headers})
    return status, json.loads(answer) if answer else None


def call(method: str, number: object = 1, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


@pytest.mark.parametrize(
    "sent",
    [
        call("jobs.show", job="none"), call("takes.list", "text id"), call("engines"), call("nonsense"),
        call("repaint", takes="x"), call("repaint", source="audio:" + "0" * 64), call("takes.show", take="none"),
        call("tempo", bpm=99), call("key", key="H"), call("status", x=1), call("upload.begin"), call("songs.list"),
        {"jsonrpc": "1.0", "id": 1, "method": "status"}, {"jsonrpc": "2.0", "id": [], "method": "status"}, 17, [],
        [call("jobs.show", job="none"), 17, call("engines", 2), {"jsonrpc": "2.0", "method": "status"}],
        [call("engines", n) for n in range(65)], call("export", what="take", name="none", format="midi"),
    ],
    ids=lambda sent: json.dumps(sent)[:60],
)  # fmt: skip
def test_post_and_websocket_give_the_same_answer(server, ws, sent):
    ws.connection.send(json.dumps(sent))
    frame = ws.frame()
    while "method" in frame:  # an export's progress: POST answers with the end alone
        frame = ws.frame()
    assert post(server, sent) == (200, frame)


def test_a_job_is_accepted_and_followed_by_asking(server):
    status, answer = post(server, call("repaint", id="posted", **REGION), "/rpc?client=script")
    assert (status, answer["result"]["state"]) == (200, "queued")
    job = answer["result"]["job"]
    while (shown := post(server, call("jobs.show", job=job))[1]["result"])["state"] != "done":
        assert shown["state"] in ("queued", "running")
    again = post(server, call("repaint", id="posted", **REGION), "/rpc?client=script")
    assert again[1]["result"]["job"] == job
    with server.websocket("?client=script") as same:  # by another way, but the same client
        assert same.call("repaint", id="posted", **REGION)["job"] == job
    sent = post(server, call("takes.fetch", take=shown["takes"][0]["take"]))[1]["result"]
    status, _, body = ask(server, "GET", sent["url"])
    assert (status, len(body)) == (200, sent["bytes"])


def test_clients_that_name_themselves_have_a_context_of_their_own(server):
    for name, end in (("one", 20000), ("two", 30000)):
        post(server, call("select", start=10000, end=end), f"/rpc?client={name}")
    made = {**call("repaint", source="song.wav"), "client": "one"}  # as in the mailbox
    job = post(server, made)[1]["result"]["job"]
    while (shown := post(server, call("jobs.show", job=job))[1]["result"])["state"] != "done":
        pass
    assert [take["length"] for take in shown["takes"]] == [10000]


def test_notifications_have_no_content(server):
    note = {"jsonrpc": "2.0", "method": "status"}
    assert post(server, note) == (204, None)
    assert post(server, [note, note]) == (204, None)


@pytest.mark.parametrize(
    ("body", "headers", "status", "rpc_code"),
    [
        (b"{", {}, 400, -32700),
        (b"", {}, 400, -32700),
        (b'"\xff"', {}, 400, -32700),
        (b"{}", {}, 200, -32600),
        (b"{}", {"Content_Type": "text/plain"}, 415, -32600),
        (b"{}", {"Content_Type": "application/x-www-form-urlencoded"}, 415, -32600),
        (b"{}", {"Content_Type": ""}, 415, -32600),
        (bytes(5 * 2**20), {}, 413, -32600),
    ],
    ids=["brace", "empty", "not utf-8", "no call", "text", "form", "no type", "too large"],
)
def test_what_is_no_json_rpc_is_answered_in_json_rpc(server, body, headers, status, rpc_code):
    found, answer = post(server, body, **headers)
    assert (found, answer["error"]["code"], answer["id"]) == (status, rpc_code, None)
    assert answer["error"]["data"]["remedy"]


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "Application/JSON", "application/json-rpc"]
)
def test_json_has_several_names(server, media_type):
    assert post(server, call("engines"), Content_Type=media_type)[0] == 200


def test_what_needs_a_connection_is_refused_with_the_way_to_go(server):
    watched = post(server, call("watch"))[1]["error"]
    assert watched["data"]["code"] == "not_allowed"
    assert "WebSocket" in watched["data"]["remedy"]
    announced = post(server, call("upload.begin", name="x.wav", size=1, sha256="0" * 64))[1]["error"]
    assert "/uploads/" in announced["data"]["remedy"]


def test_get_is_not_the_way(server):
    status, headers, _ = ask(server, "GET", "/rpc")
    assert (status, headers["Allow"]) == (405, "OPTIONS, POST")


def test_a_strangers_page_cannot_post(server):
    assert (
        ask(server, "POST", "/rpc", b"{}", Origin="https://evil.example", Content_Type="application/json")[0]
        == 403
    )


def test_curl(server):
    if shutil.which("curl") is None:
        pytest.skip("SKIPPED: curl is not installed (Debian and Ubuntu: apt install curl)")
    url = f"http://127.0.0.1:{server.settings.websocket_port}/rpc"
    words = ["curl", "-sS", "--noproxy", "*", "--json", json.dumps(call("engines", 7)), url]
    found = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(found.stdout)["id"] == 7
