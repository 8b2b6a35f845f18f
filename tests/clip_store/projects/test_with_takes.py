"""A project with takes: valid by the published schema, each take on its sample, and every other byte as it was."""

from __future__ import annotations

import zipfile

import pytest
import soundfile
from lxml import etree

from clip_store.errors import ProjectError
from clip_store.projects.project_file import chosen_track, open_project
from clip_store.projects.with_takes import PlacedTake, write_with_takes
from tests.clip_store.exports.dawproject_schemas import PROJECT_SCHEMA
from tests.clip_store.projects.made import RATE, audio, clip, clips, document, project, sound

XML = document(clips(clip(audio(), 0, 8)), bpm=127.3)
POSITION, FRAMES = 12_345, 1_001


def with_takes(folder, xml=XML, numbers=(1, 2)):
    """(the project, the written one's members, its document as lxml reads it)."""
    opened = open_project(project(folder / "p.dawproject", xml, {"audio/band.wav": sound(100)}))
    takes = []
    for number in numbers:
        path = folder / "take.wav" if number == 1 else folder / f"take{number}.wav"
        soundfile.write(path, sound(FRAMES, number), RATE, "PCM_24")
        takes.append(PlacedTake(f"Band take {number} & co", path, POSITION))
    made = folder / "made.dawproject"
    write_with_takes(opened, chosen_track(opened, "Band"), takes, made)
    with zipfile.ZipFile(made) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    return opened, members, etree.fromstring(members["project.xml"])


def test_takes_lie_on_their_samples_on_muted_tracks_behind_the_first(tmp_path):
    _, members, root = with_takes(tmp_path)
    PROJECT_SCHEMA.assertValid(root)
    group = root.find("Structure/Track")
    assert [track.get("name") for track in group.iterfind("Track")] == [
        "Band", "Band take 1 & co", "Band take 2 & co",
    ]  # fmt: skip
    for number, track in enumerate(list(group.iterfind("Track"))[1:], 1):
        assert track.find("Channel/Mute").get("value") == "true"
        (lanes,) = root.iterfind(f"Arrangement/Lanes/Lanes[@track='{track.get('id')}']")
        (one,) = lanes.iterfind("Clips/Clip")
        assert round(float(one.get("time")) * RATE, 3) == POSITION
        assert round(float(one.get("duration")) * RATE, 3) == FRAMES
        inside = one.find("Audio/File").get("path")
        assert members[inside] == (tmp_path / ("take.wav" if number == 1 else "take2.wav")).read_bytes()


def test_a_new_track_sounds_through_the_same_devices(tmp_path):
    _, _, root = with_takes(tmp_path, numbers=(1,))
    band, take = root.find("Structure/Track").iterfind("Track")
    assert take.find("Channel").get("destination") == "group-channel"
    assert take.find("Channel").get("solo") is None
    assert take.find("Channel/Devices/Device/State").get("path") == "plugins/amp.bin"
    assert take.find("Channel/Volume").get("value") == band.find("Channel/Volume").get("value")
    ids = root.xpath("//@id")
    assert len(ids) == len(set(ids))


def test_every_other_byte_stays(tmp_path):
    opened, members, root = with_takes(tmp_path)
    with zipfile.ZipFile(opened.path) as archive:
        for name in archive.namelist():
            if name != "project.xml":
                assert members[name] == archive.read(name)
    text = members["project.xml"]
    for element in [
        *root.xpath("//Track[starts-with(@id,'takebridge')]"),
        *root.xpath("//Lanes[@track][@timeUnit='seconds']"),
    ]:
        start = text.index(f'id="{element.get("id")}"'.encode())
        start = text.rindex(b"<", 0, start)
        end = text.index(f"</{element.tag}>".encode(), start) + len(element.tag) + 3
        text = text[:start] + text[end:]
    assert text == XML.encode()


@pytest.mark.parametrize("again", [False, True])
def test_names_that_are_taken_stay_whose_they_are(tmp_path, again):
    xml = XML.replace('id="keys-lanes"', 'id="takebridge-take"')
    _, members, root = with_takes(tmp_path, xml)
    PROJECT_SCHEMA.assertValid(root)
    assert members["audio/band.wav"][:4] == b"RIFF"
    if again:  # a project that has takes already gets more
        path = tmp_path / "again.dawproject"
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        second = open_project(path)
        take = PlacedTake("more", tmp_path / "take.wav", 0)
        write_with_takes(second, chosen_track(second, "Band"), [take], tmp_path / "twice.dawproject")
        with zipfile.ZipFile(tmp_path / "twice.dawproject") as archive:
            PROJECT_SCHEMA.assertValid(etree.fromstring(archive.read("project.xml")))
            assert archive.namelist().count("audio/take.wav") == 1
            assert "audio/take-2.wav" in archive.namelist()


def test_a_track_without_a_channel_gets_one(tmp_path):
    start, end = (
        XML.index('<Channel audioChannels="2" destination="group-channel"'),
        XML.index("</Channel>\n      </Track>"),
    )
    _, _, root = with_takes(tmp_path, XML[:start] + XML[end + len("</Channel>") :], (1,))
    PROJECT_SCHEMA.assertValid(root)
    assert root.xpath("//Track[@name='Band take 1 & co']/Channel/Mute/@value") == ["true"]


def test_an_empty_arrangement_is_refused(tmp_path):
    start, end = XML.index("<Arrangement"), XML.index("</Arrangement>") + len("</Arrangement>")
    with pytest.raises(ProjectError, match="no place for takes"):
        with_takes(tmp_path, XML[:start] + XML[end:])
    assert not (tmp_path / "made.dawproject").exists()
