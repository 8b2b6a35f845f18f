"""Opening a .dawproject: what is none is refused in words, and tracks are found by their names."""

import zipfile

import pytest

from clip_store.errors import ProjectError
from clip_store.projects import project_file
from clip_store.projects.project_file import chosen_track, open_project
from tests.clip_store.projects.made import audio, clip, clips, document, project, sound

XML = document(clips(clip(audio(), 0, 8)))


def test_a_track_by_its_name_or_as_the_only_one(tmp_path):
    opened = open_project(project(tmp_path / "p.dawproject", XML))
    assert [chosen_track(opened, name).get("id") for name in ("", "Band", "band")] == ["band"] * 3
    with pytest.raises(ProjectError, match="its audio tracks: 'Band'"):
        chosen_track(opened, "Keys")


def test_two_tracks_of_one_name_are_no_choice(tmp_path):
    twice = XML.replace('name="Keys"', 'name="Band"').replace(
        'contentType="notes"', 'contentType="audio notes"'
    )
    opened = open_project(project(tmp_path / "p.dawproject", twice))
    with pytest.raises(ProjectError, match="rename tracks"):
        chosen_track(opened, "Band")
    with pytest.raises(ProjectError, match="only one audio track"):
        chosen_track(opened, "")


def test_sounds_are_extracted(tmp_path):
    opened = open_project(project(tmp_path / "p.dawproject", XML, {"audio/band.wav": sound(10)}))
    (tmp_path / "scratch").mkdir()
    assert opened.extract("audio/band.wav", tmp_path / "scratch").read_bytes()[:4] == b"RIFF"
    with pytest.raises(ProjectError, match="does not contain the sound audio/none"):
        opened.extract("audio/none.wav", tmp_path / "scratch")


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (XML.replace("Project", "Set"), "no project but <Set>"), ("<Project", "cannot be read"),
        (XML.replace("<Project", '<!DOCTYPE x [<!ENTITY y "z">]><Project', 1), "document type"),
        ("<Project>" * 200 + "</Project>" * 200, "more than 100 deep"),
        (XML.encode("utf-16"), "cannot be read"), (None, "contains no project.xml"),
    ],
    ids=lambda value: None if isinstance(value, str) else "bytes",
)  # fmt: skip
def test_what_is_no_project(tmp_path, xml, words):
    path = tmp_path / "p.dawproject"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.xml" if xml is None else "project.xml", xml or "")
    with pytest.raises(ProjectError, match=words):
        open_project(path)


def test_no_zip_and_no_file(tmp_path, monkeypatch):
    with pytest.raises(ProjectError, match="There is no file"):
        open_project(tmp_path / "p.dawproject")
    (tmp_path / "p.dawproject").write_bytes(b"PK rubbish")
    with pytest.raises(ProjectError, match="cannot be read as a DAWproject"):
        open_project(tmp_path / "p.dawproject")
    monkeypatch.setattr(project_file, "MAX_DOCUMENT", 100)
    with pytest.raises(ProjectError, match="larger than"):
        open_project(project(tmp_path / "q.dawproject", XML, {"audio/band.wav": sound(10)}))
