"""The REAPER project, read back by the package rpp. It was never opened in REAPER here."""

from fractions import Fraction

import pytest
import rpp
import soundfile

from clip_store.exports.arrange import song_project
from clip_store.exports.formats import Format
from clip_store.exports.reaper import quoted, reaper_project
from clip_store.exports.write import write_export
from tests.clip_store.exports.conftest import expected_clips
from tests.clip_store.exports.songs import describe
from tests.clip_store.exports.test_arrange import TITLES


def read(project):
    return rpp.loads(reaper_project(project))


def clips_in(root, rate):
    found = []
    for track in root.findall("TRACK"):
        muted = track.find("MUTESOLO")[1] == "1"
        for item in track.findall("ITEM"):
            numbers = [Fraction(item.find(name)[1]) * rate for name in ("POSITION", "SOFFS", "LENGTH")]
            assert all(abs(number - round(number)) < Fraction(1, 1000) for number in numbers)
            audible = not muted and item.find("MUTE")[1] == "0"
            found.append((track.find("NAME")[1], *(round(number) for number in numbers), audible))
    return found


def points_in(root):
    return [[Fraction(value) for value in point[1:]] for point in root.findall("TEMPOENVEX/PT")]


def quarters_at(points, seconds):
    """By an integration of one's own: shape 0 moves linearly in time, 1 holds."""
    quarters = Fraction(0)
    for index, (at, bpm, shape, *_) in enumerate(points):
        following = points[index + 1] if index + 1 < len(points) else None
        end = min(seconds, following[0]) if following else seconds
        if end <= at:
            break
        slope = (following[1] - bpm) / (following[0] - at) if following and shape == 0 else 0
        quarters += ((end - at) * bpm + slope * (end - at) ** 2 / 2) / 60
    return quarters


def test_clips_lie_on_their_samples(full):
    made, project = full
    assert clips_in(read(project), made.rate) == expected_clips(project)


def test_tempo_ramps_and_meters(full):
    made, project = full
    root = read(project)
    points = points_in(root)
    for sample in range(0, 15 * made.rate, 7_919):
        expected = project.tempo_map.quarters_at(sample, made.rate)
        assert abs(quarters_at(points, Fraction(sample, made.rate)) - expected) < Fraction(1, 10**8)
    meters = []
    for seconds, _, _, *rest in points:
        if rest:
            code = int(rest[0])
            meters.append((round(quarters_at(points, seconds), 6), code & 0xFFFF, code >> 16, int(rest[2])))
    assert meters == [
        (float(change.quarter), change.meter.numerator, change.meter.denominator, 5 if change.cuts_bar else 1)
        for change in project.tempo_map.meters
    ]
    assert [point[0] for point in points] == sorted(point[0] for point in points)
    assert int(root.find("PROJOFFS")[2]) == project.tempo_map.first_bar - 1


def test_markers_notes_and_rate(full):
    made, project = full
    root = read(project)
    markers = [(entry[3], round(Fraction(entry[2]) * made.rate)) for entry in root.findall("MARKER")]
    assert markers == [(marker.name, marker.position) for marker in project.markers]
    assert int(root.find("SAMPLERATE")[1]) == made.rate
    assert "came about" in reaper_project(project)


def test_its_folder_is_whole(full, tmp_path):
    made, project = full
    written = write_export(project, made.store.blobs, Format.RPP, tmp_path, "1")
    root = rpp.loads(written.main.read_text(encoding="utf-8"))
    named = {entry[1] for entry in root.findall(".//FILE")}
    there = {path.relative_to(written.main.parent).as_posix() for path in written.main.parent.rglob("*.wav")}
    assert named == there
    frames = {file.name: file.frames for file in project.files}
    for name in named:
        info = soundfile.info(written.main.parent / name)
        stem = name.removeprefix("Audio/").removesuffix(".wav")
        assert (info.samplerate, info.channels, info.frames) == (made.rate, made.channels, frames[stem])


@pytest.mark.parametrize("title", [*TITLES, "all of \"'` them", "|pipe", ">", "<"])
def test_nasty_titles(shelf, title):
    made = shelf(title=title)
    made.add(10, 100)
    root = read(song_project(made.store, made.song.digest, describe))
    name = root.findall("TRACK/ITEM/NAME")[1][1]
    expected = "".join(letter if letter.isprintable() else " " for letter in made.store.index.list()[0].title)
    if '"' in expected and "'" in expected:
        expected = expected.replace("`", "'")
    assert name == f"{expected or 'song'} repaint 1"


def test_quotation_marks():
    assert [quoted(text) for text in ("a", 'a"', "a\"'", "a\"'`", "")] == [
        '"a"',
        "'a\"'",
        "`a\"'`",
        "`a\"''`",
        '""',
    ]
