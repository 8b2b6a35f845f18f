"""`takebridge demo`, as the README shows it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest
import soundfile

from tests.bridge_server.peers import PATIENCE, bridge_command, environment, http_get, websocket
from tests.places import DEMO_SONG

pytestmark = pytest.mark.slow


def test_the_demo_runs_and_leaves_what_it_promises(tmp_path):
    out = tmp_path / "out"
    command = [*bridge_command(tmp_path / "unused"), "demo", "--panel", "-o", str(out)]
    demo = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**environment(), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "ascii"},
    )
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    reported = "".join(lines)
    try:
        address = re.search(r"http://127\.0\.0\.1:(\d+)/", reported)
        assert address is not None, reported
        assert b"<title>Takebridge</title>" in http_get(address[0], Accept="text/html")[2]
        with websocket(int(address[1])) as panel:
            shared_context = panel.call("focus.show")
            assert (shared_context["song"]["title"], shared_context["key"]) == ("demo_song", "G major")
            assert shared_context["selection"]["start"] == shared_context["grid"]["bars"][5][1]
    finally:
        demo.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
        reported += demo.stdout.read()
        demo.stdout.close()
    assert demo.wait(PATIENCE) == 0
    names = {path.name for path in out.iterdir() if path.is_file()}
    assert names >= {
        f"demo_song.{take}{suffix}"
        for take in ("repaint.1", "repaint.2", "complete.1")
        for suffix in (".wav", ".song.wav", ".json", ".png")
    }
    assert any(name.startswith("demo_lead.accompany.1") and name.endswith(".wav") for name in names)
    stems = [name for name in names if name.startswith("demo_song.extract.1.") and name.endswith(".wav")]
    assert len(stems) >= 3
    for name in (
        "/bridge/repaint",
        "/bridge/complete",
        "/bridge/extract",
        "/bridge/accompany",
        "takebridge send",
    ):
        assert name in reported
    for name in sorted(name for name in names if name.endswith((".song.wav", ".png"))):
        assert name in reported, "what to listen to and look at is listed"
    source, rate = soundfile.read(DEMO_SONG)
    song, song_rate = soundfile.read(out / "demo_song.repaint.1.song.wav")
    assert (song.shape, song_rate) == (source.shape, rate)
    longer, _ = soundfile.read(out / "demo_song.complete.1.song.wav")
    assert len(longer) > len(source)
