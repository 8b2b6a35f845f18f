"""Engines that other packages bring: a real installed one renders behind a real server; broken ones harm nobody."""

from __future__ import annotations

import json

import pytest
import soundfile

from bridge_server.cli.serve_settings import serve_settings
from bridge_server.platforms import models_folder
from tests.bridge_server.cli.test_serve_settings import serve_arguments
from tests.bridge_server.engines.test_registry import bring
from tests.bridge_server.peers import ServerProcess, noise_song, run_bridge, websocket

ENGINE = '''
"""An engine of another package: a repaint is the same bars backwards."""

from model.engine import Capability, EngineDescription, Piece, Report, Task


class Reverse:
    def describe(self):
        return EngineDescription("reverse", "Reverse", False, (Capability(Task.REPAINT, True),))

    def load(self, progress):
        pass

    def unload(self):
        pass

    def render(self, request, progress, should_stop):
        region = request.song.samples[request.start : request.end]
        yield Piece("mix", request.start, region[::-1].copy())
        yield Report("It was played backwards.")
'''


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder of installed packages: one that works, one with a taken name, one whose code cannot be loaded."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "backwards.py").write_text(ENGINE)
    bring(folder, "backwards", "[takebridge.engines]\nreverse = backwards:Reverse\n")
    bring(folder, "greedy", "[takebridge.engines]\nsketch = greedy:Engine\n")
    (folder / "broken.py").write_text("raise RuntimeError('compiled for another Python')\n")
    bring(folder, "broken", "[takebridge.engines]\nbroken = broken:Engine\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(folder)
    return folder


def test_an_engine_of_another_package_renders(packages, tmp_path):
    song = noise_song(tmp_path / "song.wav")
    server = ServerProcess(tmp_path / "store", tmp_path).start()
    try:
        with websocket(server.address["websocket_port"]) as ws:
            about = ws.call("engines")["engines"]
            assert {name: entry["can"] for name, entry in about.items() if name in ("reverse", "broken")} == {
                "reverse": ["repaint"],
                "broken": [],
            }
            assert "compiled for another Python" in about["broken"]["cannot"]["repaint"]
            assert "repaint" in about["sketch"]["can"]
            *_, take, done = ws.render("repaint", source="song.wav", start=0, end=4800, engine="reverse")
            assert done.name == "done", done
            made, _ = soundfile.read(take["path"], dtype="float32")
            was, _ = soundfile.read(song, dtype="float32")
            middle = slice(2000, 2800)  # beyond the crossfades at both ends
            assert abs(made[middle] - was[:4800][::-1][middle]).max() < 1e-4
    finally:
        server.stop()


def test_doctor_lists_engines_that_are_not_used_or_do_not_work(packages, tmp_path):
    found = json.loads(run_bridge(tmp_path / "store", "doctor", "--json").stdout)
    reported = {entry["what"]: entry for entry in found}
    assert reported["engine reverse"]["verdict"] == "good"
    assert reported["engine broken"]["verdict"] == "optional"
    assert "compiled for another Python" in reported["engine broken"]["found"]
    assert reported["engine of another package"]["found"].startswith("greedy: ")
    assert "sketch" in reported["engine of another package"]["found"]


def test_the_server_logs_what_it_does_not_use(packages, tmp_path, caplog):
    settings = serve_settings(serve_arguments(models_folder()))
    assert {"reverse", "broken", "sketch"} <= set(settings.engines)
    assert any("greedy" in record.message for record in caplog.records)
