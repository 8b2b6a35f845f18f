import asyncio
import json
import socket

import pytest

from bridge_server.cli import doctor as module
from bridge_server.cli.client import status_of
from bridge_server.cli.console import TextConsole
from bridge_server.cli.doctor import (
    Finding,
    Verdict,
    beat_tracker,
    disk,
    doctor,
    engines,
    packages,
    port,
    ports,
    processor,
    render_hosts,
    show,
    tools,
)
from bridge_server.engines.registry import EngineSetup, engine_setups
from bridge_server.jobs.database import DATABASE
from bridge_server.server import find_server
from bridge_server.settings import Settings
from daw_protocol.results import ServerStatus
from model import ears
from model.kernel_choices import chosen_once
from tests.doubles import ENGINES

GOOD, OPTIONAL, BAD = Verdict


@pytest.fixture
def settings(tmp_path):
    """A store of the test's own, and ports that are free."""
    return Settings(store=tmp_path / "store", osc_port=0, websocket_port=0)


def test_what_this_test_runs_on_is_installed():
    base, extra = packages()
    assert base.verdict is GOOD
    assert "numpy" in base.found
    assert "websockets" in base.found
    assert extra.verdict in (GOOD, OPTIONAL)  # nothing but the neural engine needs torch
    assert extra.verdict is GOOD or "pip install" in extra.remedy


def test_engines(settings):
    changed = Settings(
        store=settings.store,
        engine="noise",
        engines={"noise": ENGINES["noise"], "gone": EngineSetup("no_such_package.x:Y")},
    )
    noise, gone = asyncio.run(engines(changed))
    assert (noise.verdict, noise.what) == (GOOD, "engine noise")
    assert "repaint" in noise.found
    assert (gone.verdict, gone.what) == (OPTIONAL, "engine gone")
    assert "no_such_package" in gone.found
    assert gone.remedy


def test_what_sets_an_engine_right_comes_before_what_it_is_not_made_for(tmp_path):
    separating = {"stems": engine_setups(models=tmp_path)["stems"]}
    (stems,) = asyncio.run(engines(Settings(store=tmp_path, engine="stems", engines=separating)))
    assert stems.verdict is OPTIONAL
    assert "takebridge models pull stems" in stems.remedy or "pip install" in stems.remedy


def test_what_the_processor_is_fastest_in(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "version_of", lambda _: "1.0")
    place = tmp_path / "kernels.json"
    asking = Settings(store=tmp_path, engines=engine_setups(models=tmp_path, device="cpu", kernels=place))
    (before,) = processor(asking)
    assert before.verdict is OPTIONAL
    assert str(place) in before.found
    chosen_once(
        place,
        "a processor, 2 threads",
        frozenset({"onednn", "sine"}),
        lambda: {"onednn": True, "sine": False},
    )
    (found,) = processor(asking)
    assert found.verdict is GOOD
    assert "fastest with onednn, measured with a processor, 2 threads" in found.found
    assert f"delete {place}" in found.found
    chosen_once(place, "of before", frozenset({"onednn"}), lambda: {"onednn": False})
    assert [line.found.split("; ")[0] for line in processor(asking)] == [
        "fastest with onednn, measured with a processor, 2 threads",
        "fastest with torch's own ways, measured with of before",
    ]
    on_a_card = engine_setups(models=tmp_path, device="cuda:1", kernels=place)
    assert not list(processor(Settings(store=tmp_path, engines=on_a_card))), "its processor renders nothing"
    place.write_text("{", encoding="utf-8")
    assert list(processor(asking)) == [before]
    assert not list(processor(Settings(store=tmp_path))), "a server that keeps none"
    monkeypatch.setattr(module, "version_of", lambda _: None)
    assert not list(processor(asking)), "without the packages nothing measures it"


