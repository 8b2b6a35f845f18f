"""What a training has to hear and to look at, and what lies beside it, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge_server.training.preview_folder import PreviewFolder
from tests.bridge_server.peers import ServerThread
from tests.bridge_server.servers import settings_in


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    with ServerThread(settings_in(tmp_path_factory.mktemp("server"))) as running:
        yield running


@pytest.fixture(scope="module")
def run(server: ServerThread) -> Path:
    """A training that was stopped after one preview."""
    folder = server.settings.store / "training" / "sound"
    PreviewFolder(folder).keep("250", np.full((4800, 2), 0.25), 48_000)
    (folder / "loss.png").write_bytes(b"\x89PNG")
    (folder / "wish.json").write_text("{}")
    return folder


def test_previews_and_the_picture_are_sent(server: ServerThread, run: Path, tmp_path: Path) -> None:
    status, headers, body = server.get("/trainings/sound/previews/250.wav")
    assert (status, headers["Content-Type"]) == (200, "audio/wav")
    (tmp_path / "heard.wav").write_bytes(body)
    samples, rate = soundfile.read(tmp_path / "heard.wav")
    assert (rate, samples.shape) == (48_000, (4800, 2))
    assert np.allclose(samples, 0.25)
    status, _, part = server.get("/trainings/sound/previews/250.wav", Range="bytes=0-3")
    assert (status, part) == (206, b"RIFF")
    assert server.get("/trainings/sound/loss.png")[2] == b"\x89PNG"


@pytest.mark.parametrize(
    "path",
    [
        "sound/previews/500.wav", "sound/wish.json", "other/loss.png", "../training/sound/loss.png",
        "sound/previews/..%2F..%2Fsound%2Floss.png.wav", "%2e%2e/loss.png", "sound/previews/a%00b.wav",
    ],
)  # fmt: skip
def test_nothing_else_is(server: ServerThread, run: Path, path: str) -> None:
    assert server.get(f"/trainings/{path}")[0] == 404


def test_no_link_leads_out(server: ServerThread, run: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(b"RIFF")
    try:
        (run / "previews" / "linked.wav").symlink_to(tmp_path / "secret.wav")
    except OSError:
        pytest.skip("links need rights here")
    assert server.get("/trainings/sound/previews/linked.wav")[0] == 404
