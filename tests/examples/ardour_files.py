"""Ardour without a screen: makes sessions, exports ranges of saved ones, and reads what lies in a session file."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.examples.ardour_configuration import OSC_SURFACE, PRESET

LUA = Path(__file__).with_name("ardour_lua")
PATIENCE = 120.0  # seconds: what only a broken Ardour takes, also on a machine with other things to do
SUPERCLOCK = 282_240_000  # ticks a second, in which session files count


@dataclass(frozen=True)
class Placed:
    """A region of a saved session; positions in samples. playing: whether its playlist is the one its track plays."""

    playlist: str
    playing: bool
    name: str
    position: int
    length: int
    start: int
    fades: tuple[bool, bool]


class SessionFiles:
    """One session's files, as an Ardour sees them that has nothing else."""

    def __init__(self, folder: Path, rate: int, environment: Mapping[str, str]) -> None:
        """folder: for the session and for copies of it; environment: of a configured Ardour."""
        self.folder = folder
        self.rate = rate
        self.session = folder / "session"
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None

    def create(self, tracks: Sequence[str], tempos: str, meters: str) -> None:
        """A new session. tempos, meters: as tests/examples/ardour_lua/create_session.lua reads them."""
        self._run("create_session.lua", self.session, "session", self.rate, ",".join(tracks), tempos, meters)
        file = self.session / "session.ardour"
        text, count = re.subn(
            r'<Protocol name="Open Sound Control \(OSC\)"[^>]*/>', OSC_SURFACE, file.read_text()
        )
        assert count == 1
        file.write_text(text)

    def export(self, tracks: Sequence[str], start: int, end: int) -> NDArray[np.float32]:
        """What some tracks of the *saved* session sound like together: (frames, channels)."""
        copy = self.folder / f"copy-{time.monotonic_ns()}"
        shutil.copytree(self.session, copy)
        mute_all_but(tracks, copy / "session.ardour")
        self._run("export_range.lua", copy, "session", start, end, copy / "export", "mix", PRESET)
        samples, rate = soundfile.read(copy / "export" / "mix.wav", dtype="float32", always_2d=True)
        assert rate == self.rate
        shutil.rmtree(copy)
        return np.asarray(samples)

    def placed(self, playlist: str = "") -> list[Placed]:
        """Regions of the saved session, on playlists whose names begin so."""
        root = ET.parse(self.session / "session.ardour").getroot()
        return [
            self._placed(entry, region, playing)
            for kind, playing in (("Playlists", True), ("UnusedPlaylists", False))
            for entry in root.iterfind(f"{kind}/Playlist")
            for region in entry.iterfind("Region")
            if entry.get("name", "").startswith(playlist)
        ]

    def _placed(self, playlist: ET.Element, region: ET.Element, playing: bool) -> Placed:
        length, position = region.get("length", "").split("@")
        return Placed(
            playlist.get("name", ""),
            playing,
            region.get("name", ""),
            self._samples(position),
            self._samples(length),
            self._samples(region.get("start", "")),
            (region.get("fade-in-active") == "1", region.get("fade-out-active") == "1"),
        )

    def _samples(self, text: str) -> int:
        """A position of a session file: "a" and superclock ticks ("b" would be musical time)."""
        assert text.startswith("a"), text
        samples, rest = divmod(int(text[1:]) * self.rate, SUPERCLOCK)
        assert rest == 0, f"{text} is not on a sample"
        return samples

    def _run(self, script: str, *words: object) -> None:
        """One script of ardour_lua, in a process that waits for the next."""
        if self._process is None:
            self._process = subprocess.Popen(
                ["ardour7-lua", str(LUA / "commands.lua")],
                env=self._environment, cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\t".join(map(str, (LUA / script, *words))) + "\n")
        self._process.stdin.flush()
        said: list[str] = []
        watch = threading.Timer(PATIENCE, self._process.kill)
        watch.start()
        try:
            for line in self._process.stdout:
                if line.startswith("=== "):
                    assert line == "=== OK\n", f"{script}: {line}{''.join(said)[-2000:]}"
                    return
                said.append(line)
        finally:
            watch.cancel()
        raise AssertionError(f"{script}: {self._process.wait()}\n{''.join(said)[-2000:]}")

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def mute_all_but(tracks: Sequence[str], file: Path) -> None:
    """In the file: a mute that is set in a running session fades in some time after."""
    tree = ET.parse(file)
    routes = tree.findall("Routes/Route[@audio-playlist]")
    assert set(tracks) <= {route.get("name") for route in routes}
    for route in routes:
        muted = "0" if route.get("name") in tracks else "1"
        for control in route.iterfind("Controllable[@name='mute']"):
            control.set("value", muted)
        for master in route.iterfind("MuteMaster"):
            master.set("muted", muted)
    tree.write(file, encoding="UTF-8", xml_declaration=True)
