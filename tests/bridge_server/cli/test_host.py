"""`takebridge host`: its settings, and the whole command with a bridge that renders there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from bridge_server.cli import host as hosting
from bridge_server.cli.host import JOIN, device_class, host_folder, host_settings
from bridge_server.engines.registry import engine_setups
from bridge_server.models.machine import GraphicsCard
from bridge_server.settings import MAX_PLACES
from bridge_server.studio.host_places import ClusterSettings
from bridge_server.studio.join_string import JoinString
from daw_protocol.errors import ProtocolError
from tests.bridge_server.cli.test_host_parser import typed
from tests.bridge_server.peers import ServerThread, environment, noise_song
from tests.bridge_server.servers import settings_in
from tests.places import PROJECT

CARDS = (GraphicsCard("NVIDIA H200", 1, 1), GraphicsCard("NVIDIA H200", 1, 1))


def settings(tmp_path, *words, cards=()):
    return host_settings(typed(*words), tmp_path, engine_setups(models=tmp_path), cards)


def test_there_is_a_place_for_each_graphics_card_on_that_card(tmp_path):
    found = settings(tmp_path, cards=CARDS)
    assert [place["acestep"].options["device"] for place in found.engines] == ["cuda:0", "cuda:1"]
    assert found.device == "NVIDIA H200"
    found = settings(tmp_path, "--places", "3", cards=CARDS)
    assert [place["sketch"].options["device"] for place in found.engines] == ["cuda:0", "cuda:1", "cuda:0"]


def test_without_a_card_there_is_one_place_wherever_the_engine_likes(tmp_path):
    found = settings(tmp_path)
    assert len(found.engines) == 1
    assert "device" not in found.engines[0]["acestep"].options
    assert found.device == "", "the engine has not said"
    assert device_class("mps", ()).startswith("mps")


def test_a_single_card_is_left_to_the_engine_whose_torch_may_not_know_it(tmp_path):
    found = settings(tmp_path, cards=CARDS[:1])
    assert (len(found.engines), found.device) == (1, "")
    assert "device" not in found.engines[0]["acestep"].options
    found = settings(tmp_path, "--device", "cuda", cards=CARDS[:1])
    assert (found.engines[0]["acestep"].options["device"], found.device) == ("cuda", "NVIDIA H200")


@pytest.mark.parametrize(
    ("words", "cluster"),
    [
        ((), None),
        (("--ray",), ClusterSettings()),
        (("--ray", "--places", "3"), ClusterSettings("", 3)),
        (("--ray", "192.168.1.20:6379"), ClusterSettings("192.168.1.20:6379")),
    ],
)
def test_places_in_a_cluster_are_counted_there(tmp_path, words, cluster):
    found = settings(tmp_path, *words)
    assert (found.cluster, len(found.engines)) == (cluster, 1)
    if cluster is not None:
        assert (cluster.address or "Starting Ray") in hosting.joining(cluster)


def test_only_lan_opens_it(tmp_path):
    assert (settings(tmp_path).address, settings(tmp_path).shown) == ("127.0.0.1", "127.0.0.1")
    assert settings(tmp_path, "--lan").address == "0.0.0.0"


@pytest.mark.parametrize("places", ["-1", str(MAX_PLACES + 1)])
def test_so_many_places_and_no_more(tmp_path, places):
    with pytest.raises(ProtocolError, match="places must be"):
        settings(tmp_path, "--places", places)


def test_cards_are_only_looked_for_where_they_could_be_used(monkeypatch):
    monkeypatch.setattr(hosting, "graphics_cards", lambda: CARDS)
    assert [hosting.cards_for(device) for device in ("", "cuda", "cpu", "cuda:1")] == [CARDS, CARDS, (), ()]


def started(store):
    """The command, and the lines it prints until it is ready."""
    command = [
        sys.executable,
        "-m",
        "bridge_server",
        "--store",
        str(store),
        "host",
        "--port",
        "0",
        "--name",
        "box",
    ]
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**environment(), "COLUMNS": "40"},
    )
    lines = []
    assert process.stdout is not None
    while "Ctrl-C" not in (line := process.stdout.readline()):
        assert line, "it ended"
        lines.append(line)
    return process, "".join(lines)


def stop(process):
    with process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.skipif(os.name != "posix", reason="it is stopped by the signal of POSIX")
def test_the_line_it_prints_the_first_time_lets_a_bridge_render_there(tmp_path):
    process, said = started(tmp_path / "store")
    try:
        (line,) = re.findall(r"takebridge serve --render-host \"(.*)\"", said)
        kept = host_folder(tmp_path / "store") / JOIN
        assert kept.read_text(encoding="utf-8").strip() == line
        changes = {"engines": engine_setups(), "engine": "sketch", "ahead": False}
        bridge = settings_in(tmp_path, render_hosts=(JoinString.parse(line),), **changes)
        noise_song(bridge.roots[0] / "song.wav")
        with ServerThread(bridge) as server, server.websocket() as ws:
            replies = ws.render("extract", source="song.wav", stems="drums", start=0, end=24000)
            assert replies[-1].name == "done", replies[-1].values
            takes = server.takes(job=replies[-1]["job"])
            assert takes
            assert {take.recipe.rendered_on for take in takes} == {"box"}
    finally:
        stop(process)
    process, said = started(tmp_path / "store")
    stop(process)
    assert line.partition("#")[2] not in said, "shown once"
