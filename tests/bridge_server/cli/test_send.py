"""`takebridge send` against a real server: what is printed, how it ends, and Ctrl-C."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from bridge_server.cli import send as module
from bridge_server.cli.commands import Screen
from bridge_server.cli.osc_peer import OscReply
from bridge_server.cli.send import OscTarget, as_line, send, typed_values
from daw_protocol.addresses import COMMANDS
from daw_protocol.errors import ErrorCode
from tests.bridge_server.peers import PATIENCE, bridge_command, environment
from tests.bridge_server.typed import typed
from tests.places import PROJECT
from tests.refusals import refusal

REGION = ("source", "song.wav", "start", "0", "end", "4800")


@pytest.fixture
def sent(server):
    """Types a message behind `takebridge send`, the store named as always."""
    return lambda *words: typed(server.settings.store, "send", *words)


def test_a_render_is_followed_to_its_end(sent, server):
    done = sent("/bridge/repaint", *REGION, "takes", "2", "seed", "7")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ack", "take", "→", "take", "→", "done"]
    assert "seed 7" in lines[1]
    assert lines[2].strip(" →") in {str(path) for path in (server.settings.store / "clips").rglob("*.wav")}
    assert lines[-1] == "done      2 takes."


def test_the_same_for_programs(sent):
    done = sent("--json", "/bridge/repaint", *REGION)
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    assert [reply["reply"] for reply in replies if reply["reply"] != "progress"] == ["ack", "take", "done"]
    assert len({reply["job"] for reply in replies}) == 1, "the server gave it an id"


@pytest.mark.parametrize(
    ("words", "status", "printed"),
    [
        (("/bridge/status",), 0, "ok        Takebridge"),
        (("/bridge/tempo", "121.5"), 0, "ok        bpm 121.5"),
        (("--types", "s", "/bridge/tempo", "122"), 0, "ok        bpm 122"),
        (("--no-wait", "/bridge/repaint", *REGION), 0, "ack       job "),
        (("/bridge/tempo", "0"), 1, "bpm"),
        (("/bridge/repaint", "source", "none.wav", "bars", "1"), 1, "no file 'none.wav'"),
        (("/bridge/repain",), 1, "Did you mean /bridge/repaint?"),
    ],
)
def test_every_answer_is_printed_and_decides_the_status(sent, words, status, printed):
    done = sent(*words)
    assert done.returncode == status
    assert printed in (done.stdout if status == 0 else done.stderr)
    assert len(done.stdout.splitlines()) == (1 if status == 0 else 0)


def test_a_server_that_wants_its_token_gets_it(start_server, tmp_path):
    server = start_server(host="127.0.0.1", token="secret")
    store = server.settings.store
    assert typed(store, "send", "/bridge/status").returncode == 0
    port = str(server.settings.osc_port)
    refused = typed(
        store, "send", "--port", port, "/bridge/repaint", *REGION, "prompt", "so long that it is answered"
    )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "needs its token" in refused.stderr
    assert "--token-file" in refused.stderr
    (tmp_path / "token").write_text("secret\n")
    named = ("--port", port, "--token-file", str(tmp_path / "token"))
    assert typed(store, "send", *named, "/bridge/status").returncode == 0


def test_no_server(tmp_path):
    done = typed(tmp_path / "store", "send", "/bridge/status")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Start one with `takebridge serve`." in done.stderr


def test_a_port_that_swallows_everything(monkeypatch):
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.01)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    screen = Screen(Console(file=io.StringIO()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        target = OscTarget("127.0.0.1", deaf.getsockname()[1], ours=False)
        error = refusal(lambda: asyncio.run(send(target, screen, "/bridge/tempo", [("i", 1)])))
    assert error.code is ErrorCode.NOT_ALLOWED
    assert "--port" in error.remedy


def test_a_slow_server_is_waited_for_as_long_as_it_lives(sent, monkeypatch):
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.02)
    done = sent("/bridge/repaint", *REGION, "engine", "slow", "options", '{"seconds": 0.4}')
    assert done.returncode == 0, done.stderr
    assert "Takebridge" not in done.stdout, "the sign of life is not an answer"


@pytest.mark.skipif(sys.platform == "win32", reason="no signal reaches one process alone")
def test_ctrl_c_cancels_the_job(server):
    words = ["send", "--json", "/bridge/repaint", *REGION, "engine", "slow", "options", '{"seconds": 100}']
    sending = subprocess.Popen(
        [*bridge_command(server.settings.store), *words],
        cwd=PROJECT, env=environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    first = json.loads(sending.stdout.readline())
    sending.send_signal(signal.SIGINT)
    out, _ = sending.communicate(timeout=PATIENCE)
    last = json.loads(out.splitlines()[-1])
    assert (last["reply"], last["job"], sending.returncode) == ("cancelled", first["job"], 130)


def test_a_token_that_was_typed_is_not_sent_twice():
    words = ["token", "mine"]
    assert typed_values(words, None, "kept") == [("s", "token"), ("s", "mine")]
    assert typed_values([], None, "kept") == [("s", "token"), ("s", "kept")]


def test_the_examples_of_every_message_can_be_sent():
    for command in COMMANDS:
        assert not command.osc or typed_values(command.example.split()[2:], None, "") is not None


@pytest.mark.parametrize(
    ("name", "values", "line"),
    [
        (
            "ack",
            {"job": "j1", "state": "queued", "note": "No drums."},
            "ack       job j1 is queued. No drums.",
        ),
        ("done", {"takes": 1}, "done      1 take."),
        ("done", {"takes": 0}, "done      no takes."),
        ("analysed", {"text": "121 bpm"}, "analysed  121 bpm"),
        ("blueprint", {"number": 1, "text": "96 BPM."}, "blueprint 1, 96 BPM."),
        ("cancelled", {"reason": "Cancelled on request."}, "cancelled Cancelled on request."),
        ("focus", {"id": "x", "revision": 2, "client": ""}, "focus     revision 2"),
    ],
)
def test_lines(name, values, line):
    assert as_line(OscReply(name, values)) == line


def test_a_stem_and_a_warning_without_an_entry_are_in_a_korean_line():
    values = {
        "take": "t61df5754b2", "number": 2, "stem": "drums", "position": 0, "length": 96000, "rate": 48000, "seed": 7,
        "passed": 0, "warning": "Something new is wrong with it.",
    }  # fmt: skip
    line = as_line(OscReply("take", values), "ko")
    assert line == (
        "take      2, 스템 drums, ID t61df5754b2, 샘플 0, 2.00 s, 시드 7: Something new is wrong with it."
    )


def test_where_a_job_is_is_said_in_korean():
    assert as_line(OscReply("ack", {"job": "j1", "state": "queued"}), "ko") == "ack       작업 j1: 대기 중."


def test_an_answer_in_korean_keeps_its_name_and_its_path():
    values = {
        "take": "t61df5754b2", "number": 1, "stem": "mix", "position": 1536000, "length": 384000, "rate": 48000,
        "seed": 7, "passed": 1, "path": "/music/a take 1.wav",
    }  # fmt: skip
    first, second = as_line(OscReply("take", values), "ko").split("\n")
    assert first == "take      1, ID t61df5754b2, 샘플 1536000, 8.00 s, 시드 7: 모든 검사 통과"
    assert second.split() == ["→", *str(Path("/music/a take 1.wav")).split()]
    assert as_line(OscReply("done", {"takes": 2}), "ko") == "done      테이크 2개."
