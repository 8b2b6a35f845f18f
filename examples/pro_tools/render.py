"""One request from Pro Tools: the selection's sound to the server, its takes back onto new tracks."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .bounce import bounce_track, timeline_selection
from .bridge import Bridge
from .clip_rows import clips_on
from .link import Link
from .placing import Placed, misplaced, new_file, place, session_text
from .problem import Problem
from .session import (
    Range,
    Session,
    check_stopped,
    edit_selection,
    open_session,
    selected_tracks,
    type_of,
)

Say = Callable[[str], None]

CONTEXT_SECONDS = 60  # of the song around the selection that go along
POLL_SECONDS = 0.25
ENDED = ("done", "failed", "cancelled")
NOTHING_CHANGED = "Nothing was changed in Pro Tools."


@dataclass(frozen=True)
class Wanted:
    """What the producer asked for. fields: the request's own, tempo included."""

    task: str
    fields: dict[str, Any] = field(default_factory=dict)
    each: bool = False


def render(link: Link, bridge: Bridge, wanted: Wanted, say: Say) -> list[Placed]:
    """Takes of what is selected, in the session. Raises Problem, KeyboardInterrupt.

    The server is asked first: a bounce may take a while, and would be for nothing.
    """
    bridge.call("status")
    session = open_session(link)
    selected, tracks = edit_selection(link), selected_tracks(link)
    check_stopped(link)
    names = ", ".join(track.name for track in tracks)
    say(f"{session.name}: samples {selected.start} to {selected.end} of {names}, {session.rate} Hz.")
    span = heard(wanted.task, selected, session.rate, last_end(link, tracks))
    songs = send_sound(link, bridge, session, tracks, span, say)
    job = request(bridge, wanted, selected, songs)
    takes = follow(bridge, job, say)
    return put_back(link, bridge, session, wanted.task, takes, say)


def heard(task: str, selected: Range, rate: int, ends: int | None) -> Range:
    """The range that is sent. ends: where the last clip does, None where that is unknown.

    A continuation has nothing behind it: the song ends where the selection begins.
    """
    context = CONTEXT_SECONDS * rate
    first = max(0, selected.start - context)
    if task != "complete":
        after = selected.end + context
        return Range(first, after if ends is None else max(selected.end, min(after, ends)))
    if selected.start == 0:
        raise Problem(
            "There is nothing before the selection that could be continued.", "Select a later range."
        )
    return Range(first, selected.start)


def last_end(link: Link, tracks: Sequence[Any]) -> int | None:
    """Where the last clip of the tracks ends, in samples; None where other things than audio clips sound."""
    if any(type_of(link, track) != "Audio" for track in tracks):
        return None
    text = session_text(link)
    ends = [row.start + row.length for track in tracks for row in clips_on(text, track.name)]
    return max(ends, default=None)


def send_sound(
    link: Link, bridge: Bridge, session: Session, tracks: Sequence[Any], span: Range, say: Say
) -> list[dict[str, Any]]:
    """Each track's sound over the span, as the request's `tracks` name it. Raises Problem."""
    songs = []
    with tempfile.TemporaryDirectory(prefix="takebridge-") as folder, timeline_selection(link, span):
        for track in tracks:
            say(f"Bouncing {track.name} ...")
            path = bounce_track(link, session, track, span, Path(folder))
            source = bridge.upload(path)
            path.unlink()
            songs.append(
                {"source": source, "source_position": span.start, "title": session.name, "track": track.name}
            )
    return songs


def request(bridge: Bridge, wanted: Wanted, selected: Range, songs: list[dict[str, Any]]) -> str:
    """The id of the job that was accepted. Raises Problem."""
    about: dict[str, Any] = songs[0]
    if len(songs) > 1:
        together = wanted.task == "repaint" and not wanted.each
        about = {"tracks": songs, "mode": "together" if together else "each"}
    accepted = bridge.call(wanted.task, start=selected.start, end=selected.end, **about, **wanted.fields)
    return str(accepted["job"])


def follow(bridge: Bridge, job: str, say: Say) -> list[dict[str, Any]]:
    """The takes of a job, once it has ended; cancels it on Ctrl-C. Raises Problem, KeyboardInterrupt."""
    shown = ""
    try:
        while (now := bridge.call("jobs.show", job=job))["state"] not in ENDED:
            progress = now.get("progress")
            line = f"  {progress['fraction']:4.0%}  {progress['stage']}" if progress else "  queued"
            if line != shown:
                say(line)
                shown = line
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        bridge.call("cancel", job=job)
        say(f"Cancelled. {NOTHING_CHANGED}")
        raise
    if now["state"] != "done":
        failure = now.get("failure") or {"sentence": "The render was cancelled."}
        raise Problem(f"{failure['sentence']} {NOTHING_CHANGED}", failure.get("remedy", ""))
    return list(now["takes"])


def put_back(
    link: Link, bridge: Bridge, session: Session, task: str, takes: list[dict[str, Any]], say: Say
) -> list[Placed]:
    """Each take on a new track. Raises Problem, which says what is there already."""
    placed: list[Placed] = []
    session.audio_files.mkdir(exist_ok=True)
    try:
        for take in takes:
            name = take_name(task, take)
            path = new_file(session.audio_files, f"{name} {take['take']}")
            bridge.save_clip(take["take"], path)
            placed.append(place(link, path, name, take["position"]))
            if not take["passed"]:
                say(f"{name}: {take.get('warning') or 'its receipt has a warning'}")
        problems = misplaced(link, session, placed)
    except (Problem, KeyboardInterrupt) as error:
        there = ", ".join(repr(take.track) for take in placed) or "none"
        stopped = error if isinstance(error, Problem) else "Stopped."
        raise Problem(
            f"{stopped} Takes placed so far: {there}; look for a new track without a clip, too."
        ) from error
    if problems:
        raise Problem(" ".join(problems), how_to_remove(placed))
    return placed


def take_name(task: str, take: dict[str, Any]) -> str:
    """A new track's name: "Repaint 2", "Extract vocals", with the track's number where there are several."""
    parts = [task.capitalize(), "" if task == "extract" else str(take["number"])]
    parts += [
        take["stem"] if take["stem"] != "mix" else "",
        f"track {take['track']}" if take.get("track") else "",
    ]
    return " ".join(part for part in parts if part)


def how_to_remove(placed: Sequence[Placed]) -> str:
    """For the producer who does not want them."""
    names = ", ".join(repr(take.track) for take in placed)
    return f"To remove what was added, delete the new tracks ({names}): Track > Delete. Nothing else was changed."
