"""Files that come with the program are found, installed or not."""

from bridge_server import bundled
from bridge_server.bundled import PANEL, demo_song_folder, scripts_folder
from tests.places import DEMO_SONG, EXAMPLES


def test_in_the_source_tree_they_lie_among_the_examples():
    assert demo_song_folder() == DEMO_SONG.parent
    assert scripts_folder("reaper") == EXAMPLES / "reaper"
    assert (PANEL / "index.html").is_file()


def test_an_installed_program_has_its_own(tmp_path, monkeypatch):
    for name in ("demo_song", "daw_scripts/reaper"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(bundled, "PACKAGE", tmp_path)
    assert demo_song_folder() == tmp_path / "demo_song"
    assert scripts_folder("reaper") == tmp_path / "daw_scripts" / "reaper"
