"""Who may talk to the server: this machine's programs and our own pages, or whoever has the token."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from bridge_server.guesses import BURST, SECONDS_EACH
from bridge_server.logs import JSON, logged_to
from bridge_server.settings import Settings
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.peers import ServerProcess, datagram, http_get

TOKEN = "open sesame"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9125", "127.0.0.1.evil.example", "169.254.1.1"]
)
def test_another_host_name_is_refused(server, host):
    """A page that lets its own name point to 127.0.0.1 (DNS rebinding) is recognised by the name."""
    status, _, body = server.get("/schema.json", Host=host)
    assert (status, b"Use 127.0.0.1" in body) == (403, True)


def test_what_is_no_address_at_all_is_refused(server):
    assert server.get("/schema.json", Host="[::1")[0] == 403
    assert server.get("//[")[0] == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "localhost:1234"])
def test_names_of_this_machine_are_served(server, host):
    assert server.get("/schema.json", Host=host)[0] == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "file://", "http://[", ""]
)
def test_pages_of_others_are_refused(server, origin):
    assert server.get("/schema.json", Origin=origin)[0] == 403
    with pytest.raises(InvalidStatus) as caught, server.websocket(origin=origin):
        pass
    assert caught.value.response.status_code == 403


def test_our_own_page_may_call(server):
    origin = f"http://127.0.0.1:{server.settings.websocket_port}"
    with server.websocket(origin=origin) as peer:
        assert peer.call("status")["engine"] == "noise"


def test_a_page_cannot_be_put_into_a_strangers_frame_or_run_strange_scripts(server):
    _, headers, _ = server.get("/", Accept="text/html")
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"  # the token is in some addresses
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


def test_another_address_needs_a_token(tmp_path):
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org"):
        with pytest.raises(ProtocolError, match="--token") as caught:
            Settings(store=tmp_path, host=host)
        assert (caught.value.code, caught.value.field) == (ErrorCode.NOT_ALLOWED, "host")
        assert Settings(store=tmp_path, host=host, token=TOKEN).token == TOKEN


@pytest.fixture
def guarded(start_server):
    """A server that can be reached from outside, and therefore has a token."""
    return start_server(host="0.0.0.0", token=TOKEN)


def test_http_and_websocket_need_the_token(guarded):
    assert guarded.get("/schema.json")[0] == 403
    assert guarded.get("/schema.json?token=wrong")[0] == 403
    assert guarded.get("/schema.json?token=open%20sesame")[0] == 200
    assert guarded.get("/schema.json", Authorization=f"Bearer {TOKEN}")[0] == 200
    for query in ("", "?token=", "?token=open"):
        with pytest.raises(InvalidStatus), guarded.websocket(query):
            pass
    with guarded.websocket("?token=open%20sesame") as peer:
        assert peer.call("status")["engine"] == "noise"


def test_osc_needs_the_token(guarded):
    """UDP has no handshake: every message carries it, or anybody in the network could render and list."""
    with guarded.osc() as osc:
        for more in ((), ("token", ""), ("token", "wrong")):
            reply = osc.ask("/bridge/repaint", "r", "source", "song.wav", "start", 0, "end", 4800, *more)
            assert (reply.name, reply["code"], reply["field"]) == ("failed", "not_allowed", "token")
        assert osc.ask("/bridge/status", "who", "token", TOKEN).name == "ok"
        assert osc.ask("/bridge/source", "token", "token", TOKEN)["code"] == "file_missing"
        replies = osc.render(
            "/bridge/repaint", "r", "source", "song.wav", "start", 0, "end", 4800, "token", TOKEN
        )
    assert replies[-1].name == "done"
    (take,) = guarded.takes()
    assert TOKEN not in repr(take)
    jobs = guarded.get(f"/takes/{take.id}/recipe.json?token=open%20sesame")[2]
    assert TOKEN.encode() not in jobs


def test_the_token_is_in_no_log_record_or_metric(tmp_path, start_server, monkeypatch):
    """However it was given, and although a bug was met with it."""

    word = "sesame-seed"

    async def broken(*_):
        raise ValueError(word)

    with logged_to(tmp_path / "store", JSON):
        server = start_server(host="0.0.0.0", token=word)
        assert server.get(f"/schema.json?token={word}")[0] == 200
        assert server.get(f"/nothing?token={word}&x={word}")[0] == 404
        assert server.get(f"/schema.json?token={word}x")[0] == 403
        with server.osc() as osc:
            osc.ask("/bridge/status", "a", "token", word)
            osc.ask("/bridge/nonesuch", "b", "token", word)
            osc.ask("/bridge/status", "c", "token", word, "tokn", word)
            osc.render("/bridge/repaint", "d", "source", "song.wav", "start", 0, "end", 4800, "token", word)
        with server.websocket(f"?token={word}") as peer:
            peer.call("jobs.list")
        handlers = dict.fromkeys(server.server.dispatcher.handled, broken)
        monkeypatch.setattr(server.server.dispatcher, "_handlers", handlers)
        with server.osc() as osc:
            assert osc.ask("/bridge/status", "e", "token", word)["code"] == "internal"
        _, _, metrics = server.get("/metrics", Authorization=f"Bearer {word}")
    assert word.encode() not in metrics
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert any(path.name == "takebridge.log" for path in files)
    assert [path.name for path in files if word.encode() in path.read_bytes()] == ["server.json"], (
        "for this user only"
    )


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="SKIPPED: no /proc to read here")
def test_the_token_is_in_no_process_list(tmp_path):
    file = tmp_path / "token"
    file.write_text("sesame-seed", encoding="utf-8")
    process = ServerProcess(
        tmp_path / "store", tmp_path, words=("--host", "0.0.0.0", "--token-file", str(file), "--no-sound")
    )
    try:
        process.start()
        assert process.address["token"] == "sesame-seed"
        shown = [
            path.read_bytes()
            for pattern in ("cmdline", "environ")
            for pid in family_of(process.process.pid)
            for path in Path(f"/proc/{pid}").glob(pattern)
        ]
        assert len(shown) >= 4, "the server and its engine"
        assert not any(b"sesame-seed" in one for one in shown)
    finally:
        process.stop()


def family_of(pid):
    """A process and all below it."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return [pid, *(one for child in children for one in family_of(child))]


