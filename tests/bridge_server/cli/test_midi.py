"""`takebridge midi`: maps that are checked, and pads that are learned."""

from __future__ import annotations

import mido
import mido.sockets

from daw_protocol.pad_map import read_pad_map
from tests.bridge_server.midi_peer import MAP, Lines, clocks, strike, surface
from tests.bridge_server.peers import (
    bridge_command,
    run_bridge,
)


def test_a_map_is_checked_on_the_command_line(tmp_path):
    good = tmp_path / "pads.txt"
    good.write_text(MAP, encoding="utf-8")
    found = run_bridge(tmp_path / "store", "midi", "check", str(good))
    assert (found.returncode, "6 controls are bound" in found.stdout) == (0, True)
    good.write_text("note 36 /bridge/repiant", encoding="utf-8")
    found = run_bridge(tmp_path / "store", "midi", "check", str(good))
    assert found.returncode == 1
    assert "In line 1 of pads.txt" in found.stderr
    assert "/bridge/repaint" in found.stderr


def test_learning_prints_lines_for_a_map(tmp_path):
    with Lines([*bridge_command(tmp_path / "store"), "midi", "learn", "--midi-in", "tcp:0"]) as learn:
        name = learn.until("Listening to tcp:").split()[3].rstrip(".")
        with surface(name) as port:
            strike(port, 36, channel=9)
            port.send(mido.Message("control_change", control=64, value=127))
            line = learn.until("/bridge/")
            assert line.split() == ["note", "36", "ch", "10", "/bridge/"]
            assert read_pad_map(line.strip() + "status")
            assert learn.until("/bridge/").split()[:2] == ["cc", "64"]
            clocks(port, 150, 72)
            assert "BPM, jitter" in learn.until("clock")
