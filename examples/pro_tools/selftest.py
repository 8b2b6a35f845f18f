"""Whether this Pro Tools does what the other commands rely on: known sound imported, spotted, bounced and compared.

It makes two tracks in the open session, so it asks for one without tracks. Each check is a line of a report to paste.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import soundfile

from .bounce import bounce_track, timeline_selection
from .clip_rows import clips_on
from .link import Link
from .placing import misplaced, new_file, place, session_text
from .problem import Problem
from .session import Range, Session, check_stopped, open_session

POSITION, FRAMES = 12_345, 24_001  # on no beat, no frame and no even number
SPAN = Range(10_000, 40_000)
NAMES = {1: "Takebridge self-test mono", 2: "Takebridge self-test stereo"}
REPORT = "Takebridge self-test.txt"

Samples = np.ndarray[tuple[int, int], np.dtype[np.float64]]


@dataclass
class Report:
    """Lines, OK or WRONG."""

    lines: list[str] = field(default_factory=list)

    def truth(self, what: str, holds: bool, found: object) -> None:
        self.lines.append(f"OK      {what}" if holds else f"WRONG   {what}: {found}")

    def check(self, what: str, action: Callable[[], None]) -> None:
        """Runs a check; a problem in it is a line, and the next check runs all the same."""
        try:
            action()
        except Problem as problem:
            self.lines.append(f"WRONG   {what}: {problem}")

    @property
    def passed(self) -> bool:
        return not any(line.startswith("WRONG") for line in self.lines)


def ramp(channels: int) -> Samples:
    """Sound whose every sample is different, in steps of 16 bits: 24 and 16 bit sessions hold it exactly."""
    steps = np.arange(FRAMES) - FRAMES // 2
    return np.stack([steps * (1 - 2 * channel) for channel in range(channels)], axis=1) / 32768


def run(link: Link, say: Callable[[str], None]) -> int:
    """Writes the report next to the session and prints it; 0 if everything is as it should be. Raises Problem."""
    session = open_session(link)
    if any(track.type == link.protocol.TT_Audio for track in link.tracks()):
        raise Problem(
            "The self-test makes tracks.", "Make a new session without audio tracks, and run it there."
        )
    check_stopped(link)
    report = Report()
    version = link.run("GetPTSLVersion", "report its version")
    number = f"{version.version}.{version.version_minor}.{version.version_revision}"
    report.lines.append(f"Takebridge self-test, PTSL {number}, {session.rate} Hz, {date.today()}")
    for channels in NAMES:
        report.check(
            f"{channels} channel(s)", lambda channels=channels: _check(link, session, report, channels)
        )
    report.check("the selection", lambda: _selection(link, report))
    text = "\n".join(report.lines) + "\n"
    path = session.folder / REPORT
    path.write_text(text, encoding="utf-8")
    say(f"{text}\nThe report is in {path}. Close the session without saving it.")
    return 0 if report.passed else 1


def _check(link: Link, session: Session, report: Report, channels: int) -> None:
    kind = {1: "a mono clip", 2: "a stereo clip"}[channels]
    session.audio_files.mkdir(exist_ok=True)
    path = new_file(session.audio_files, NAMES[channels])
    soundfile.write(path, ramp(channels), session.rate, "PCM_24")
    placed = place(link, path, NAMES[channels], POSITION)
    report.truth(
        f"{kind} gets a new track of the name asked for", placed.track == NAMES[channels], placed.track
    )
    problems = misplaced(link, session, [placed])
    report.truth(f"{kind} is on its sample", not problems, " ".join(problems))
    rows = clips_on(session_text(link), placed.track)
    report.truth(f"{kind} has all its channels on the track", len(rows) in (1, channels), f"{len(rows)} rows")
    link.run("SetTrackMuteState", "unmute the track", track_names=[placed.track], enabled=False)
    (track,) = (track for track in link.tracks() if track.id == placed.track_id)
    report.truth("a new track is found by its id", track.name == placed.track, track.name)
    with tempfile.TemporaryDirectory(prefix="takebridge-") as folder, timeline_selection(link, SPAN):
        bounced, _ = soundfile.read(bounce_track(link, session, track, SPAN, Path(folder)), always_2d=True)
    _compare(report, kind, bounced, channels)


def _compare(report: Report, kind: str, bounced: Samples, channels: int) -> None:
    report.truth(f"{kind} bounces with {channels} channel(s)", bounced.shape[1] == channels, bounced.shape[1])
    if bounced.shape[1] != channels:
        return
    wanted = np.zeros_like(bounced)
    wanted[POSITION - SPAN.start : POSITION - SPAN.start + FRAMES] = ramp(channels)
    apart = np.flatnonzero(np.any(np.abs(bounced - wanted) > 2**-22, axis=1))
    first = int(apart[0]) if apart.size else 0
    found = (
        f"{apart.size} samples differ, the first {SPAN.start + first}: {bounced[first]} for {wanted[first]}"
    )
    report.truth(f"{kind} bounces sample for sample, before the fader", apart.size == 0, found)


def _selection(link: Link, report: Report) -> None:
    unit = link.protocol.TLType_Samples

    def now() -> tuple[str, str]:
        found = link.run("GetTimelineSelection", "report the timeline selection", location_type=unit)
        return found.in_time, found.out_time

    before = now()
    with timeline_selection(link, SPAN):
        inside = now()
        edit = link.run("GetEditSelection", "report the selection", location_type=unit)
    report.truth("the selection can be set to the sample", inside == (str(SPAN.start), str(SPAN.end)), inside)
    report.truth("the selection is put back", now() == before, now())
    report.lines.append(f"NOTE    with that, the edit selection was {edit.in_time} to {edit.out_time}")
