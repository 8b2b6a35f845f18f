"""A real Ardour for the tests: a configuration, a screen and a session of its own, Lua by OSC, offline export.

Learned by trying (Ardour 7.3 of Debian 12); the traps are in the comments. Nothing is written outside its folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import ImageGrab

from tests.bridge_server.peers import datagram
from tests.examples.ardour_configuration import CONFIG, EXPORT_FORMAT, EXPORT_PRESET, registered
from tests.examples.ardour_files import LUA, SessionFiles
from tests.places import EXAMPLES

SCRIPTS = EXAMPLES / "ardour"
ACTIONS = (
    "repaint",
    "continue",
    "accompany",
    "extract",
    "next_take",
    "compare",
    "cancel",
    "settings",
    "selftest",
)
# Seconds that the scripts wait for a server before they call it gone: tests of that need not wait as long as producers.
HURRIED = {"local PATIENCE = 15\n": "local PATIENCE = 5\n", "local SILENCE = 4 ": "local SILENCE = 2 "}
PROGRAMS = ("ardour", "ardour7-lua", "Xvfb", "xdotool")
PATIENCE = 60.0  # seconds: what only a broken Ardour takes, also on a machine with other things to do

# Where things are in its window as it opens, in pixels.
RULER = 217  # the first sample of the timeline
FIRST_TRACK, TRACK_HEIGHT = 350, 68


def missing_programs() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name) is None]


class Ardour:
    """A running Ardour with one session, the example scripts installed in it as a musician would."""

    def __init__(self, folder: Path, rate: int, environment: Mapping[str, str]) -> None:
        self.folder = folder.resolve()
        self.rate = rate
        self.session = self.folder / "session"
        self._port = free_udp_port()
        self._command = self.folder / "command.lua"
        self._commands = 0
        self._socket: socket.socket | None = None
        self._screen: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {
            **os.environ,
            **environment,
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "ARDOUR_RIG_LUA": str(self._command),
            # AVX and FMA, not AVX512F: 7.3's routines for that damage the heap.
            "ARDOUR_FPU_FLAGS": "84",
            "LC_ALL": "C.UTF-8",
        }
        self.installed = self._configure()
        self.files = SessionFiles(self.folder, rate, self._environment)

    def _configure(self) -> Path:
        """Writes its configuration; returns where the example scripts are."""
        config = self.folder / "config" / "ardour7"
        (config / "export").mkdir(parents=True)
        (config / ".a7").touch()  # no wizard for new users
        (config / "config").write_text(CONFIG.format(osc_port=self._port, rate=self.rate))
        (config / "export" / "rig.format").write_text(EXPORT_FORMAT)
        (config / "export" / "rig.preset").write_text(EXPORT_PRESET)
        installed = shutil.copytree(SCRIPTS, config / "scripts")
        hurry(installed / "takebridge" / "waiting.lua")
        actions = [LUA / "run_file.lua", *(installed / f"takebridge_{name}.lua" for name in ACTIONS)]
        (config / "ui_scripts").write_text(registered(actions, installed / "takebridge_hook.lua"))
        return installed

    # -- the program itself --

    def start(self) -> None:
        """Starts a screen and Ardour on it; returns when it answers and the hook runs."""
        hook = self.folder / "config" / "ardour7" / "takebridge-hook"
        hook.unlink(missing_ok=True)  # of a start before this one
        # One for all messages: Ardour keeps a control surface for every port that ever sent it a message.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        reading, writing = os.pipe()
        # -noreset: or else it throws out who is just connecting when its last program leaves, such as an xdotool.
        self._screen = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-noreset", "-screen", "0", "1440x810x24", "-nolisten", "tcp"],
            pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(writing)
        with open(reading) as pipe:  # up to its line's end: Xvfb dies when the pipe is closed before
            self._environment["DISPLAY"] = ":" + pipe.readline().strip()
        with open(self.folder / "ardour.log", "wb") as log:
            self._process = subprocess.Popen(
                ["ardour", "--no-splash", "--no-announcements", "--disable-plugins", str(self.session)],
                env=self._environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.wait_for(self._answers, "Ardour to start")
        self.wait_for(hook.exists, "the hook")

    def stop(self) -> None:
        """SIGTERM. Ardour saves nothing then: `save` first."""
        for process in (self._process, self._screen):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """`stop`, for good."""
        self.stop()
        self.files.close()

    def _answers(self) -> bool:
        return self._ask("say (Session:name ())", patience=1) == [["session"]]

    def wait_for(self, happened: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
        """What the function gives once that is something. Raises TimeoutError, with a picture of the screen kept."""
        end = time.monotonic() + patience
        while not (found := happened()):
            self._assert_alive()
            if time.monotonic() > end:
                raise TimeoutError(f"no sign of {what}; {self._state()}")
            time.sleep(0.05)
        return found

    def run(self, name: str) -> None:
        """One of our scripts, as its key would."""
        self.trigger(f"LuaAction/script-{ACTIONS.index(name) + 2}")

    def trigger(self, action: str) -> None:
        """One of Ardour's own actions, as its menu entry would."""
        self._send("/access_action", action)

    def _send(self, address: str, *arguments: object) -> None:
        assert self._socket is not None
        self._socket.sendto(datagram(address, *arguments), ("127.0.0.1", self._port))

    def undo(self) -> None:
        self.trigger("Editor/undo")
        self.lua("say ()")  # answered after it

    def redo(self) -> None:
        self.trigger("Editor/redo")
        self.lua("say ()")

    def lua(self, code: str) -> list[list[str]]:
        """What the code said by `say (...)`, run inside Ardour."""
        rows = self._ask(code, PATIENCE)
        if rows is None:
            raise TimeoutError(f"no answer to {code[:80]!r}; {self._state()}")
        return rows

    def _ask(self, code: str, patience: float) -> list[list[str]] | None:
        """As `lua`; None when it is not answered in time."""
        self._commands += 1
        answer = self._command.with_name(f"{self._command.name}.{self._commands}")
        written = self._command.with_suffix(".new")
        written.write_text(f"-- {self._commands}\nlocal say = ...\n{code}")
        written.replace(self._command)
        self.trigger("LuaAction/script-1")
        end = time.monotonic() + patience
        while not answer.exists():
            self._assert_alive()
            if time.monotonic() > end:
                self._command.unlink(missing_ok=True)  # it must not be done later, unasked
                return None
            time.sleep(0.01)
        *rows, (state, *problem) = [line.split("\t") for line in answer.read_text().splitlines()]
        answer.unlink()
        assert state == "OK", "\n".join(problem)
        return rows

    def _assert_alive(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, (
            f"Ardour ended with {self._process.returncode}: {self._last_words()}"
        )

    def _last_words(self) -> str:
        """Of Ardour and of our scripts."""
        log = (self.folder / "ardour.log").read_text(errors="replace")
        return f"{log[-2000:]}\n{self.shown()[-2000:]}"

    def _state(self) -> str:
        """What a program that does not answer looks like; keeps a picture of the screen."""
        with contextlib.suppress(OSError):  # the screen itself may be gone
            self.picture(self.folder / "screen.png")
        windows = self._xdotool("search", "--onlyvisible", "--name", ".")
        return f"windows: {windows!r}, see {self.folder / 'screen.png'}\n{self._last_words()}"

    def save(self) -> None:
        self.lua('Session:save_state ("", false, false, false, false, false)')

    def place(self, file: Path, track: str, position: int) -> None:
        """Imports a file and puts it on a track, without Ardour's own short fades."""
        self.lua(f"""
local files, known, region = C.StringVector (), {{}}, nil
files:push_back ("{file}")
for id in ARDOUR.RegionFactory.regions ():iter () do known[id:to_s ()] = true end
Editor:do_import (files, Editing.ImportDistinctFiles, Editing.ImportAsRegion, ARDOUR.SrcQuality.SrcBest,
  ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore, Temporal.timepos_t (0),
  ARDOUR.PluginInfo (), ARDOUR.Track (), false)
for id, r in ARDOUR.RegionFactory.regions ():iter () do if not known[id:to_s ()] then region = r end end
local playlist = Session:route_by_name ("{track}"):to_track ():playlist ()
playlist:add_region (region, Temporal.timepos_t ({position}), 1, false, 0, 0, false)
for r in playlist:region_list ():iter () do
  r:to_audioregion ():set_fade_in_active (false)
  r:to_audioregion ():set_fade_out_active (false)
end""")

    def select(self, track: str, start: int, end: int) -> None:
        """What dragging with the range tool over one track does."""
        self.select_track(track)
        # There is no way for a script to select a range; Ardour's own "loop range to selection" is one for a test.
        self._send("/loop_location", start, end)
        loop = (
            "local loop = Session:locations ():auto_loop_location () "
            "if loop then say (loop:start ():samples (), loop:_end ():samples ()) end"
        )
        self.wait_for(lambda: self.lua(loop) == [[str(start), str(end)]], "the loop")
        self.trigger("Editor/select-loop-range")
        self.wait_for(lambda: self.selection() == (start, end), "the selection")

    def draw_ranges(self, tracks: int, *ranges: tuple[int, int]) -> list[tuple[int, int]]:
        """What dragging with the range tool does, with Ctrl from the second range on, over the uppermost tracks.

        ranges: in pixels of the window as it opens. Returns the samples under them, the last one not included.
        """
        # A drag that begins at the end of a range would move that end.
        self.lua("Editor:get_selection ():clear_all () Editor:set_mouse_mode (Editing.MouseRange, true)")
        lowest = FIRST_TRACK + (tracks - 1) * TRACK_HEIGHT
        for number, (left, right) in enumerate(ranges):
            self._drag((left, FIRST_TRACK), (right, lowest), ["ctrl"] if number else [])
            assert self._ranges() == number + 1
        pixel = int(float(self.lua("say (Editor:get_current_zoom ())")[0][0]))
        return [((left - RULER) * pixel, (right - RULER) * pixel) for left, right in ranges]

    def _ranges(self) -> int:
        return int(self.lua("say (Editor:get_selection ().time:size ())")[0][0])

    def _drag(self, start: tuple[int, int], end: tuple[int, int], keys: Sequence[str]) -> None:
        """Presses, moves and lets go, each when Ardour has seen what came before."""
        steps = [("keydown", key) for key in keys]
        steps += [("mousemove", str(start[0]), str(start[1])), ("mousedown", "1")]
        for part in (1, 2, 3):
            x, y = (one + (other - one) * part // 3 for one, other in zip(start, end, strict=True))
            steps.append(("mousemove", str(x), str(y)))
        steps += [("mouseup", "1"), *(("keyup", key) for key in keys)]
        for step in steps:
            self._xdotool(*step)
            self.lua("say ()")

    def select_regions(self, track: str, *names: str) -> None:
        """What clicking on regions with the grab tool does, in the playlist that the track plays."""
        wanted = ", ".join(f'["{name}"] = true' for name in names)
        self.lua(f"""
local wanted, views = {{ {wanted} }}, ArdourUI.SelectionList ()
Editor:get_selection ():clear_all ()
for region in Session:route_by_name ("{track}"):to_track ():playlist ():region_list ():iter () do
  if wanted[region:name ()] then views:push_back (Editor:regionview_from_region (region)) end
end
Editor:set_selection (views, ArdourUI.SelectionOp.Set)""")

    def selection(self) -> tuple[int, int]:
        rows = self.lua("local t = Editor:get_selection ().time say (t:start_sample (), t:end_sample ())")
        return int(rows[0][0]), int(rows[0][1])

    def select_track(self, track: str) -> None:
        """By Ardour's action for the next one: 7.3 hangs when Lua selects a track."""
        which = "for r in Editor:get_selection ().tracks:routelist ():iter () do say (r:name ()) end"

        def selected() -> bool:
            if self.lua(which) == [[track]]:
                return True
            self.trigger("Editor/select-next-route")
            return False

        self.wait_for(selected, f"track {track}")

    def record(self, track: str, position: int) -> None:
        """Locates, and rolls while the track records; returns when it does."""
        self.lua(f"""
Session:request_locate ({position}, false, ARDOUR.LocateTransportDisposition.MustStop,
  ARDOUR.TransportRequestSource.TRS_UI)
local track = Session:route_by_name ("{track}"):to_track ()
track:rec_enable_control ():set_value (1, PBD.GroupControlDisposition.NoGroup)""")
        self.wait_for(
            lambda: self.lua("say (Session:transport_sample ())") == [[str(position)]], "the position"
        )
        self.lua("""
Session:reset_xrun_count ()
Session:maybe_enable_record (false)
Session:request_roll (ARDOUR.TransportRequestSource.TRS_UI)""")
        self.wait_for(lambda: self.lua("say (Session:actively_recording ())") == [["true"]], "the recording")

    def stop_recording(self, track: str) -> NDArray[np.float32]:
        """Stops; what the only track that records has recorded: (frames, channels)."""
        folder = self.session / "interchange" / "session" / "audiofiles"
        self.lua("Session:request_stop (false, false, ARDOUR.TransportRequestSource.TRS_UI)")
        self.wait_for(lambda: self.lua("say (Session:transport_rolling ())") == [["false"]], "the end")
        length = f"""
for region in Session:route_by_name ("{track}"):to_track ():playlist ():region_list ():iter () do
  say (region:length ():samples ())
end"""
        ((frames,),) = self.wait_for(lambda: self.lua(length), "the recording")

        def written() -> list[NDArray[np.float32]] | None:
            found = [soundfile.read(file, dtype="float32")[0] for file in sorted(folder.glob("Take*"))]
            return found if all(len(one) >= int(frames) for one in found) else None

        channels = self.wait_for(written, "the recording's files")
        self.lua("Session:disable_record (false, false)")
        return np.stack([one[: int(frames)] for one in channels], 1)

    def playlist(self, track: str) -> str:
        """The name of the playlist a track plays."""
        return self.lua(f'say (Session:route_by_name ("{track}"):to_track ():playlist ():name ())')[0][0]

    def tracks(self) -> list[str]:
        return [row[0] for row in self.lua("for r in Session:get_tracks ():iter () do say (r:name ()) end")]

    def markers(self) -> list[str]:
        """Names of the markers our scripts show."""
        names = self.lua("for l in Session:locations ():list ():iter () do say (l:name ()) end")
        return [row[0] for row in names if row and "(Takebridge " in row[0]]

    # -- what the producer sees --

    def shown(self) -> str:
        """Everything our scripts have shown so far."""
        log = self.session / "takebridge.log"
        return log.read_text() if log.exists() else ""

    def window(self) -> str:
        """The X id of our message window, "" when there is none."""
        return self._xdotool("search", "--onlyvisible", "--name", "^Takebridge").split("\n")[0]

    def close_window(self) -> None:
        """Waits for our window and closes it by its key."""
        self._press("Escape")

    def confirm_window(self) -> None:
        """Waits for our window and presses its OK."""
        self._press("alt+o")

    def _press(self, key: str) -> None:
        window = self.wait_for(self.window, "a window")
        self._xdotool("key", "--window", window, key)
        self.wait_for(lambda: not self.window(), "the end of the window", PATIENCE / 3)

    def picture(self, file: Path) -> None:
        """The whole screen as PNG. Raises OSError when it cannot be read."""
        ImageGrab.grab(xdisplay=self._environment["DISPLAY"]).save(file)

    def _xdotool(self, *words: str) -> str:
        run = subprocess.run(
            ["xdotool", *words], env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            check=False,
        )  # fmt: skip
        return run.stdout.strip()


def hurry(script: Path) -> None:
    """Shortens what a script waits for."""
    text = script.read_text()
    for usual, shorter in HURRIED.items():
        assert text.count(usual) == 1, usual
        text = text.replace(usual, shorter)
    script.write_text(text)


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
