"""Plain HTTP at the server's port: schema, OSCQuery, and the files of takes."""

from __future__ import annotations

import io
import json

import jsonschema
import pytest
import soundfile

from daw_protocol.addresses import COMMANDS


@pytest.fixture(scope="module")
def take(server):
    with server.websocket() as ws:
        replies = ws.render("repaint", source="song.wav", start=1000, end=3000, title='Ü "Song"/..\\x')
        return next(reply for reply in replies if reply.name == "take")


def as_json(answer):
    status, headers, body = answer
    assert (status, headers["Content-Type"]) == (200, "application/json")
    return json.loads(body)


def test_the_schema_is_a_schema(server):
    schema = as_json(server.get("/schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "repaint" in json.dumps(schema)


def test_oscquery_gives_the_osc_port(server):
    info = as_json(server.get("/?HOST_INFO"))
    assert info["OSC_PORT"] == server.settings.osc_port
    assert info["OSC_TRANSPORT"] == "UDP"


def test_oscquery_describes_every_address(server):
    root = as_json(server.get("/"))
    assert root["FULL_PATH"] == "/"
    for command in COMMANDS:
        if command.osc:
            node = as_json(server.get(command.address))
            assert node["FULL_PATH"] == command.address
            assert len(node["RANGE"]) == len(node["TYPE"])
    assert as_json(server.get("/bridge"))["CONTENTS"]["repaint"]["ACCESS"] == 2


def test_a_browser_gets_a_page(server):
    status, headers, body = server.get("/", Accept="text/html,*/*")
    assert (status, headers["Content-Type"].startswith("text/html")) == (200, True)
    assert b"Takebridge" in body


def test_the_files_of_a_take(server, take):
    base = f"/takes/{take['take']}"
    status, headers, clip = server.get(f"{base}/clip.wav")
    assert (status, headers["Content-Type"]) == (200, "audio/wav")
    assert "attachment" in headers["Content-Disposition"]
    assert len(soundfile.read(io.BytesIO(clip))[0]) == 2000
    assert len(soundfile.read(io.BytesIO(server.get(f"{base}/song.wav")[2]))[0]) == 48000
    assert len(soundfile.read(io.BytesIO(server.get(f"{base}/handles.wav")[2]))[0]) == 2000 + 2 * 48000
    assert server.get(f"{base}/picture.png")[2].startswith(b"\x89PNG")
    assert as_json(server.get(f"{base}/recipe.json"))["take"] == take["take"]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/bridge/nothing", "/bridge/repaint/x", "/takes", "/takes/", "/takes/none/clip.wav",
        "/takes/TAKE", "/takes/TAKE/", "/takes/TAKE/none.mid", "/takes/TAKE/x/y", "/takes/..%2f..%2fetc/passwd",
        "/takes/TAKE/..%2f..%2fstore.sqlite3", "/../store.sqlite3", "/%00", "/server.json", "//evil/x",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(server, take, path):
    status, headers, body = server.get(path.replace("TAKE", take["take"]))
    assert (status, headers["Content-Type"].startswith("text/plain")) == (404, True)
    assert body
    assert b"SQLite" not in body


def test_a_strange_title_is_a_plain_file_name(server, take):
    name = server.get(f"/takes/{take['take']}/clip.wav")[1]["Content-Disposition"]
    assert name.count('"') == 2
    assert "/" not in name
    assert "\\" not in name
