"""DAWproject: valid by its official schemas, and read back by lxml, which knows nothing of how it was written."""

import itertools
import zipfile
from fractions import Fraction

import pytest
import soundfile
from lxml import etree

from clip_store.exports.arrange import song_project
from clip_store.exports.dawproject import clean, metadata_xml, project_xml
from clip_store.exports.formats import Format
from clip_store.exports.write import write_export
from tests.clip_store.exports.conftest import expected_clips
from tests.clip_store.exports.dawproject_schemas import METADATA_SCHEMA, PROJECT_SCHEMA
from tests.clip_store.exports.songs import describe
from tests.clip_store.exports.test_arrange import TITLES


def read(project):
    root = etree.fromstring(project_xml(project, "Takebridge", "1.2.3"))
    PROJECT_SCHEMA.assertValid(root)
    return root


def clips_in(root, rate):
    """(track, position, start, length, audible) of every clip, in samples."""
    tracks = {track.get("id"): track for track in root.iterfind("Structure/Track")}
    found = []
    for lanes in root.iterfind("Arrangement/Lanes/Lanes"):
        track = tracks[lanes.get("track")]
        muted = track.find("Channel/Mute").get("value") == "true"
        clips = lanes.find("Clips")
        assert clips.get("timeUnit") == "seconds"
        for clip in clips:
            position, start, length, stop = (
                float(clip.get(name)) * rate for name in ("time", "playStart", "duration", "playStop")
            )
            for value in (position, start, length, stop):
                assert abs(value - round(value)) < 1e-3, "a whole sample"
            assert round(stop) == round(start) + round(length)
            audible = not muted and clip.get("enable") == "true"
            found.append((track.get("name"), round(position), round(start), round(length), audible))
    return found


def times_of_tempos(root):
    """(beat, seconds) of the tempo points, added up from the points alone."""
    points = [
        (float(point.get("time")), float(point.get("value")), point.get("interpolation"))
        for point in root.iterfind("Arrangement/TempoAutomation/RealPoint")
    ]
    assert {how for _, _, how in points} == {"hold"}
    now, times = 0.0, [(0.0, 0.0)]
    for (beat, bpm, _), (following, _, _) in itertools.pairwise(points):
        now += 60 * (following - beat) / bpm
        times.append((following, now))
    return times


def test_clips_lie_on_their_samples(full):
    made, project = full
    assert clips_in(read(project), made.rate) == expected_clips(project)


def test_tempo_and_meters(full):
    _made, project = full
    root = read(project)
    assert root.find("Arrangement/TempoAutomation").get("timeUnit") == "beats"
    for beat, seconds in times_of_tempos(root):
        due = project.tempo_map.sample_at(Fraction(beat), 10**9) / 10**9
        assert abs(seconds - due) < 1e-8
    meters = [
        (float(point.get("time")), int(point.get("numerator")), int(point.get("denominator")))
        for point in root.iterfind("Arrangement/TimeSignatureAutomation/TimeSignaturePoint")
    ]
    assert meters == [
        (float(change.quarter), change.meter.numerator, change.meter.denominator)
        for change in project.tempo_map.meters
    ]
    first = root.find("Transport/TimeSignature")
    assert (int(first.get("numerator")), int(first.get("denominator"))) == meters[0][1:]
    assert float(root.find("Transport/Tempo").get("value")) == pytest.approx(
        float(project.tempo_map.points[0].bpm)
    )


def test_markers_and_notes(full):
    made, project = full
    root = read(project)
    markers = [
        (m.get("name"), round(float(m.get("time")) * made.rate))
        for m in root.iterfind("Arrangement/Markers/*")
    ]
    assert markers == [(marker.name, marker.position) for marker in project.markers]
    takes = [clip for clip in root.iterfind(".//Clip") if clip.get("name") != "Original"]
    assert all("came about" in clip.get("comment") for clip in takes)


def test_the_file_holds_its_sounds(full, tmp_path):
    made, project = full
    written = write_export(project, made.store.blobs, Format.DAWPROJECT, tmp_path / "out", "1")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [written.main.name]
    with zipfile.ZipFile(written.main) as archive:
        assert archive.testzip() is None
        METADATA_SCHEMA.assertValid(etree.fromstring(archive.read("metadata.xml")))
        root = etree.fromstring(archive.read("project.xml"))
        PROJECT_SCHEMA.assertValid(root)
        named = {file.get("path") for file in root.iterfind(".//Audio/File")}
        assert named == {name for name in archive.namelist() if name.startswith("audio/")}
        for audio in root.iterfind(".//Audio"):
            with archive.open(audio.find("File").get("path")) as member:
                info = soundfile.info(member)
            assert (info.samplerate, info.channels) == (made.rate, int(audio.get("channels")))
            assert info.frames == round(float(audio.get("duration")) * made.rate)


def test_equal_projects_are_equal_files(shelf, tmp_path):
    made = shelf()
    made.add(10, 100)
    project = song_project(made.store, made.song.digest, describe)
    first, second = (
        write_export(project, made.store.blobs, Format.DAWPROJECT, tmp_path, "1").main for _ in range(2)
    )
    assert (first.name, second.name) == ("Song.dawproject", "Song-2.dawproject")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("title", TITLES)
def test_nasty_titles(shelf, title):
    made = shelf(title=title)
    made.add(10, 100)
    project = song_project(made.store, made.song.digest, describe)
    names = [clip.get("name") for clip in read(project).iterfind(".//Clip")]
    # An attribute's white space is kept by the writer as references and given back as it was.
    assert names[1].startswith(clean(title) or "song")
    METADATA_SCHEMA.assertValid(etree.fromstring(metadata_xml(project)))
    assert etree.fromstring(metadata_xml(project)).findtext("Title") == clean(project.title)


def test_without_takes_and_with_a_hundred(shelf):
    made = shelf()
    assert len(clips_in(read(song_project(made.store, made.song.digest, describe)), 48_000)) == 1
    for _ in range(100):
        made.add(10, 100)
    assert len(clips_in(read(song_project(made.store, made.song.digest, describe)), 48_000)) == 101


def test_the_schema_refuses_what_is_wrong(full):
    """Else the tests above could not fail."""
    root = read(full[1])
    root.find(".//Clip").attrib.pop("time")
    assert not PROJECT_SCHEMA.validate(root)
