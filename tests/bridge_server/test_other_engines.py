"""Engines that other packages bring: a real installed one renders behind a real server; broken ones harm nobody."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import soundfile

from bridge_server.cli.serve_settings import serve_settings
from bridge_server.platforms import models_folder
from tests.bridge_server.cli.test_serve_settings import serve_arguments
from tests.bridge_server.engines.test_registry import bring
from tests.bridge_server.peers import PATIENCE, ServerProcess, noise_song, websocket
from tests.bridge_server.typed import typed

ENGINE = '''
"""An engine of another package: a repaint is the same bars backwards."""

from dataclasses import dataclass

from model.engine import Capability, EngineDescription, Piece, Report, Task


@dataclass(frozen=True)
class Config:
    gain: float = 1.0
    copies: int = 1


class Reverse:
    config_type = Config

    def __init__(self, config):
        self.config = config

    def describe(self):
        return EngineDescription("reverse", "Reverse", False, (Capability(Task.REPAINT, True),))

    def load(self, progress):
        pass

    def unload(self):
        pass

    def render(self, request, progress, should_stop):
        region = request.song.samples[request.start : request.end]
        yield Piece("mix", request.start, region[::-1] * self.config.gain)
        yield Report("It was played backwards.")
'''


def wheel_of(folder: Path, name: str, code: str, entry_points: str) -> Path:
    """A wheel with one module, as `pip wheel` would build it."""
    files = {
        f"{name}.py": code,
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{name}-1.0.dist-info/entry_points.txt": entry_points,
    }
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for entry, text in files.items():
            wheel.writestr(entry, text)
        record = f"{name}-1.0.dist-info/RECORD"
        wheel.writestr(record, "".join(f"{entry},,\n" for entry in (*files, record)))
    return path


def install(wheel: Path, folder: Path) -> None:
    """Into a folder of the test's own: the environment the tests run in stays as it is."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-input"]
    subprocess.run(
        [*command, "--disable-pip-version-check", "--target", str(folder), str(wheel)],
        check=True,
        timeout=PATIENCE,
    )


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory):
    """Where packages are installed: one that works, one with a taken name, one whose code cannot be loaded."""
    pytest.importorskip("pip", reason="installs a package, as its users would")
    folder = tmp_path_factory.mktemp("site-packages")
    entry_points = "[takebridge.engines]\nreverse = backwards:Reverse\n"
    install(wheel_of(tmp_path_factory.mktemp("wheels"), "backwards", ENGINE, entry_points), folder)
    bring(folder, "greedy", "[takebridge.engines]\nsketch = greedy:Engine\n")
    (folder / "broken.py").write_text("raise RuntimeError('compiled for another Python')\n")
    bring(folder, "broken", "[takebridge.engines]\nbroken = broken:Engine\n")
    return folder


@pytest.fixture
def packages(site_packages, monkeypatch):
    """The packages, for this process and those it starts."""
    folder = site_packages
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(folder)
    return folder


def test_an_engine_of_another_package_renders(packages, tmp_path):
    """Two takes in two places, with a start option of its own."""
    song = noise_song(tmp_path / "song.wav")
    words = ("--engine-option", "reverse.gain=0.5", "--places", "2")
    server = ServerProcess(tmp_path / "store", tmp_path, words=words).start()
    try:
        with websocket(server.address["websocket_port"]) as ws:
            about = ws.call("engines")["engines"]
            assert {name: entry["can"] for name, entry in about.items() if name in ("reverse", "broken")} == {
                "reverse": ["repaint"],
                "broken": [],
            }
            assert "compiled for another Python" in about["broken"]["cannot"]["repaint"]
            assert "repaint" in about["sketch"]["can"]
            *_, take, done = ws.render(
                "repaint",
                source="song.wav",
                start=0,
                end=4800,
                engine="reverse",
                takes=2,
                match_loudness=False,
            )
            assert done.name == "done", done
            assert (take["number"], done["takes"]) == (2, 2)
            made, _ = soundfile.read(take["path"], dtype="float32")
            was, _ = soundfile.read(song, dtype="float32")
            middle = slice(2000, 2800)  # beyond the crossfades at both ends
            assert abs(made[middle] - 0.5 * was[:4800][::-1][middle]).max() < 1e-4
    finally:
        server.stop()


def test_a_start_option_it_does_not_have_is_refused_at_the_start(packages, tmp_path):
    done = typed(tmp_path / "store", "serve", "--port", "0", "--engine-option", "reverse.speed=2")
    assert done.returncode == 1
    assert "The engine has no start option called 'speed'" in done.stderr
    assert "gain, copies" in done.stderr
    done = typed(tmp_path / "store", "serve", "--port", "0", "--engine-option", "reverse.gain=loud")
    assert "gain must be a number, got 'loud'" in done.stderr


def test_doctor_lists_engines_that_are_not_used_or_do_not_work(packages, tmp_path):
    found = json.loads(typed(tmp_path / "store", "doctor", "--json").stdout)
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
