"""ReaPack's way to the scripts: an index every entry of which can be fetched, and nothing else."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from bridge_server.bundled import scripts_folder


def test_every_script_is_in_the_index_and_can_be_fetched(server):
    status, headers, body = server.get("/reaper/index.xml")
    assert (status, headers["Content-Type"]) == (200, "application/xml")
    index = ElementTree.fromstring(body)
    assert (index.tag, index.get("version")) == ("index", "1")
    address = f"http://127.0.0.1:{server.settings.websocket_port}/reaper/"
    folder = scripts_folder("reaper")
    sources = {source.get("file"): source for source in index.iter("source")}
    assert set(sources) == {path.relative_to(folder).as_posix() for path in folder.rglob("*.lua")}
    for name, source in sources.items():
        assert source.text == address + name
        found = server.get(f"/reaper/{name}")
        assert (found[0], found[2]) == (200, (folder / name).read_bytes())
        # Actions are shown in REAPER's list; what they are made of is not.
        assert (source.get("main") == "main") == ("/" not in name)


@pytest.mark.parametrize(
    "name", ["", "README.md", "../reaper/index.xml", "lib", "%2e%2e/demo_song/score.py", "/etc/passwd"]
)
def test_nothing_else_is_handed_out(server, name):
    assert server.get(f"/reaper/{name}")[0] == 404
