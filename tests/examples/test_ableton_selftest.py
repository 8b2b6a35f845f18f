"""The Remote Script's self-test, in the double of Live: it finds nothing there, and finds what is made wrong."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bridge_server.peers import PATIENCE, ServerThread, band_song, free_port
from tests.bridge_server.servers import server_fixture
from tests.examples import live_double
from tests.examples.live_double import LiveSet, script_modules

server = server_fixture((band_song, "band.wav"), songs_folder="My Project", engine="noise")


@pytest.fixture
def surface_module() -> Iterator[Any]:
    with script_modules():
        yield importlib.import_module("Takebridge.surface")


def report_of(module: Any, live: LiveSet, port: int, folder: Path) -> list[str]:
    """The report of a self-test that a pad begins."""
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"bridge_port": port, "listen_port": free_port()}))
    seconds = iter(range(10**6))  # a tick is a second to the link: silence is soon over
    surface = module.Takebridge(live.instance, settings_file=str(settings), clock=lambda: next(seconds) / 100)
    try:
        surface.receive_midi((0x9F, 9, 100))
        deadline = time.monotonic() + PATIENCE
        while not any("The report is in" in line for line in live.instance.messages):
            assert time.monotonic() < deadline, live.instance.log
            surface.update_display()
            time.sleep(0.002)
    finally:
        surface.disconnect()
    path = Path(live.song.file_path).parent / "Samples" / "Takebridge" / "Takebridge self-test.txt"
    return path.read_text().splitlines()


@pytest.mark.parametrize("version", [(12, 4, 6), (12, 0, 5)])
def test_it_finds_nothing_wrong_and_leaves_the_set_as_it_was(
    version: tuple[int, int, int], server: ServerThread, surface_module: Any, tmp_path: Path
) -> None:
    folder = server.settings.roots[0]
    live = LiveSet(folder, folder / "band.wav", version=version, tempo=127.3)
    tracks = list(live.song.tracks)
    report = report_of(surface_module, live, server.settings.osc_port, tmp_path)
    assert report[0] == f"Takebridge self-test, Live {'.'.join(map(str, version))}, tempo 127.3"
    assert not [line for line in report if line.startswith("WRONG")]
    lanes = version >= (12, 2, 0)
    assert sum(line.startswith("OK") for line in report) == (9 if lanes else 5)
    assert any("take lanes" in line for line in report if line.startswith("SKIPPED")) is not lanes
    assert any("cuts it, nothing of it is left behind" in line for line in report)
    assert list(live.song.tracks) == tracks
    assert "all is well" in live.instance.messages[-1]


def test_it_says_what_is_wrong(
    server: ServerThread, surface_module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Live that leaves clips as it guessed them, and no server."""
    folder = server.settings.roots[0]
    live = LiveSet(folder, folder / "band.wav")
    monkeypatch.setattr(live_double.Clip, "_write", live_double.LiveObject._write)
    report = report_of(surface_module, live, free_port(), tmp_path)
    wrong = [line for line in report if line.startswith("WRONG")]
    assert any("a clip is as long as its file" in line for line in wrong)
    assert any("the server is not responding" in line for line in wrong)
    assert f"{len(wrong)} wrong" in live.instance.messages[-1]


def test_an_unsaved_set_is_refused(server: ServerThread, surface_module: Any, tmp_path: Path) -> None:
    folder = server.settings.roots[0]
    live = LiveSet(folder, folder / "band.wav")
    live.song._values["file_path"] = ""
    surface = surface_module.Takebridge(live.instance, settings_file=str(tmp_path / "none.json"))
    surface.perform("selftest", {}, None)
    surface.disconnect()
    assert "has not been saved" in live.instance.messages[-1]
