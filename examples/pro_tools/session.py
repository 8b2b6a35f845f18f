"""What Pro Tools has open and selected: session, range in samples, tracks. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .link import Link
from .problem import Problem

WHICH_TRACKS = "Drag over the bars on an audio, instrument, aux or routing folder track."
# Why a track of this type cannot be asked for; by the protocol's name without its prefix.
NO_SOUND = {
    "Midi": "a MIDI track, which has no sound of its own. Select the instrument track that plays it.",
    "Video": f"a video track. {WHICH_TRACKS}",
    "Vca": f"a VCA, which no sound passes through. {WHICH_TRACKS}",
    "BasicFolder": f"a basic folder, which no sound passes through. {WHICH_TRACKS}",
    "Master": "a master fader. Select the tracks themselves, or bounce the mix and use docs/any-daw.md.",
}
SOUNDING = ("Audio", "Instrument", "Aux", "RoutingFolder")


@dataclass(frozen=True)
class Session:
    """The open session. bits: the protocol's BitDepth; folder: where its file lies."""

    name: str
    folder: Path
    rate: int
    bits: int

    @property
    def audio_files(self) -> Path:
        """Where Pro Tools keeps the session's sound files."""
        return self.folder / "Audio Files"


@dataclass(frozen=True)
class Range:
    """Samples on the session's timeline: the first, and the first one after."""

    start: int
    end: int


def open_session(link: Link) -> Session:
    """Raises Problem: nothing open, playing, an unknown rate."""
    name = link.run("GetSessionName", "name the session").session_name
    path = link.run("GetSessionPath", "say where the session is").session_path.path
    rate = int(link.run("GetSessionSampleRate", "report the session's rate").sample_rate)
    bits = link.run("GetSessionBitDepth", "report the session's bit depth").current_setting
    if rate < 44_100:
        raise Problem(
            "Pro Tools did not report the session's sample rate.", "Save the session and try again."
        )
    session = Session(name, Path(path).parent, rate, bits)
    if not session.folder.is_dir():
        where = f"The session's folder {session.folder} is not on this machine."
        raise Problem(where, "Run this where Pro Tools runs.")
    return session


def check_stopped(link: Link) -> None:
    """Raises Problem while Pro Tools plays or records: it would have to stop for a bounce."""
    state = link.run("GetTransportState", "report its transport").current_setting
    if not link.protocol.TransportState.Name(state).endswith("Stopped"):
        raise Problem("Pro Tools is playing or recording.", "Stop it and try again.")


def edit_selection(link: Link) -> Range:
    """What is selected in the Edit window. Raises Problem when that is nothing."""
    found = link.run("GetEditSelection", "report the selection", location_type=link.protocol.TLType_Samples)
    selected = Range(samples(found.in_time), samples(found.out_time))
    if selected.end <= selected.start:
        raise Problem("Nothing is selected in Pro Tools.", WHICH_TRACKS)
    return selected


def samples(text: str) -> int:
    """A position that was asked for in samples. Raises Problem for one that is not in samples."""
    digits = text.strip().replace(",", "")
    if not digits.lstrip("-").isdecimal():
        raise Problem(
            f"Pro Tools gave the position {text!r} where samples were asked for.",
            "Set the main counter to Samples and try again.",
        )
    return int(digits)


def selected_tracks(link: Link) -> list[Any]:
    """The tracks with the edit selection, else those selected by name. Raises Problem for one without sound."""
    tracks = link.tracks()
    chosen = [track for track in tracks if _is_set(link, track.track_attributes.has_edit_selection)]
    chosen = chosen or [track for track in tracks if _is_set(link, track.track_attributes.is_selected)]
    if not chosen:
        raise Problem("No track is selected in Pro Tools.", WHICH_TRACKS)
    for track in chosen:
        kind = type_of(link, track)
        if kind not in SOUNDING:
            raise Problem(
                f"{track.name!r} is {NO_SOUND.get(kind, f'not a track with sound. {WHICH_TRACKS}')}"
            )
    return chosen


def type_of(link: Link, track: Any) -> str:
    """The track's type without prefixes: "Audio", "Midi"."""
    by_number = {number: name for name, number in _prefixed(link, "TT_")}
    return by_number.get(track.type, "Unknown")


def _prefixed(link: Link, prefix: str) -> Sequence[tuple[str, int]]:
    return [
        (name.removeprefix(prefix), number)
        for name, number in link.protocol.TrackType.items()
        if name.startswith(prefix)
    ]


def _is_set(link: Link, state: int) -> bool:
    """Whether an attribute holds, by the track itself or by a group or folder."""
    protocol = link.protocol
    return state in (
        protocol.TAState_SetExplicitly, protocol.TAState_SetImplicitly, protocol.TAState_SetExplicitlyAndImplicitly,
    )  # fmt: skip
