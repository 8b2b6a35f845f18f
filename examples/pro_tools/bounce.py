"""The sound of a track over a range, as a file: Pro Tools' own offline bounce, which touches no clip.

Pro Tools bounces the timeline selection. It is set for the bounce and put back as it was, whatever happens.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from .link import Link
from .problem import Problem
from .session import Range, Session

MAX_CHANNELS = 2


@contextlib.contextmanager
def timeline_selection(link: Link, span: Range) -> Iterator[None]:
    """The timeline selection for as long as the block lasts. Raises Problem."""
    unit = link.protocol.TLType_Samples
    before = link.run("GetTimelineSelection", "report the timeline selection", location_type=unit)
    try:
        _select(link, in_time=str(span.start), out_time=str(span.end))
        yield
    finally:
        _select(
            link, in_time=before.in_time, out_time=before.out_time,
            play_start_marker_time=before.play_start_marker_time,
        )  # fmt: skip


def _select(link: Link, **times: str) -> None:
    link.run("SetTimelineSelection", "set the selection", location_type=link.protocol.TLType_Samples, **times)


def bounce_track(link: Link, session: Session, track: Any, span: Range, folder: Path) -> Path:
    """The track's sound with its inserts, before fader and pan, in a new file in the folder. Raises Problem."""
    protocol = link.protocol
    response = link.run(
        "BounceTrack", f"bounce {track.name!r}",
        file_name_prefix="takebridge",
        file_type=protocol.EM_WAV,
        audio_info=protocol.EM_AudioInfo(
            compression_type=protocol.CT_PCM, export_format=protocol.EF_Interleaved, bit_depth=session.bits,
            sample_rate=session.rate, pad_to_frame_boundary=protocol.TB_False,
            delivery_format=protocol.EM_DF_SingleFile,
        ),
        location_info=protocol.EM_LocationInfo(
            import_after_bounce=protocol.TB_False, file_destination=protocol.EM_FD_Directory,
            directory=f"{folder}{os.sep}",
        ),
        offline_bounce=protocol.TB_True,
        src_track_id=track.id,  # with its braces; the range is the timeline selection's
        automation_options=protocol.RenderAutomationOptions(
            render_volume_automation=False, render_pan_automation=False
        ),
    )  # fmt: skip
    paths = [Path(path) for path in response.file_paths] if response else []
    if len(paths) != 1 or not paths[0].is_file():
        raise Problem(f"Pro Tools bounced {track.name!r} into {len(paths)} files instead of one.")
    check_bounce(paths[0], session, track.name, span)
    return paths[0]


def check_bounce(path: Path, session: Session, track: str, span: Range) -> None:
    """Raises Problem for a bounce that is not exactly the range, or is silent."""
    about = soundfile.info(path)
    wanted = span.end - span.start
    if (about.samplerate, about.frames) != (session.rate, wanted):
        raise Problem(
            f"Pro Tools bounced {about.frames} samples of {track!r} at {about.samplerate} Hz instead of {wanted} at "
            f"{session.rate} Hz, so nothing of it would be in its place."
        )
    if about.channels > MAX_CHANNELS:
        raise Problem(f"{track!r} has {about.channels} channels.", "Mono and stereo tracks can be rendered.")
    if is_silent(path):
        raise Problem(
            f"{track!r} is silent around the selection.",
            "Listen to it alone; is a clip muted or an instrument inactive?",
        )


def is_silent(path: Path) -> bool:
    """Whether not one sample of the file sounds."""
    return not any(np.any(block) for block in soundfile.blocks(path, blocksize=1 << 18, dtype="float32"))
