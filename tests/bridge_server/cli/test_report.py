"""A bug report: what is in it, and that none of the producer's words, names, folders or addresses is."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
from pathlib import Path

import pytest

from bridge_server.cli import report as module
from bridge_server.cli.parser import parser
from bridge_server.cli.report import as_text, report, store, write_report
from bridge_server.logs import JSON, TEXT, logged_to
from bridge_server.settings import WatchSettings
from daw_protocol.errors import ProtocolError
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in

SECRETS = {
    name: f"{word}zanzibar" for name, word in (
        ("user", "anna"), ("host", "annasmac"), ("home", "homeof"), ("store", "vault"), ("root", "album"),
        ("song", "single"), ("prompt", "moody"), ("lyrics", "goodbye"), ("title", "chorus"), ("track", "choir"),
        ("client", "console"), ("request", "first"), ("token", "sesame"), ("watched", "inbox"), ("models", "weights"),
        ("log", "rumour"), ("json", "gossip"), ("trace", "leak"), ("function", "whisper"), ("variable", "climate"),
        ("option", "knob"), ("export", "mixtape"),
    )
}  # fmt: skip
ADDRESSES = ("10.11.12.13", "192.168.77.66", "2001:db8::77", "fe80::1:2:3")


def planted_log(folder):
    """Lines as an older version, a talkative one or another program would have written them."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"2026-01-31 12:00:00,000 WARNING bridge_server.{SECRETS['log']} [{SECRETS['log']}]: {SECRETS['log']}",
        f"2026-01-31 12:00:01,000 WARNING bridge_server.endpoints.refusal_log: OSC from {ADDRESSES[0]}:5000: "
        f"There is no file '{SECRETS['song']} (take 2).wav' in /home/{SECRETS['user']}/Music.",
        f"2026-01-31 12:00:02,000 INFO x: {SECRETS['log']}_{SECRETS['log']} {SECRETS['log']}-1 x{SECRETS['log']}x "
        f"{ADDRESSES[1]} [{ADDRESSES[2]}]:80 {ADDRESSES[3]} ţ{SECRETS['log']} 日本 0041791234567",
        "Traceback (most recent call last):",
        f'  File "/home/{SECRETS["user"]}/model/{SECRETS["trace"]}.py", line 3, in {SECRETS["function"]}',
        f"    {SECRETS['trace']} = '{SECRETS['prompt']}'",
        f'  File "/home/{SECRETS["user"]}/x/bridge_server/logs.py", line 3, in logged_to',
        f"{SECRETS['trace']}Error: {SECRETS['lyrics']}",
        f"ValueError: could not convert string to float: '{SECRETS['prompt']}'",
        json.dumps({"time": 1.0, "level": SECRETS["json"], "part": SECRETS["json"], "job": SECRETS["json"],
                    "text": SECRETS["json"], "traceback": f"X\n  {SECRETS['json']}\n{SECRETS['json']}"}),
        '{"time": "' + SECRETS["json"], SECRETS["log"],
    ]  # fmt: skip
    (folder / "takebridge.log.1").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The report on a server that has worked with secrets in every place."""
    folder = tmp_path_factory.mktemp("report") / SECRETS["home"]
    root, watched = folder / SECRETS["root"], folder / SECRETS["watched"]
    root.mkdir(parents=True)
    watched.mkdir()
    settings = settings_in(
        folder, store=folder / SECRETS["store"], roots=(root,), token=SECRETS["token"], host="127.0.0.1",
        watch=WatchSettings(watched),
    )  # fmt: skip
    noise_song(root / f"{SECRETS['song']}.wav")
    planted_log(settings.store / "logs")
    (settings.store / "exports" / SECRETS["export"]).mkdir(parents=True)
    with (
        pytest.MonkeyPatch.context() as patch,
        logged_to(settings.store, TEXT, words=True),
        ServerThread(settings) as server,
    ):
        for name, value in {
            "USER": "user",
            "LOGNAME": "user",
            "HOSTNAME": "host",
            "SOMETHING": "variable",
        }.items():
            patch.setenv(name, SECRETS[value])
        patch.setenv("HOME", str(folder))
        patch.setattr("platform.node", lambda: SECRETS["host"])
        patch.setattr("platform.release", lambda: f"6.1.0-{SECRETS['host']}")
        with server.websocket(f"?client={SECRETS['client']}&token={SECRETS['token']}") as peer:
            words = {
                "source": f"{SECRETS['song']}.wav", "start": 0, "end": 4800, "prompt": SECRETS["prompt"],
                "lyrics": SECRETS["lyrics"], "title": SECRETS["title"], "track": SECRETS["track"],
            }  # fmt: skip
            peer.render("repaint", **words, id=SECRETS["request"])
            peer.render(
                "repaint", **words, engine="faulty", options={"fault": "raise", "seconds": SECRETS["option"]}
            )
            peer.render("repaint", **words, engine="faulty", options={"fault": "refuse"})
        logging.getLogger("bridge_server.part").error("job %s: %s", "j0123456789", SECRETS["prompt"])
        models = folder / SECRETS["models"]
        (models / SECRETS["models"]).mkdir(parents=True)
        yield asyncio.run(report(settings, models))


def test_it_says_what_a_bug_report_needs(found):
    assert list(found) == [
        "versions", "machine", "engines", "models", "devices", "store", "server", "failures", "log",
    ]  # fmt: skip
    assert {"Takebridge", "Python", "numpy", "websockets"} <= found["versions"].keys()
    assert found["machine"]["cores"] == os.cpu_count()
    assert found["store"]["jobs"] == {"repaint done": 1, "repaint failed": 2}
    assert (found["store"]["takes"], found["store"]["writable"]) == (1, True)
    assert found["store"]["format"] >= 1
    assert (found["server"]["running"], found["server"]["token"]) == (True, "set")
    assert found["server"]["WebSocket port"] > 0
    assert [one["code"] for one in found["failures"]] == ["cannot_render", "internal"]
    assert all(one["job"].startswith("j") and one["task"] == "repaint" for one in found["failures"])


def test_its_log_is_readable_without_what_it_quotes(found):
    text = "\n".join(found["log"])
    for one in found["failures"]:
        assert f"job {one['job']} is failed" in text
    assert "ERROR bridge_server.engines.process" in text
    assert "the engine broke" in text
    assert "job j0123456789: …" in text
    assert 'File "bridge_server/logs.py", line 3, in logged_to' in text
    assert "\nValueError: " in text
    assert "2026-01-31 12:00:01 WARNING bridge_server.endpoints.refusal_log: OSC from …" in text


@pytest.mark.parametrize("name", [*SECRETS])
def test_nothing_private_is_in_it(found, name):
    text = as_text(found) + json.dumps(found)
    assert SECRETS[name].lower() not in text.lower()


def test_no_part_of_a_secret_is_in_it(found):
    text = (as_text(found) + json.dumps(found)).lower()
    assert "zanzibar" not in text
    assert "日本" not in text
    assert "0041791234567" not in text
    for address in ADDRESSES:
        assert address not in text
    assert str(Path.home()).lower() not in text.replace("/root/", "") or str(Path.home()) == "/"


def test_the_secrets_were_there(found, tmp_path_factory):
    """Else nothing was proved."""
    folder = next(tmp_path_factory.getbasetemp().glob(f"report*/{SECRETS['home']}"))
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for name in (
        "prompt",
        "lyrics",
        "title",
        "track",
        "client",
        "request",
        "token",
        "log",
        "json",
        "trace",
        "option",
    ):
        assert SECRETS[name].encode() in everything, name


def test_a_store_that_is_not_there_or_spoilt_is_reported_as_such(tmp_path):
    assert store(tmp_path / "none")["problem"] == "No such file or directory"
    (tmp_path / "store.sqlite3").write_bytes(b"zanzibar" * 1000)
    assert store(tmp_path)["problem"] == "store_failed"


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_writes_a_file_and_says_what_is_in_it(tmp_path, monkeypatch, capsys, as_json):
    async def no_engines(_):
        return {}

    monkeypatch.setattr(module, "engines", no_engines)
    monkeypatch.chdir(tmp_path)
    words = ["--store", str(tmp_path / "store"), "doctor", "--report", *(["--json"] if as_json else [])]
    arguments: argparse.Namespace = parser(tmp_path / "store", tmp_path / "models", tmp_path).parse_args(
        words
    )
    assert arguments.run(arguments) == 0
    path = tmp_path / ("takebridge-report.json" if as_json else "takebridge-report.txt")
    said = capsys.readouterr().out
    assert str(path) in said
    assert "failures" in said
    text = path.read_text(encoding="utf-8")
    if as_json:
        assert json.loads(said)["report"] == str(path)
        assert json.loads(text)["server"]["running"] is False
    else:
        assert "## server\nrunning: false" in text
    assert str(tmp_path) not in text


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(ProtocolError, match="--report"):
        write_report(tmp_path / "none" / "report.txt", {}, False)


def test_a_log_in_json_is_read_as_well(tmp_path):
    with logged_to(tmp_path, JSON):
        logging.getLogger("bridge_server.rendering.worker").info(
            "job %s begins: %s", "j0123456789", "repaint"
        )
    (line,) = module.last_lines(tmp_path)
    assert line.endswith("INFO bridge_server.rendering.worker: job j0123456789 begins: repaint")
