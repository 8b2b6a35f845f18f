"""What a track of a DAWproject plays, clip by clip: stretches of sound files, and what of it cannot be read. Pure.

Clips may lie in clips, repeat a loop, and be warped. A warped clip whose file nevertheless runs at its own speed,
which is how DAWs write clips that are not stretched, is read; one that is stretched is a problem, and says so.
"""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from clip_store.errors import ProjectError
from clip_store.projects.project_tempo import number
from clip_store.projects.time_frame import BEATS, SECONDS, BeatClock, TimeFrame
from daw_protocol.timeline import TempoMap

ZERO = Fraction(0)
FOREVER = Fraction(10**7)  # seconds: longer than any project
MAX_LOOPS = 20_000  # times that one clip may begin again


@dataclass(frozen=True)
class ClipPart:
    """A sound file that plays at its own speed from `start` to `end`, in seconds of the timeline.

    at: seconds in the file at `start`. clip: the clip's name, for errors.
    """

    clip: str
    start: Fraction
    end: Fraction
    sound: str
    at: Fraction
    rate: int


@dataclass(frozen=True)
class Problem:
    """A stretch, in seconds of the timeline, whose sound is not known, and why, as the end of a sentence."""

    start: Fraction
    end: Fraction
    reason: str


def parts_of(root: ET.Element, track: str, tempo_map: TempoMap) -> Iterator[ClipPart | Problem]:
    """Everything on the lanes of the track with this id. Raises ProjectError for numbers that are none."""
    lanes = root.find("Arrangement/Lanes")
    if lanes is None:
        return
    clock = BeatClock(tempo_map)
    for lane, unit in _lanes_of(lanes, track, BEATS):
        for content in [lane] if lane.tag == "Clips" else lane:
            own = content.get("timeUnit") or unit
            yield from _content(content, TimeFrame(clock, own, ZERO, ZERO, FOREVER), "the track")


def _lanes_of(element: ET.Element, track: str, unit: str) -> Iterator[tuple[ET.Element, str]]:
    """The lanes of the track and the unit of time in each."""
    unit = element.get("timeUnit") or unit
    for child in element:
        if child.tag not in ("Lanes", "Clips"):
            continue
        if child.get("track") == track:
            yield child, child.get("timeUnit") or unit
        elif child.tag == "Lanes":
            yield from _lanes_of(child, track, unit)


def _clips(clips: ET.Element, frame: TimeFrame) -> Iterator[ClipPart | Problem]:
    for clip in clips.findall("Clip"):
        if clip.get("enable", "true") not in ("false", "0"):
            yield from _clip(clip, frame)


def _clip(clip: ET.Element, frame: TimeFrame) -> Iterator[ClipPart | Problem]:
    name = f"the clip {clip.get('name') or 'without a name'!r}"
    time = number(clip.get("time"), f"the time of {name}")
    start = frame.seconds(time)
    end = (
        frame.end
        if clip.get("duration") is None
        else frame.seconds(time + number(clip.get("duration"), name))
    )
    end = min(end, frame.end)
    if end <= max(start, frame.start):
        return
    if clip.get("reference"):
        yield Problem(start, end, f"{name} is an alias of another clip")
        return
    yield from _fades(clip, frame, name, start, end)
    for part in _parts(clip, frame, name, start, end):
        for content in clip:
            yield from _content(content, part.since(frame.start), name)


def _fades(
    clip: ET.Element, frame: TimeFrame, name: str, start: Fraction, end: Fraction
) -> Iterator[Problem]:
    """Their curves are the DAW's secret: what is under them is not known."""
    unit = clip.get("fadeTimeUnit") or frame.unit
    lengths = [number(clip.get(key, "0"), f"a fade of {name}") for key in ("fadeInTime", "fadeOutTime")]
    if lengths[0] > 0:
        stop = frame.inside(unit, ZERO, start, end).seconds(lengths[0])
        yield Problem(start, min(end, stop), f"{name} is faded in")
    if lengths[1] > 0:
        begins = frame.inside(unit, lengths[1], end, end).seconds(ZERO)
        yield Problem(max(start, begins), end, f"{name} is faded out")