def test_models_that_this_user_may_not_read_are_a_finding_among_others(tmp_path, monkeypatch):
    def refused(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(module, "look", refused)
    (found,) = module.models(tmp_path)
    assert found.verdict is BAD
    assert str(tmp_path) in found.found
    assert "permissions" in found.remedy


def test_a_store_that_can_be_written(tmp_path):
    (found,) = disk(tmp_path / "new" / "store")
    assert found.verdict in (GOOD, BAD)  # bad only where the disk is nearly full
    assert "GB free" in found.found
    assert list((tmp_path / "new" / "store").iterdir()) == []


def test_a_store_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    (found,) = disk(tmp_path / "file" / "store")
    assert found.verdict is BAD
    assert "--store" in found.remedy


def test_a_store_that_no_server_could_use(tmp_path):
    (tmp_path / DATABASE).write_bytes(b"no database " * 1000)
    damaged, room = disk(tmp_path)
    assert (damaged.verdict, "damaged" in damaged.found) == (BAD, True)
    assert "GB free" in room.found


def test_a_disk_that_is_nearly_full(small_disk):
    (found,) = disk(small_disk / "store")
    assert found.verdict is BAD
    assert "sweep" in found.remedy


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_ports(kind):
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        taken = port("127.0.0.1", other.getsockname()[1], "OSC port", kind, "--osc-port")
    assert taken.verdict is BAD
    assert "--osc-port" in taken.remedy
    assert port("127.0.0.1", 0, "OSC port", kind, "--osc-port").verdict is GOOD


def test_tools_say_how_to_get_them():
    for found in tools():
        assert found.remedy
        assert found.verdict is not BAD


def test_a_server_that_runs(server):
    (found,) = asyncio.run(ports(server.settings))
    assert (found.what, found.verdict) == ("server", GOOD)
    assert "jobs waiting" in found.found


def test_render_hosts_say_how_they_are(server):
    status = asyncio.run(status_of(find_server(server.settings.store)))
    hosts = [
        {"name": "box", "address": "ws://box", "connected": True, "places": 2, "engines": ["sketch"]},
        {
            "name": "old",
            "address": "ws://old",
            "connected": True,
            "places": 1,
            "engines": ["sketch"],
            "notes": ["It is old. Renew it."],
        },
        {"name": "away", "address": "ws://away", "connected": False, "problem": "it does not answer"},
        {"name": "new", "address": "ws://new", "connected": False},
    ]
    found = list(render_hosts(ServerStatus.from_stored({**status, "render_hosts": hosts})))
    assert [(one.what, one.verdict, one.found) for one in found] == [
        ("render host box", GOOD, "2 places, sketch"),
        ("render host old", GOOD, "1 places, sketch"),
        ("render host old", OPTIONAL, "It is old. Renew it."),
        ("render host away", OPTIONAL, "cannot be reached: it does not answer"),
        ("render host new", OPTIONAL, "has not answered yet"),
    ]
    assert "network" in found[3].remedy


def test_no_server(settings):
    assert [found.what for found in asyncio.run(ports(settings))] == ["OSC port", "WebSocket port"]


def test_for_programs(settings, capsys):
    status = asyncio.run(doctor(settings, as_json=True))
    reported = json.loads(capsys.readouterr().out)
    assert {"packages", "store", "OSC port", "WebSocket port", "engine sketch"} <= {
        entry["what"] for entry in reported
    }
    for entry in reported:
        assert set(entry) == {"what", "verdict", "found", "remedy"}
        assert entry["verdict"] in ("good", "optional", "bad")
    assert status == any(entry["verdict"] == "bad" for entry in reported)


def test_what_is_broken_makes_the_status(settings, capsys, tmp_path):
    (tmp_path / "file").write_text("in the way")
    broken = Settings(store=tmp_path / "file" / "store", osc_port=0, websocket_port=0)
    assert asyncio.run(doctor(broken, as_json=False)) == 1
    assert "1 problems found" in capsys.readouterr().out


def test_in_another_language_each_piece_of_a_line_is(capsys, monkeypatch):
    monkeypatch.setattr(TextConsole, "language", "ko")
    show(
        [Finding("beat tracker", OPTIONAL, "no sound device", "Connect one; everything else works without.")]
    )
    assert capsys.readouterr().out.splitlines()[1].startswith("– 박 추적기: 사운드 장치 없음")


def test_for_people(capsys):
    show(
        [
            Finding("good thing", GOOD, "here", "not shown"),
            Finding("extra", OPTIONAL, "not [installed]", "pip install 'a[b]'"),
        ]
    )
    reported = capsys.readouterr().out
    assert "✓ good thing: here" in reported
    assert "not shown" not in reported
    assert "– extra: not [installed]" in reported
    assert "pip install 'a[b]'" in reported
    assert "No problems found." in reported


def test_the_beat_tracker_is_optional_and_says_what_it_lacks(monkeypatch, tmp_path):
    weights = tmp_path / "final0.ckpt"
    monkeypatch.setattr(ears, "weights_path", lambda: weights)
    assert (beat_tracker().verdict, beat_tracker().remedy[:22]) == (OPTIONAL, "takebridge models ears")
    weights.touch()
    assert beat_tracker().verdict is GOOD

    def missing():
        raise ears.CannotHear

    monkeypatch.setattr(ears, "weights_path", missing)
    assert (beat_tracker().verdict, beat_tracker().remedy) == (OPTIONAL, "pip install 'takebridge[ears]'")