def test_whoever_tries_tokens_over_http_has_to_wait(guarded):
    statuses = [guarded.get(f"/schema.json?token=wrong{number}")[0] for number in range(BURST + 3)]
    assert statuses == [403] * BURST + [429] * 3
    status, headers, body = guarded.get("/hello.json?token=wrong")
    assert (status, b"Too many wrong tokens" in body) == (429, True)
    assert 0 < int(headers["Retry-After"]) <= SECONDS_EACH
    assert guarded.get("/schema.json", Authorization=f"Bearer {TOKEN}")[0] == 429, (
        "else guessing would be free"
    )
    with pytest.raises(InvalidStatus) as caught, guarded.websocket("?token=open%20sesame"):
        pass
    assert caught.value.response.status_code == 429
    assert guarded.get("/schema.json")[0] == 403, "no token is no guess"
    assert guarded.get("/healthz")[0] in (200, 503)
    with guarded.osc() as osc:  # its senders can be forged: they lock nobody else out
        assert osc.ask("/bridge/status", "who", "token", TOKEN).name == "ok"


def test_a_page_whose_name_leads_here_has_to_wait_although_it_is_on_this_machine(start_server):
    server = start_server(host="0.0.0.0", token=TOKEN, trust_this_machine=True)
    statuses = [server.get(f"/hello.json?token=wrong{n}", Host="evil.example")[0] for n in range(BURST + 1)]
    assert statuses == [200] * BURST + [429]
    assert server.get("/schema.json")[0] == 200, "programs of this machine need no token"
    assert server.get("/schema.json?token=stale")[0] == 200


def test_whoever_tries_tokens_over_osc_has_to_wait(guarded):
    long = ("source", "x" * 500)  # a short message gets no answer
    with guarded.osc() as osc:
        for number in range(BURST):
            assert osc.ask("/bridge/repaint", "r", *long, "token", f"wrong{number}")["code"] == "not_allowed"
        assert osc.ask("/bridge/repaint", "r", *long, "token", TOKEN)["code"] == "not_allowed"
    assert guarded.get("/schema.json?token=open%20sesame")[0] == 200


def test_a_message_full_of_tokens_is_as_many_guesses(guarded):
    many = [given for number in range(200) for given in ("token", f"wrong{number}")]
    with guarded.osc() as osc:
        assert osc.ask("/bridge/status", "who", *many, "token", TOKEN)["code"] == "not_allowed"


BEGIN = b"#bundle\x00" + bytes(7) + b"\x01"
STATUS = datagram("/bridge/status", "who")
REPAINT = datagram("/bridge/repaint", "r", "source", "song.wav", "start", 0, "end", 4800)
WITHOUT_THE_TOKEN = [
    b"", b"/", STATUS, REPAINT, datagram("/bridge/nonesuch"), datagram("/bridge/*"), BEGIN + b"\xff" * 4,
    datagram("/bridge/status", "who", "token", "wrong", "reply_port", 9),
    BEGIN + b"".join(struct.pack(">i", len(one)) + one for one in [STATUS, REPAINT] * 200),
    datagram("/bridge/source", "x" * 3000),
]  # fmt: skip


@pytest.mark.parametrize("packet", WITHOUT_THE_TOKEN, ids=range(len(WITHOUT_THE_TOKEN)))
def test_without_the_token_no_answer_is_larger_than_what_was_sent(guarded, packet):
    """A sender's address can be forged: the server must not multiply what is sent to a third party."""
    with guarded.osc() as osc, guarded.osc() as other:
        osc.send_bytes(packet)
        osc.send("/bridge/status", "end", "token", TOKEN)
        sizes = []
        while (reply := osc.receive())["id"] != "end":
            assert reply["code"] == "not_allowed"
            sizes.append(reply.size)
        assert sum(sizes) <= len(packet)
        assert other.ask("/bridge/status", "still there", "token", TOKEN).name == "ok"


def test_the_server_listens_on_loopback_only(server):
    """By default; a machine without another address cannot show it."""
    name = socket.gethostname()
    addresses = {entry[4][0] for entry in socket.getaddrinfo(name, 0, socket.AF_INET)} - {"127.0.0.1"}
    outside = [address for address in addresses if not address.startswith("127.")]
    if not outside:
        pytest.skip("SKIPPED: this machine has no address but loopback")
    for address in outside:
        with pytest.raises(OSError):
            http_get(f"http://{address}:{server.settings.websocket_port}/")
