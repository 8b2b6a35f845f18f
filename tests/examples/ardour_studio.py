"""A running Ardour and a running server with the demo song between them, and what a producer does there."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tests.bridge_server.peers import ServerProcess, websocket
from tests.examples.ardour_files import Placed
from tests.examples.ardour_rig import PATIENCE, Ardour
from tests.places import DEMO_SONG

TEMPOS = "0:104,36:112,64:112r,72:84"  # the demo song's, and a ramp from bar 17 on
METERS = "0:4/4,72:3/4,75:7/8"


@dataclass
class Studio:
    """A running Ardour, a running server, and the song that lies on track "Song" from sample 0 on."""

    ardour: Ardour
    server: ServerProcess
    song: NDArray[np.float32]
    rate: int

    def samples(self, seconds: float) -> int:
        return round(seconds * self.rate)

    def set_up(self, **settings: Any) -> None:
        """What the Settings script keeps, and the song as it was."""
        notes = self.notes()
        notes["settings"] = settings
        (self.ardour.session / "takebridge.json").write_text(json.dumps(notes))
        self.ardour.lua(
            'local track = Session:route_by_name ("Song"):to_track ()'
            'track:use_playlist (ARDOUR.DataType.audio (), Session:playlists ():by_name ("Song"), true)'
        )

    def notes(self) -> dict[str, Any]:
        """What our scripts remember of the session."""
        file = self.ardour.session / "takebridge.json"
        found = json.loads(file.read_text()) if file.exists() else {}
        return {"jobs": {}, "takes": [], "settings": {}, **found}

    def ask(self, task: str, track: str, start: int, end: int, **settings: Any) -> None:
        """Selects, and presses the key."""
        self.set_up(**settings)
        self.ardour.select(track, start, end)
        self.ardour.run(task)

    def takes(self, task: str, track: str, start: int, end: int, **settings: Any) -> list[dict[str, Any]]:
        """Asks and waits; what our scripts remember of the takes that were placed."""
        return self.placed_by(lambda: self.ask(task, track, start, end, **settings))

    def placed_by(self, asking: Callable[[], None]) -> list[dict[str, Any]]:
        """What our scripts remember of the takes that come of it."""
        before = len(self.notes()["takes"])
        asking()
        self.wait_for_takes(before)
        return list(self.notes()["takes"][before:])

    def request(self, name: str) -> dict[str, Any]:
        """A request of this session, as the server has it; waits until it has it."""

        def found() -> Any:
            (job,) = self.asked_server("jobs.list", limit=1)["jobs"]
            return job["request"] if job["id"] == name else None

        return dict(self.ardour.wait_for(found, f"the request {name}"))

    def cancel(self) -> str:
        """Cancels the only request there is; returns its name."""
        (name,) = self.notes()["jobs"]
        self.request(name)  # one that is cancelled before the server has read it never becomes a job
        self.ardour.run("cancel")
        self.ardour.wait_for(lambda: not self.notes()["jobs"], "the end of the request")
        return str(name)

    def track(self, take: dict[str, Any]) -> str:
        """The name of the track a take was placed on."""
        return self.ardour.lua(f'say (Session:route_by_id (PBD.ID ("{take["track"]}")):name ())')[0][0]

    def wait_for_takes(self, before: int) -> None:
        def come() -> bool:
            assert not self.ardour.window(), self.ardour.shown()
            return len(self.notes()["takes"]) > before

        self.ardour.wait_for(come, "takes", 2 * PATIENCE)
        assert self.ardour.markers() == []

    def clip(self, take: str) -> NDArray[np.float32]:
        """A take's clip as the server has it."""
        with websocket(self.server.address["websocket_port"]) as peer:
            samples, rate = soundfile.read(io.BytesIO(peer.fetch(take)), dtype="float32", always_2d=True)
        assert rate == self.rate
        return np.asarray(samples)

    def asked_server(self, method: str, **params: Any) -> dict[str, Any]:
        with websocket(self.server.address["websocket_port"]) as peer:
            return dict(peer.call(method, **params))

    def region(self, take: dict[str, Any]) -> Placed:
        """A take's region in the saved session."""
        self.ardour.save()
        name = self.ardour.lua(f'say (Session:playlists ():by_id (PBD.ID ("{take["playlist"]}")):name ())')[
            0
        ][0]
        (found,) = [
            entry
            for entry in self.ardour.files.placed(name)
            if entry.name != "song.1" and "song" not in entry.name
        ]
        return found

    def shown_by(self, action: Callable[[], None]) -> str:
        """What the window says that an action opens; closes it."""
        before = len(self.ardour.shown())
        action()
        self.ardour.wait_for(self.ardour.window, "a message")
        self.ardour.close_window()
        return self.ardour.shown()[before:]


@contextmanager
def running_studio(folder: Path, rate: int) -> Iterator[Studio]:
    """Both started side by side, each taking seconds; ended afterwards. folder: for everything they write."""
    files = {name: demo(folder, name, rate) for name in ("demo_song", "demo_lead")}
    server = ServerProcess(folder / "store", folder)
    ardour = Ardour(folder / "ardour", rate, {"TAKEBRIDGE_STORE": str(server.store)})
    starting = threading.Thread(target=server.start)
    starting.start()
    try:
        ardour.files.create(("Song", "Voice", "Tape"), TEMPOS, METERS)
        ardour.start()
        ardour.place(files["demo_song"], "Song", 0)
        ardour.place(files["demo_lead"], "Voice", 0)
        ardour.save()
        starting.join()
        song, _ = soundfile.read(files["demo_song"], dtype="float32", always_2d=True)
        yield Studio(ardour, server, song, rate)
    finally:
        ardour.close()
        starting.join()
        server.kill()


def demo(folder: Path, name: str, rate: int) -> Path:
    """A file of the demo song at a rate, in 32 bit float."""
    samples, made_at = soundfile.read(DEMO_SONG.parent / f"{name}.flac", dtype="float32", always_2d=True)
    path = folder / f"{name.removeprefix('demo_')}.wav"
    soundfile.write(path, soxr.resample(samples, made_at, rate), rate, subtype="FLOAT")
    return path