def _parts(
    clip: ET.Element, frame: TimeFrame, name: str, start: Fraction, end: Fraction
) -> Iterator[TimeFrame]:
    """The clip's content from where it plays it: once, or again and again from the loop's start on."""
    unit = clip.get("contentTimeUnit") or frame.unit
    at = number(clip.get("playStart", "0"), f"the start of {name}")
    loop = [clip.get("loopStart"), clip.get("loopEnd")]
    if None in loop:
        stop = end
        if clip.get("playStop") is not None:
            stop = frame.inside(unit, at, start, end).seconds(number(clip.get("playStop"), name))
        yield frame.inside(unit, at, start, min(end, stop))
        return
    again, until = (number(value, f"the loop of {name}") for value in loop)
    for _ in range(MAX_LOOPS):
        part = frame.inside(unit, at, start, end)
        stop = part.seconds(until) if at < until else end
        yield frame.inside(unit, at, start, min(end, stop))
        if stop >= end or until <= again:
            return
        start, at = stop, again
    raise ProjectError(f"{name[0].upper()}{name[1:]} repeats its loop more than {MAX_LOOPS} times.")


def _content(content: ET.Element, frame: TimeFrame, name: str) -> Iterator[ClipPart | Problem]:
    if frame.end <= frame.start or content.tag in ("Warp", "Points", "markers", "Markers"):
        return
    unit = content.get("timeUnit") or frame.unit
    if unit != frame.unit:
        yield Problem(frame.start, frame.end, f"{name} counts its content in {unit}")
    elif content.tag == "Clips":
        yield from _clips(content, frame)
    elif content.tag == "Lanes":
        for child in content:
            yield from _content(child, frame, name)
    elif content.tag == "Audio":
        yield _audio(content, frame, name)
    elif content.tag == "Warps":
        yield from _warps(content, frame, name)
    else:
        yield Problem(frame.start, frame.end, f"{name} has {content.tag.lower()} in it")


def _audio(audio: ET.Element, frame: TimeFrame, name: str) -> ClipPart | Problem:
    """A file without warps runs at its own speed. Where it is entered is said in seconds, or at its beginning."""
    if frame.unit == BEATS and frame.at != 0:
        return Problem(
            frame.start, frame.end, f"{name} begins inside its file, at a place that is given in beats"
        )
    return _part_of_file(audio, frame.start, frame.end, frame.at, name)


def _part_of_file(
    audio: ET.Element, start: Fraction, end: Fraction, at: Fraction, name: str
) -> ClipPart | Problem:
    file = audio.find("File")
    if file is None or file.get("external", "false") in ("true", "1"):
        return Problem(start, end, f"{name} plays a file that is not in the project")
    return ClipPart(
        name, start, end, file.get("path", ""), at, int(number(audio.get("sampleRate"), "a rate"))
    )


def _warps(warps: ET.Element, frame: TimeFrame, name: str) -> Iterator[ClipPart | Problem]:
    """Each stretch between two warp markers; the first and the last go on beyond theirs."""
    audio = warps.find("Audio")
    marks = sorted(
        (number(mark.get("time"), "a warp marker"), number(mark.get("contentTime"), "a warp marker"))
        for mark in warps.findall("Warp")
    )
    if audio is None or len(marks) < 2 or warps.get("contentTimeUnit") != SECONDS:
        yield Problem(frame.start, frame.end, f"{name} is warped in a way that is not known here")
        return
    for index, ((time, at), (next_time, next_at)) in enumerate(itertools.pairwise(marks)):
        if next_time <= time:
            continue
        first, last = frame.seconds(time), frame.seconds(next_time)
        start = frame.start if index == 0 else max(first, frame.start)
        end = frame.end if index == len(marks) - 2 else min(last, frame.end)
        if end <= start:
            continue
        apart = abs((next_at - at) - (last - first))
        rate = number(audio.get("sampleRate"), "a rate")
        if apart * 2 * rate > 1 or not frame.is_steady(min(start, first), max(end, last)):
            speed = float((next_at - at) / (last - first))
            yield Problem(start, end, f"{name} is stretched (it plays at {speed:.4g} times its speed)")
        else:
            yield _part_of_file(audio, start, end, at + start - first, name)
