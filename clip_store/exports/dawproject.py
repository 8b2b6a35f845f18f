"""A project as DAWproject 1.0: project.xml and metadata.xml for the zip file. Pure.

The format: https://github.com/bitwig/dawproject (Project.xsd, MetaData.xsd). Clips are placed in seconds, so that
no reading of the tempo map can move them; tempo and meters are in beats, as DAWs themselves write them.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from fractions import Fraction

from clip_store.audio.xml_text import allowed
from clip_store.exports.project import Clip, Project, Track
from clip_store.exports.tempo_from_zero import seconds_of
from daw_protocol.timeline import TempoMap

VERSION = "1.0"
RAMP_STEP = Fraction(1, 8)
"""Quarters that a step of a ramp lasts. DAWs draw their lines in beats, ours are linear in time: lines between the
same points would drift by 0.2 ms where 127 bpm become 88 within six quarters. Steps, each as fast as the ramp needs
to pass it in its time, end on time everywhere."""

_DIGITS = 12  # of seconds: a double holds no more for a song of some hours


def project_xml(project: Project, application: str, version: str) -> bytes:
    """project.xml. application, version: who writes it."""
    root = ET.Element("Project", version=VERSION)
    ET.SubElement(root, "Application", name=clean(application), version=clean(version))
    tempo_map = project.tempo_map
    transport = ET.SubElement(root, "Transport")
    first = tempo_map.meters[0].meter
    ET.SubElement(
        transport, "Tempo", unit="bpm", value=_number(tempo_map.points[0].bpm), id="tempo", name="Tempo"
    )
    ET.SubElement(
        transport,
        "TimeSignature",
        numerator=str(first.numerator),
        denominator=str(first.denominator),
        id="meter",
    )
    structure = ET.SubElement(root, "Structure")
    for number, track in enumerate(project.tracks):
        _add_track(structure, track, number)
    master = ET.SubElement(
        structure, "Track", contentType="audio", loaded="true", id="track-master", name="Master"
    )
    _add_channel(master, "master", 2, role="master")
    arrangement = ET.SubElement(root, "Arrangement", id="arrangement")
    lanes = ET.SubElement(arrangement, "Lanes", timeUnit="seconds", id="lanes")
    for number, track in enumerate(project.tracks):
        _add_clips(lanes, track, number, project.rate)
    if project.markers:
        markers = ET.SubElement(arrangement, "Markers", timeUnit="seconds", id="markers")
        for marker in project.markers:
            time = decimal_seconds(marker.position, project.rate)
            ET.SubElement(markers, "Marker", time=time, name=clean(marker.name))
    _add_tempo(arrangement, tempo_map)
    return _document(root)


def metadata_xml(project: Project) -> bytes:
    """metadata.xml."""
    root = ET.Element("MetaData")
    ET.SubElement(root, "Title").text = clean(project.title)
    ET.SubElement(root, "Comment").text = clean(project.comment)
    return _document(root)


def audio_path(name: str) -> str:
    """A sound file's path inside the zip."""
    return f"audio/{name}.wav"


def clean(text: str) -> str:
    """Text without the characters that XML 1.0 cannot carry."""
    return allowed(text)


def _add_track(structure: ET.Element, track: Track, number: int) -> None:
    name = clean(track.name)
    one = ET.SubElement(
        structure, "Track", contentType="audio", loaded="true", id=f"track-{number}", name=name
    )
    _add_channel(
        one, str(number), track.channels, role="regular", destination="channel-master", muted=track.muted
    )


def _add_channel(
    track: ET.Element, name: str, channels: int, role: str, destination: str = "", muted: bool = False
) -> None:
    channel = ET.SubElement(track, "Channel", audioChannels=str(channels), role=role, id=f"channel-{name}")
    if destination:
        channel.set("destination", destination)
    ET.SubElement(channel, "Mute", value="true" if muted else "false", id=f"mute-{name}", name="Mute")
    ET.SubElement(channel, "Volume", unit="linear", value="1.0", min="0.0", max="2.0", id=f"volume-{name}")


def _add_clips(lanes: ET.Element, track: Track, number: int, rate: int) -> None:
    lane = ET.SubElement(lanes, "Lanes", track=f"track-{number}", id=f"lanes-{number}")
    clips = ET.SubElement(lane, "Clips", timeUnit="seconds", id=f"clips-{number}")
    for clip in track.clips:
        _add_clip(clips, clip, rate)


def _add_clip(clips: ET.Element, clip: Clip, rate: int) -> None:
    length = decimal_seconds(clip.length, rate)
    one = ET.SubElement(
        clips, "Clip", name=clean(clip.name), time=decimal_seconds(clip.position, rate), duration=length,
        contentTimeUnit="seconds", playStart=decimal_seconds(clip.start, rate),
        playStop=decimal_seconds(clip.start + clip.length, rate), fadeTimeUnit="seconds", fadeInTime="0.0",
        fadeOutTime="0.0", enable="false" if clip.muted else "true",
    )  # fmt: skip
    if clip.comment:
        one.set("comment", clean(clip.comment))
    audio = ET.SubElement(
        one, "Audio", channels=str(clip.file.channels), sampleRate=str(rate),
        duration=decimal_seconds(clip.file.frames, rate), algorithm="raw",
    )  # fmt: skip
    ET.SubElement(audio, "File", path=audio_path(clip.file.name), external="false")


def _add_tempo(arrangement: ET.Element, tempo_map: TempoMap) -> None:
    tempos = ET.SubElement(
        arrangement, "TempoAutomation", timeUnit="beats", unit="bpm", id="tempo-automation"
    )
    ET.SubElement(tempos, "Target", parameter="tempo")
    for quarter, bpm in _tempo_points(tempo_map):
        ET.SubElement(tempos, "RealPoint", time=_number(quarter), value=_number(bpm), interpolation="hold")
    meters = ET.SubElement(arrangement, "TimeSignatureAutomation", timeUnit="beats", id="meter-automation")
    ET.SubElement(meters, "Target", parameter="meter")
    for change in tempo_map.meters:
        ET.SubElement(
            meters, "TimeSignaturePoint", time=_number(change.quarter),
            numerator=str(change.meter.numerator), denominator=str(change.meter.denominator),
        )  # fmt: skip


def _tempo_points(tempo_map: TempoMap) -> Iterator[tuple[Fraction, Fraction]]:
    """(quarter, bpm) of every tempo; ramps in steps."""
    for point, end in zip(tempo_map.points, (*tempo_map.points[1:], None), strict=True):
        if end is None or not point.ramp or end.bpm == point.bpm:
            yield point.quarter, point.bpm
            continue
        quarter = point.quarter
        while quarter < end.quarter:
            following = min(quarter + RAMP_STEP, end.quarter)
            seconds = seconds_of(tempo_map, following) - seconds_of(tempo_map, quarter)
            yield quarter, 60 * (following - quarter) / seconds
            quarter = following


def decimal_seconds(samples: int, rate: int) -> str:
    """A count of samples in seconds, with 12 digits behind the point: exact to the sample."""
    return _number(Fraction(samples, rate))


def _number(value: Fraction) -> str:
    """A decimal, rounded to 12 digits: never with an exponent, which not every reader knows."""
    scaled = round(value * 10**_DIGITS)
    whole, rest = divmod(abs(scaled), 10**_DIGITS)
    digits = f"{rest:0{_DIGITS}d}".rstrip("0") or "0"
    return f"{'-' if scaled < 0 else ''}{whole}.{digits}"


def _document(root: ET.Element) -> bytes:
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
