"""The example clients: those that can run here run against the real server; of the others every address is checked."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage

from daw_protocol.addresses import BY_ADDRESS, field_names
from daw_protocol.osc_form import request_from_osc
from daw_protocol.pad_map import read_pad_map
from daw_protocol.replies import REPLIES
from examples.osc import max_patch, surfaces
from tests.bridge_server.peers import PATIENCE, band_song, datagram, free_port
from tests.bridge_server.servers import server_fixture
from tests.places import DOCS, EXAMPLES

OSC = EXAMPLES / "osc"
PYTHON = EXAMPLES / "python"


server = server_fixture((band_song, "song.wav"))


@pytest.fixture
def rendered(server):
    """After the test two takes more must be there."""
    before = {take.id for take in server.takes()}
    yield
    new = [take for take in server.takes() if take.id not in before]
    assert len(new) == 2


def run(words: list[str], cwd: Path, **more: str) -> str:
    """A client's whole output; it must end well."""
    done = subprocess.run(
        words, cwd=cwd, env={**os.environ, "HOME": str(cwd), **more}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=2 * PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def needs(program: str, package: str) -> pytest.MarkDecorator:
    missing = shutil.which(program) is None
    return pytest.mark.skipif(missing, reason=f"SKIPPED: {program} is not installed (apt: {package})")


@pytest.mark.usefixtures("rendered")
def test_python_over_osc(server, tmp_path):
    words = [sys.executable, str(PYTHON / "repaint_osc.py"), "song.wav", "2-3"]
    said = run([*words, "--port", str(server.settings.osc_port)], tmp_path)
    assert said.count("take t") == 2
    assert "%" in said
    assert "is chosen for its region" in said


@pytest.mark.usefixtures("rendered")
def test_python_over_websocket(server, tmp_path):
    words = [sys.executable, str(PYTHON / "repaint_websocket.py"), "song.wav", "2-3"]
    said = run([*words, "--port", str(server.settings.websocket_port)], tmp_path)
    assert "chosen: t" in said
    assert (tmp_path / "take.wav").read_bytes()[:4] == b"RIFF"


@pytest.mark.parametrize("name", ["repaint_osc.py", "repaint_websocket.py"])
def test_a_python_client_says_what_the_bridge_says(server, tmp_path, name):
    port = server.settings.osc_port if "osc" in name else server.settings.websocket_port
    words = [sys.executable, str(PYTHON / name), "none.wav", "2-3", "--port", str(port)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert "none.wav" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_without_a_server_a_client_tries_for_a_while_and_says_how_to_start_one(tmp_path):
    """The same message again after about 1, 3 and 7 seconds: a busy machine may be slow to reply. The end after 15.

    Both clients at once, so that the time is waited for once; without oscdump the shell's is left out.
    """
    clients = [[sys.executable, str(PYTHON / "repaint_osc.py"), "none.wav", "2-3", "--port", "PORT"]]
    if shutil.which("oscdump") is not None:
        clients.append(["sh", str(OSC / "repaint.sh"), "none.wav", "2-3"])
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in clients]
        began = time.monotonic()
        running = []
        for one, words in zip(silent, clients, strict=True):
            one.bind(("127.0.0.1", 0))
            one.setblocking(False)
            port = str(one.getsockname()[1])
            running.append(
                subprocess.Popen(
                    [word.replace("PORT", port) for word in words],
                    cwd=tmp_path,
                    text=True,
                    env={**os.environ, "BRIDGE_OSC_PORT": port, "REPLY_PORT": str(free_port())},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                )
            )
        for one, process in zip(silent, running, strict=True):
            _, said = process.communicate(timeout=PATIENCE)
            seconds = time.monotonic() - began
            ids = [OscMessage(one.recv(65536)).params[0] for _ in range(4)]
            with pytest.raises(BlockingIOError):
                one.recv(65536)
            assert process.returncode == 1
            assert "takebridge serve" in said
            assert len(set(ids)) == 1
            assert 14 < seconds < 60


@pytest.mark.parametrize("path", sorted(PYTHON.glob("*.py")), ids=lambda path: path.name)
def test_python_clients_are_short_and_need_none_of_our_code(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 90
    assert not re.search(r"^(from|import) (bridge_server|daw_protocol|clip_store|model)", text, re.MULTILINE)


@needs("oscdump", "liblo-tools")
@pytest.mark.usefixtures("rendered")
def test_a_shell(server, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        replies = free.getsockname()[1]
    more = {"BRIDGE_OSC_PORT": str(server.settings.osc_port), "REPLY_PORT": str(replies)}
    said = run(["sh", str(OSC / "repaint.sh"), "song.wav", "2-3", "120"], tmp_path, **more)
    assert "/bridge/ack" in said
    assert said.count("/bridge/take ") == 2
    assert "/bridge/done" in said
    (bar,) = {take.position / take.rate for take in server.takes() if take.id in said}
    assert bar == 2.0, "bar 2 at 120 bpm"


@needs("oscdump", "liblo-tools")
def test_a_shell_gives_up_when_the_server_falls_silent(tmp_path):
    """It acknowledged the request and was then killed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(PATIENCE)
        replies = free_port()
        more = {"BRIDGE_OSC_PORT": str(silent.getsockname()[1]), "REPLY_PORT": str(replies), "SILENCE": "2"}
        process = subprocess.Popen(
            ["sh", str(OSC / "repaint.sh"), "song.wav", "2-3"], cwd=tmp_path, env={**os.environ, **more},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            name = OscMessage(silent.recv(65536)).params[0]
            silent.sendto(
                datagram("/bridge/ack", name, "job", "j1", "state", "queued"), ("127.0.0.1", replies)
            )
            said, problem = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 1
    assert "/bridge/ack" in said
    assert "has not said anything for 2 s" in problem


@needs("sclang", "supercollider-language")
@pytest.mark.usefixtures("rendered")
def test_supercollider(server, tmp_path):
    """sclang without its editor; root needs the variable, for the web engine it would open."""
    more = {"QTWEBENGINE_DISABLE_SANDBOX": "1", "QT_QPA_PLATFORM": "offscreen"}
    port = str(server.settings.osc_port)
    said = run(["sclang", "-D", str(OSC / "repaint.scd"), port, "song.wav", "2-3", "120"], tmp_path, **more)
    assert re.search(r"^take t\w+ starts at sample 88200 ", said, re.MULTILINE), said
    assert re.search(r": \d+%$", said, re.MULTILINE)
    assert "is chosen for its region" in said
    assert "ERROR" not in said


@needs("pd", "puredata-core")
@pytest.mark.usefixtures("rendered")
def test_pure_data(server, tmp_path):
    """The patch as it is, with its buttons pressed from outside, one after the other as the answers come."""
    connect = f"connect 127.0.0.1 {server.settings.osc_port}"
    text = (OSC / "bridge.pd").read_text().replace("connect 127.0.0.1 9124", connect)
    (tmp_path / "bridge.pd").write_text(text)
    words = ["pd", "-nogui", "-noaudio", "-nomidi", "-stderr"]
    press = "; song bang; select bang; repaint bang"
    process = subprocess.Popen(
        [*words, "-send", press, "bridge.pd"], cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        said = list(_until_done(process))
    finally:
        process.terminate()
        process.wait(PATIENCE)
        process.stderr.close()
    assert said[0].startswith("ok:")
    assert sum(line.startswith("take:") for line in said) == 2
    assert any(line.startswith("progress:") and "fraction" in line for line in said)
    assert not any("error" in line for line in said), said


def _until_done(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stderr is not None
    for line in process.stderr:
        yield line
        if line.startswith(("done:", "failed:")):
            assert line.startswith("done:"), line
            return


# What a text sends: an address of ours, and what is written behind it up to the end of the message.
ADDRESS = re.compile(r"/bridge(?:/[a-z]+)+")
MISUNDERSTOOD = ("bad_message", "unknown_command", "unknown_field", "wrong_type", "out_of_range", "internal")
RECEIVED = {f"/bridge/{reply.name}" for reply in REPLIES}


@pytest.mark.parametrize(
    "path", sorted(path for folder in (OSC, PYTHON) for path in folder.iterdir() if path.suffix in
                   (".sh", ".scd", ".maxpat", ".md", ".py", ".json")), ids=lambda path: path.name,
)  # fmt: skip
def test_every_address_in_the_examples_is_one(path):
    all_of_them_are(path)


def test_every_address_on_the_page_about_it_is_one():
    all_of_them_are(DOCS / "live-control.md")


def test_the_map_on_the_page_about_it_is_right():
    page = (DOCS / "live-control.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if re.match(r"    (note|cc|program) \d", line)]
    assert len(read_pad_map("\n".join(lines))) == len(lines) == 7


def all_of_them_are(path):
    found = set(ADDRESS.findall(path.read_text(encoding="utf-8")))
    assert found <= set(BY_ADDRESS) | RECEIVED, found - set(BY_ADDRESS) - RECEIVED


def test_every_address_in_the_patch_is_one():
    """Pure Data writes /bridge/takes/choose as `oscformat -f s bridge takes choose`."""
    text = (OSC / "bridge.pd").read_text()
    sent = {f"/{'/'.join(words.split())}" for words in re.findall(r"oscformat -f \w+ ([a-z ]+);", text)}
    assert sent == {"/bridge/repaint", "/bridge/takes/choose", "/bridge/source", "/bridge/select"}
    assert sent <= set(BY_ADDRESS)
    received = {f"/bridge/{name}" for name in re.search(r"route (progress [a-z ]+);", text)[1].split()}
    assert received <= RECEIVED
    for name in ("strength", "takes"):
        assert name in field_names(BY_ADDRESS["/bridge/repaint"])


def max_boxes():
    content = json.loads((OSC / "bridge.maxpat").read_text(encoding="utf-8"))["patcher"]
    return {entry["box"]["id"]: entry["box"] for entry in content["boxes"]}, [
        entry["patchline"] for entry in content["lines"]
    ]


def test_the_max_patch_is_the_one_the_script_writes():
    assert (OSC / "bridge.maxpat").read_text(encoding="utf-8") == max_patch.text()


def test_the_max_patch_connects_what_it_has():
    """Each line goes from an outlet to an inlet that are there; no box covers another."""
    boxes, lines = max_boxes()
    for line in lines:
        (source, outlet), (target, inlet) = line["source"], line["destination"]
        assert outlet < boxes[source]["numoutlets"]
        assert inlet < boxes[target]["numinlets"]
    frames = [tuple(box["patching_rect"]) for box in boxes.values()]
    assert not [(a, b) for n, a in enumerate(frames) for b in frames[n + 1 :] if _overlaps(a, b)]


def test_the_max_patch_hears_every_reply_to_its_requests():
    boxes, _ = max_boxes()
    (words,) = (box["text"].split()[1:] for box in boxes.values() if box["text"].startswith("route "))
    assert set(words) == {
        f"/bridge/{name}" for name in ("ack", "progress", "take", "done", "failed", "cancelled")
    }
    assert set(words) <= RECEIVED


def in_max(word):
    """A word of a message box as Max sends it: a whole number, a float or a symbol."""
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def test_each_message_of_the_max_patch_is_understood(server):
    """Sent to a real server from one port; the answer, or the error, comes to the reply_port."""
    boxes, _ = max_boxes()
    messages = [box["text"] for box in boxes.values() if box["maxclass"] == "message"]
    messages = [text for text in messages if text != "/bridge/takes/choose"]
    wrong = f"/bridge/repaint strength much reply_port {max_patch.REPLIES}"
    for text in [*messages, wrong]:
        pairs = answer_to(server, text)
        assert (pairs.get("code") in MISUNDERSTOOD) == (text == wrong), (text, pairs)


def answer_to(server, text):
    """The pairs of the first reply at a reply_port of this message's own; nothing listens where it comes from."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(PATIENCE)
        address, *words = text.replace(str(max_patch.REPLIES), str(receiver.getsockname()[1])).split()
        sender.sendto(datagram(address, *map(in_max, words)), ("127.0.0.1", server.settings.osc_port))
        answer = OscMessage(receiver.recv(65536))
    return dict(zip(answer.params[1::2], answer.params[2::2], strict=False))


def known(values):
    """Values a surface could have for the names it sends."""
    return {"strength": 0.5, "takes": 2, "take": "t1", "job": "j1", "on": 1, **values}


@pytest.mark.parametrize(
    "control", [entry for entry in surfaces.CONTROLS if entry.kind == "button"], ids=lambda entry: entry.name
)
def test_every_button_sends_what_the_bridge_understands(control):
    pairs = [word for name in surfaces.arguments(control) for word in (name, known({})[name])]
    command, _ = request_from_osc(control.address, pairs)
    assert command.address == control.address


def test_what_the_surfaces_show_is_in_the_replies():
    fields = {
        f"/bridge/{reply.name}": {entry.name for entry in dataclasses.fields(reply)} for reply in REPLIES
    }
    for address, names in surfaces.REPLIES_SHOWN.items():
        assert set(names) <= fields[address]


def test_the_files_are_those_the_script_writes():
    session = json.loads((OSC / "open_stage_control.json").read_text(encoding="utf-8"))
    assert session == surfaces.stage_session()
    layout = zlib.decompress((OSC / "touchosc.tosc").read_bytes()).decode()
    assert layout == surfaces.touchosc_xml()


PROPERTIES = json.loads(Path(__file__).with_name("open_stage_control_properties.json").read_text())
KINDS = {
    "string": str, "script": str, "percentage": str, "boolean": bool, "number": (int, float), "integer": int,
    "array": list, "object": dict, "null": type(None), "*": object,
}  # fmt: skip


def property_problem(widget, name):
    """What Open Stage Control has against a property of a widget; "" for nothing."""
    kind = {**PROPERTIES["every widget"], **PROPERTIES[widget["type"]]}.get(name)
    value = widget[name]
    if kind is None:
        return f"{widget['type']} has no {name}"
    if isinstance(kind, list):
        return "" if any(value is one or value == one for one in kind) else f"{name} is none of {kind}"
    fits = any(
        isinstance(value, KINDS[one]) and (one in ("boolean", "*") or not isinstance(value, bool))
        for one in kind.split("|")
    )
    return "" if fits else f"{name} is no {kind}"


def test_the_session_has_the_properties_that_open_stage_controls_source_has():
    root = surfaces.stage_session()["content"]
    for widget in (root, *root["widgets"]):
        assert [found for name in widget if (found := property_problem(widget, name))] == [], widget["id"]
    for wrong in ({"mode": "press"}, {"colour": "red"}, {"bypass": 1}, {"label": 3}):
        (name,) = wrong
        assert property_problem({"type": "button", **wrong}, name)
    assert property_problem({"type": "variable", "width": 3}, "width") == "variable has no width"


def test_the_session_is_as_open_stage_control_has_them():
    root = surfaces.stage_session()["content"]
    names = [widget["id"] for widget in root["widgets"]]
    assert len(set(names)) == len(names)
    for widget in root["widgets"]:
        assert widget["type"] in ("text", "fader", "button", "variable")
        if widget["type"] != "variable":
            assert widget["left"] + widget["width"] <= root["width"]
            assert widget["top"] + widget["height"] <= root["height"]
        if widget["type"] == "button":
            assert widget["mode"] == "tap"
            assert widget["bypass"]


def _overlaps(one, other):
    (left, top, width, height), (x, y, w, h) = one, other
    return left < x + w and x < left + width and top < y + h and y < top + height


def test_nothing_on_the_surface_covers_anything_else():
    frames = [control.frame for control in surfaces.CONTROLS]
    frames += [surfaces._above(entry.frame) for entry in surfaces.CONTROLS if entry.kind in ("fader", "bar")]
    clashes = [(a, b) for n, a in enumerate(frames) for b in frames[n + 1 :] if _overlaps(a, b)]
    assert not clashes


@needs("node", "nodejs")
def test_the_session_s_scripts_work(tmp_path):
    """Each script with Open Stage Control's `get`, `set`, `send` and `value`, as its documentation has them."""
    session = surfaces.stage_session()["content"]["widgets"]
    program = """
const [widgets, replies] = JSON.parse(require('fs').readFileSync(0));
const state = {strength: 0.5, takes: 2}, sent = [];
const run = (script, value) => new Function('value', 'get', 'set', 'send', script)(
  value, name => state[name], (name, given) => { state[name] = given }, (...words) => sent.push(words));
for (const [address, value] of replies)
  for (const widget of widgets)
    if (widget.address === address && widget.type === 'variable') run(widget.onValue, value);
for (const widget of widgets) if (widget.type === 'button') run(widget.onValue, 1);
console.log(JSON.stringify({state, sent}));
"""
    replies = [
        ("/bridge/ack", ["", "job", "j7", "state", "queued"]),
        ("/bridge/progress", ["", "job", "j7", "stage", "rendering", "fraction", 0.25]),
        ("/bridge/take", ["", "job", "j7", "take", "t9", "number", 1, "stem", "take"]),
    ]
    done = subprocess.run(
        ["node", "-e", program], input=json.dumps([session, replies]), capture_output=True, text=True,
        timeout=PATIENCE, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["state"]["job"] == "j7"
    assert found["state"]["take"] == "t9"
    assert found["state"]["progress"] == 0.25
    assert found["state"]["message"] == "rendering"
    sent = {address: words for address, *words in found["sent"]}
    assert sent["/bridge/repaint"] == ["strength", 0.5, "takes", 2]
    assert sent["/bridge/takes/choose"] == ["take", "t9"]
    for address, words in sent.items():
        request_from_osc(address, words)


def test_the_layout_is_as_touchosc_has_them():
    """zlib over XML; each control with a name, a frame and its values, as TouchOSC's own files have them."""
    root = ET.fromstring(zlib.decompress((OSC / "touchosc.tosc").read_bytes()))
    assert (root.tag, root.get("version")) == ("lexml", "3")
    nodes = list(root.iter("node"))
    assert len({node.get("ID") for node in nodes}) == len(nodes)
    for node in nodes:
        keys = {entry.findtext("key") for entry in node.findall("properties/property")}
        assert {"name", "frame", "color", "visible"} <= keys
        assert {entry.findtext("key") for entry in node.findall("values/value")} >= {"touch"}
    assert {node.get("type") for node in nodes} == {"GROUP", "BUTTON", "FADER", "LABEL"}


def test_the_layout_is_one_that_an_independent_reader_has_nothing_against(tmp_path):
    """py2tosc's rules are those that all layouts of TouchOSC's own editor keep."""
    py2tosc = pytest.importorskip("py2tosc", reason="SKIPPED: py2tosc is missing; pip install -e '.[dev]'")
    layout = py2tosc.load(OSC / "touchosc.tosc")
    assert list(layout.validate()) == []
    assert len(list(layout.find_all(type="BUTTON"))) == len(
        [entry for entry in surfaces.CONTROLS if entry.kind == "button"]
    )
    broken = tmp_path / "broken.tosc"
    xml = surfaces.touchosc_xml()
    broken.write_bytes(
        zlib.compress(xml.replace("<key><![CDATA[textSize]]>", "<key><![CDATA[buttonType]]>").encode())
    )
    assert list(py2tosc.load(broken).validate()) != []


@needs("lua5.4", "lua5.4")
def test_the_layout_s_scripts_work(server, tmp_path):
    """In a real Lua, with TouchOSC's `self`, `notify` and `sendOSC`; what is sent goes to the real server."""
    scripts = {
        node.findtext("properties/property[key='name']/value"): node.findtext("properties/property[key='script']/value")
        for node in ET.fromstring(surfaces.touchosc_xml()).iter("node")
    }  # fmt: skip
    buttons = [entry for entry in surfaces.CONTROLS if entry.kind == "button"]
    (tmp_path / "root.lua").write_text(scripts["bridge"])
    for control in buttons:
        (tmp_path / f"{control.name}.lua").write_text(scripts[control.name])
    program = """
local root = {children = {strength = {values = {x = 0.5}}, takes = {values = {x = 1 / 7}},
  progress = {values = {x = 0}}, message = {values = {text = ''}}}}
local function load_script(name, self)
  local world = setmetatable({self = self, sendOSC = function(...)
    local words = {}
    for _, word in ipairs({...}) do words[#words + 1] = (type(word) == 'number' and 'n' or 's') .. tostring(word) end
    print(table.concat(words, '\\t'))
  end}, {__index = _G})
  assert(loadfile(name .. '.lua', 't', world))()
  return world
end
local surface = load_script('root', root)
function root:notify(address, names) surface.onReceiveNotify(address, names) end
local function reply(...)
  local words = {}
  for n, word in ipairs({...}) do words[n] = {tag = 's', value = word} end
  return words
end
surface.onReceiveOSC({'/bridge/ack', reply('', 'job', 'j7', 'state', 'queued')}, {true})
surface.onReceiveOSC({'/bridge/take', reply('', 'job', 'j7', 'take', 't9', 'stem', 'mix')}, {true})
surface.onReceiveOSC({'/bridge/progress', reply('', 'stage', 'rendering', 'fraction', 0.25)}, {true})
for name in string.gmatch(arg[1], '%S+') do
  local button = load_script(name, {values = {x = 1}, parent = root})
  button.onValueChanged('touch')
  button.onValueChanged('x')
end
io.stderr:write(root.children.message.values.text, ' ', root.children.progress.values.x)
"""
    (tmp_path / "run.lua").write_text(program)
    names = " ".join(control.name for control in buttons)
    done = subprocess.run(
        ["lua5.4", "run.lua", names],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stderr == "rendering 0.25"
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(lines) == len(buttons)
    with server.osc() as osc:
        for address, *words in lines:
            given = [float(word[1:]) if word[0] == "n" else word[1:] for word in words]
            given[given.index("reply_port") + 1] = osc.port
            reply = osc.ask(address[1:], *given)
            # There is no take t9 and no job j7, and no song or no tempo yet; but every word must have been understood.
            if reply.name == "failed" and reply["code"] == "missing_field":
                assert reply["field"] in ("source", "start", "bpm"), (address, reply)
            elif reply.name == "failed":
                assert reply["code"] not in MISUNDERSTOOD, (address, reply)
