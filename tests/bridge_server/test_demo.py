"""`ace-bridge demo`, as the README shows it."""

from __future__ import annotations

import pytest
import soundfile

from tests.bridge_server import peers
from tests.bridge_server.peers import PROJECT, run_bridge

pytestmark = pytest.mark.slow


def test_the_demo_runs_and_leaves_what_it_promises(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "PATIENCE", 240.0)
    done = run_bridge(tmp_path / "unused", "demo", "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    names = {path.name for path in out.iterdir() if path.is_file()}
    assert names >= {
        f"demo_song.{take}{suffix}"
        for take in ("repaint.1", "repaint.2", "complete.1")
        for suffix in (".wav", ".song.wav", ".json", ".png")
    }
    assert any(name.startswith("demo_lead.accompany.1") and name.endswith(".wav") for name in names)
    stems = [name for name in names if name.startswith("demo_song.extract.1.") and name.endswith(".wav")]
    assert len(stems) >= 3
    for name in ("/bridge/repaint", "/bridge/complete", "/bridge/extract", "/bridge/accompany", "oscsend"):
        assert name in done.stdout
    for name in sorted(name for name in names if name.endswith((".song.wav", ".png"))):
        assert name in done.stdout, "what to listen to and look at is listed"
    source, rate = soundfile.read(PROJECT / "examples" / "demo_song" / "demo_song.flac")
    song, song_rate = soundfile.read(out / "demo_song.repaint.1.song.wav")
    assert (song.shape, song_rate) == (source.shape, rate)
    longer, _ = soundfile.read(out / "demo_song.complete.1.song.wav")
    assert len(longer) > len(source)
