"""Takes into Pro Tools: each on a new track, on its sample, muted, and checked there. No other track is touched."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile

from .clip_rows import clips_on
from .link import Link
from .problem import Problem
from .session import Session

NAMES = 1000  # of files and tracks that are tried before giving up


@dataclass(frozen=True)
class Placed:
    """A take in the session."""

    track: str
    track_id: str
    position: int
    length: int


def new_file(folder: Path, name: str) -> Path:
    """A path in the folder that is not there yet."""
    for number in range(NAMES):
        path = folder / (f"{name}.wav" if number == 0 else f"{name} ({number}).wav")
        if not path.exists():
            return path
    raise Problem(
        f"There are too many files called {name!r} in {folder}.", "Remove some that no session uses."
    )


def place(link: Link, path: Path, name: str, position: int) -> Placed:
    """A sound file of the session's own folder on a new track, its first sample at `position`. Raises Problem.

    The file is not copied: the session plays it from where it lies.
    """
    about = soundfile.info(path)
    clips = import_clips(link, path)
    track = new_track(link, name, about.channels)
    protocol = link.protocol
    link.run(
        "SpotClipsByID", f"put the take on {track.name!r}",
        src_clips=clips,  # all channels in one go: one alone would lose the other
        dst_track_id=track.id,
        dst_location_data=protocol.SpotLocationData(
            location_type=protocol.SLType_Start,
            location=protocol.TimelineLocation(location=str(position), time_type=protocol.TLType_Samples),
        ),
    )  # fmt: skip
    link.run("SetTrackMuteState", f"mute {track.name!r}", track_names=[track.name], enabled=True)
    return Placed(track.name, track.id, position, about.frames)


def import_clips(link: Link, path: Path) -> list[str]:
    """The new clips' ids, one or one a channel. Raises Problem."""
    response = link.run(
        "ImportAudioToClipList", f"import {path.name!r}",
        file_list=[str(path)], audio_operations=link.protocol.AddAudio,
    )  # fmt: skip
    failures = [failure.failure_message for failure in response.failure_list] if response else []
    entries = response.file_list if response else []
    files = itertools.chain.from_iterable(entry.destination_file_list for entry in entries)
    clips = [clip for file in files for clip in file.clip_id_list]
    if not clips:
        raise Problem(
            f"Pro Tools did not import {path.name!r}: {'; '.join(failures) or 'it made no clip of it'}."
        )
    return clips


def new_track(link: Link, name: str, channels: int) -> Any:
    """An audio track that was not there before. Raises Problem."""
    protocol = link.protocol
    before = {track.id for track in link.tracks()}
    link.run(
        "CreateNewTracks", "make a track",
        number_of_tracks=1, track_name=name, track_type=protocol.TT_Audio, track_timebase=protocol.TTB_Samples,
        track_format=protocol.TF_Stereo if channels == 2 else protocol.TF_Mono,
    )  # fmt: skip
    made = [track for track in link.tracks() if track.id not in before]
    if len(made) != 1:
        raise Problem(f"Pro Tools made {len(made)} tracks instead of one.", "The take was not placed.")
    return made[0]


def session_text(link: Link) -> str:
    """The clips of all tracks as text, positions in samples. Raises Problem."""
    protocol = link.protocol
    response = link.run(
        "ExportSessionInfoAsText", "list the clips",
        include_track_edls=True, track_list_type=protocol.AllTracks, fade_handling_type=protocol.DontShowCrossfades,
        track_offset_options=protocol.Samples, text_as_file_format=protocol.UTF8, output_type=protocol.ESI_String,
    )  # fmt: skip
    return str(response.session_info) if response else ""


def misplaced(link: Link, session: Session, placed: Sequence[Placed]) -> list[str]:
    """A sentence for each take that is not where it belongs, or cannot be seen."""
    text = session_text(link)
    found = []
    for take in placed:
        rows = {(row.start, row.length) for row in clips_on(text, take.track)}
        if not rows:
            found.append(
                f"Pro Tools does not list the clip on {take.track!r}; look whether it is at {take.position}."
            )
        elif rows != {(take.position, take.length)}:
            there = ", ".join(f"{start} ({length} samples long)" for start, length in sorted(rows))
            found.append(
                f"The clip on {take.track!r} is at {there} instead of {take.position} ({take.length}) of the "
                f"session's {session.rate} Hz."
            )
    return found
