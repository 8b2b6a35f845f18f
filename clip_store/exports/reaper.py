"""A project as text of a REAPER project file (.rpp). Pure.

Times are seconds with 15 digits behind the point. A tempo point is `PT time bpm shape`, shape 1 holding and 0 moving
linearly in time to the next one, which is what our ramps do; with a meter there follow `denominator << 16 | numerator`,
0, and 1 (tempo and meter), 5 when the bar before ends early.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from clip_store.exports.project import Clip, Marker, Project, Track
from clip_store.exports.tempo_from_zero import NANOSECONDS, point_seconds, seconds_of
from daw_protocol.timeline import MeterChange, TempoMap

AUDIO_FOLDER = "Audio"

_TEMPO_AND_METER = 1
_BAR_ENDS_EARLY = 4


def reaper_project(project: Project) -> str:
    """The whole .rpp file; sound files are named relative to it."""
    tempo_map = project.tempo_map
    meter, bpm = tempo_map.meters[0].meter, tempo_map.points[0].bpm
    lines = [
        '<REAPER_PROJECT 0.1 "7.0" 0',
        "  <NOTES 0 2",
        *(f"    |{line}" for line in project.comment.splitlines()),
        "  >",
        # The bar number that is shown at zero, counted from 1.
        f"  PROJOFFS 0 {tempo_map.first_bar - 1} 0",
        f"  SAMPLERATE {project.rate} 1 0",
        f"  TEMPO {_number(bpm)} {meter.numerator} {meter.denominator}",
        "  <TEMPOENVEX",
        "    ACT 1 -1",
        "    VIS 1 0 1",
        "    LANEHEIGHT 0 0",
        "    ARM 0",
        "    DEFSHAPE 1 -1 -1",
        *(f"    {line}" for line in _tempo_points(tempo_map)),
        "  >",
        *(_marker(number, marker, project.rate) for number, marker in enumerate(project.markers, 1)),
    ]
    for track in project.tracks:
        lines += _track(track, project.rate)
    return "\n".join([*lines, ">", ""])


def _tempo_points(tempo_map: TempoMap) -> Iterator[str]:
    """Points and meters in order of time. A meter between tempo points gets its own point."""
    meters = {change.quarter: change for change in tempo_map.meters}
    points = tempo_map.points
    for index, (point, seconds) in enumerate(zip(points, point_seconds(tempo_map), strict=True)):
        moves = point.ramp and index + 1 < len(points)
        yield _point(seconds, point.bpm, moves, meters.pop(point.quarter, None))
        end = points[index + 1].quarter if index + 1 < len(points) else None
        for quarter in sorted(meters):
            if quarter > point.quarter and (end is None or quarter < end):
                sample = tempo_map.sample_at(quarter, NANOSECONDS)
                bpm = tempo_map.tempo_at(sample, NANOSECONDS)
                yield _point(seconds_of(tempo_map, quarter), bpm, moves, meters.pop(quarter))


def _point(seconds: Fraction, bpm: Fraction, moves: bool, change: MeterChange | None) -> str:
    text = f"PT {_number(seconds)} {_number(bpm)} {0 if moves else 1}"
    if change is None:
        return text
    meter = change.meter
    flags = _TEMPO_AND_METER | (_BAR_ENDS_EARLY if change.cuts_bar else 0)
    return f"{text} {(meter.denominator << 16) | meter.numerator} 0 {flags}"


def _marker(number: int, marker: Marker, rate: int) -> str:
    return f"  MARKER {number} {_seconds(marker.position, rate)} {quoted(marker.name)} 0"


def _track(track: Track, rate: int) -> list[str]:
    lines = [
        "  <TRACK",
        f"    NAME {quoted(track.name)}",
        f"    MUTESOLO {int(track.muted)} 0 0",
        "    NCHAN 2",
        # Attached to time: a later change of tempo does not move what was rendered for this one.
        "    BEAT 0",
    ]
    for clip in track.clips:
        lines += _item(clip, rate)
    return [*lines, "  >"]


def _item(clip: Clip, rate: int) -> list[str]:
    notes = [f"        |{line}" for line in clip.comment.splitlines()]
    return [
        "    <ITEM",
        f"      POSITION {_seconds(clip.position, rate)}",
        f"      LENGTH {_seconds(clip.length, rate)}",
        "      LOOP 0",
        "      BEAT 0",
        f"      MUTE {int(clip.muted)} 0",
        # No fades, not even REAPER's automatic ones: the crossfades are in the sound.
        "      FADEIN 1 0 0 1 0 0 0",
        "      FADEOUT 1 0 0 1 0 0 0",
        f"      NAME {quoted(clip.name)}",
        f"      SOFFS {_seconds(clip.start, rate)}",
        "      PLAYRATE 1 1 0 -1 0 0.0025",
        *(["      <NOTES", *notes, "      >"] if notes else []),
        "      <SOURCE WAVE",
        f"        FILE {quoted(f'{AUDIO_FOLDER}/{clip.file.name}.wav')}",
        "      >",
        "    >",
    ]


def quoted(text: str) -> str:
    """A word for a .rpp file: in whichever of its three quotation marks the text does not hold."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    for mark in ('"', "'", "`"):
        if mark not in line:
            return f"{mark}{line}{mark}"
    return "`" + line.replace("`", "'") + "`"


def _seconds(samples: int, rate: int) -> str:
    return _number(Fraction(samples, rate))


def _number(value: Fraction) -> str:
    scaled = round(value * 10**15)
    whole, rest = divmod(abs(scaled), 10**15)
    digits = f"{rest:015d}".rstrip("0") or "0"
    return f"{'-' if scaled < 0 else ''}{whole}.{digits}"
