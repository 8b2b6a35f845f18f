"""The commands without a process: what they print as JSON and return, against a server and by starting one."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from bridge_server.cli import commands
from bridge_server.cli.commands import Screen
from daw_protocol.addresses import BY_NAME
from daw_protocol.errors import ProtocolError
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in


@pytest.fixture
def song(tmp_path):
    return noise_song(tmp_path / "my song.wav", 9000)


@pytest.fixture(params=[True, False], ids=["running", "started"])
def settings(request, tmp_path):
    found = settings_in(tmp_path)
    if not request.param:
        yield found
        return
    with ServerThread(found):
        yield found


def repaint(settings, song, out, screen, **fields):
    asked = {"start": "1000", "end": "5000", **fields}
    return asyncio.run(
        commands.render(settings, screen, BY_NAME["repaint"], [song] if song else [], None, asked, out)
    )


def test_render_list_choose_save(settings, song, tmp_path, capsys):
    screen = Screen(Console(file=io.StringIO()), as_json=True)
    assert repaint(settings, song, tmp_path / "out", screen, takes="2") == 0
    reply = json.loads(capsys.readouterr().out)
    assert (reply["reply"], reply["takes"]) == ("done", 2)
    assert (tmp_path / "out" / "my song.repaint.2.wav").exists()
    name = reply["results"][0]["take"]
    assert asyncio.run(commands.jobs(settings, screen, None)) == 0
    assert json.loads(capsys.readouterr().out)[0]["state"] == "done"
    assert asyncio.run(commands.takes(settings, screen, "choose", name, tmp_path)) == 0
    assert json.loads(capsys.readouterr().out)["chosen"] == name
    assert asyncio.run(commands.takes(settings, screen, "lineage", name, tmp_path)) == 0
    assert [take["take"] for take in json.loads(capsys.readouterr().out)] == [name]
    assert asyncio.run(commands.takes(settings, screen, "save", name, tmp_path / "again")) == 0
    assert (tmp_path / "again" / "my song.repaint.1.json").exists()


def test_a_render_hears_what_is_accepted_unless_it_is_to_hear_the_original(settings, song, tmp_path, capsys):
    screen = Screen(Console(file=io.StringIO()), as_json=True)

    def heard(**fields):
        assert repaint(settings, song, tmp_path / "out", screen, **fields) == 0
        (made,) = json.loads(capsys.readouterr().out)["results"]
        return made["take"], json.loads(Path(made["files"]["recipe"]).read_text())["recipe"].get("heard")

    first, nothing = heard()
    assert nothing is None
    asyncio.run(commands.takes(settings, screen, "choose", first, tmp_path))
    capsys.readouterr()
    assert heard(start="4000", end="7000")[1]["parts"] == [[first, 1000, 5000]]
    assert heard(start="4000", end="7000", hears="original")[1] is None


def test_a_command_keeps_its_server_for_the_others_that_came_to_it(tmp_path, monkeypatch, capsys):
    """None is cut off, whichever of those that begin together has the server."""
    monkeypatch.setattr(commands, "TOLD_AFTER_SECONDS", 0.0)
    settings = settings_in(tmp_path)
    ended = []

    async def first(come: asyncio.Event, gone: asyncio.Event) -> None:
        async with commands.some_server(settings):
            come.set()
            await gone.wait()
        ended.append("first")

    async def second(come: asyncio.Event, gone: asyncio.Event) -> None:
        await come.wait()
        async with commands.some_server(settings) as client:
            gone.set()
            for _ in range(5):
                await asyncio.sleep(0.1)  # in which a server would end
                await client.call("status")
            ended.append("second")

    async def together() -> None:
        events = asyncio.Event(), asyncio.Event()
        await asyncio.gather(first(*events), second(*events))
        free = asyncio.Event()
        free.set()
        await asyncio.gather(*(second(free, asyncio.Event()) for _ in range(3)))

    asyncio.run(together())
    assert ended == ["second", "first", "second", "second", "second"]
    assert "Ctrl-C ends both" in capsys.readouterr().err


def test_a_take_is_a_song_and_a_file_may_be_called_like_one(tmp_path):
    assert commands.song_typed("take:t1") == "take:t1"
    assert commands.song_typed("audio:ab") == "audio:ab"
    for typed in (f"{tmp_path}/take:t1", "./take:t1", "take:t1.wav", "./audio:ab", "song.wav"):
        assert commands.song_typed(typed) == Path(typed)


def test_words_for_people(tmp_path, song):
    printed = io.StringIO()
    screen = Screen(Console(file=printed, width=200))
    assert repaint(settings_in(tmp_path), song, tmp_path / "out", screen) == 0
    text = printed.getvalue()
    assert "my song.repaint.1.wav" in text
    assert "take 1" in text
    settings = settings_in(tmp_path)
    asyncio.run(commands.takes(settings, screen, "list", "", tmp_path))
    assert "my song" in printed.getvalue()


def test_choices_are_undone_redone_and_takes_deleted_in_words(tmp_path, song, capsys):
    settings = settings_in(tmp_path)
    silent = Screen(Console(file=io.StringIO()), as_json=True)
    repaint(settings, song, tmp_path / "out", silent, seed="1")  # with which its receipt has no warning
    name = json.loads(capsys.readouterr().out)["results"][0]["take"]
    printed = io.StringIO()
    screen = Screen(Console(file=printed, width=200))
    for action in ("choose", "revert", "redo", "lineage", "delete"):
        assert asyncio.run(commands.takes(settings, screen, action, name, tmp_path)) == 0
    lines = printed.getvalue().splitlines()
    in_place = f"Take {name} is in place."
    assert lines[:3] == [in_place, "Back to the original.", in_place]
    assert any(name in line and "passed" in line for line in lines[3:-2])
    assert lines[-2] == f"Take {name} is deleted."
    assert lines[-1].startswith("Its clip file stays: ")
    assert Path(lines[-1].removeprefix("Its clip file stays: ")).exists()
    with pytest.raises(ProtocolError, match=name):
        asyncio.run(commands.takes(settings, screen, "delete", name, tmp_path))


def test_a_failed_render_raises_after_its_json(tmp_path, song, capsys):
    screen = Screen(Console(file=io.StringIO()), as_json=True)
    with pytest.raises(ProtocolError, match="silent"):
        repaint(
            settings_in(tmp_path), song, tmp_path, screen, engine="faulty", options='{"fault": "silence"}'
        )
    assert json.loads(capsys.readouterr().out)["code"] == "render_rejected"


def test_a_reference_is_sent_like_the_song(tmp_path, song):
    voice = noise_song(tmp_path / "voice.wav", 4000)
    screen = Screen(Console(file=io.StringIO()))
    asked = {"reference": str(voice), "reference_consent": True}
    with pytest.raises(ProtocolError, match="does not use reference audio"):  # it was found, by its upload
        repaint(settings_in(tmp_path), song, tmp_path, screen, **asked)
    with pytest.raises(ProtocolError, match="reference_consent was not set"):
        repaint(settings_in(tmp_path), song, tmp_path, screen, reference=str(voice))
    with pytest.raises(ProtocolError, match="outside the folders"):
        repaint(settings_in(tmp_path), song, tmp_path, screen, **asked | {"reference": "/nowhere/voice.wav"})


def test_a_part_is_chosen_and_a_song_undone_and_redone_in_words(tmp_path, song, capsys):
    settings = settings_in(tmp_path)
    silent = Screen(Console(file=io.StringIO()), as_json=True)
    with ServerThread(settings):
        repaint(settings, song, tmp_path / "out", silent, takes="2")
        first, second = (found["take"] for found in json.loads(capsys.readouterr().out)["results"])
        printed = io.StringIO()
        screen = Screen(Console(file=printed, width=200))
        asyncio.run(commands.takes(settings, screen, "choose", first, tmp_path))
        asyncio.run(commands.takes(settings, screen, "choose", second, tmp_path, {"start": "3000"}))
        for action in ("undo", "redo"):
            assert asyncio.run(commands.walk_history(settings, screen, action, "my song")) == 0
        asyncio.run(commands.walk_history(settings, silent, "undo", "my song"))
        with pytest.raises(ProtocolError, match="no take is named"):
            asyncio.run(commands.takes(settings, screen, "list", "", tmp_path, {"end": "3000"}))
    both = f"2 parts are in place, of take {first}, {second}."
    assert printed.getvalue().splitlines() == [
        f"Take {first} is in place.", both, f"From sample 1000 to 5000 of the song: Take {first} is in place.",
        f"From sample 1000 to 5000 of the song: {both}",
    ]  # fmt: skip
    assert json.loads(capsys.readouterr().out)["chosen"] == first


def test_takes_are_marked_and_hidden_ones_left_out_of_the_list(tmp_path, song, capsys):
    settings = settings_in(tmp_path)
    silent = Screen(Console(file=io.StringIO()), as_json=True)
    with ServerThread(settings):
        repaint(settings, song, tmp_path / "out", silent, takes="2")
        first, second = (found["take"] for found in json.loads(capsys.readouterr().out)["results"])
        printed = io.StringIO()
        screen = Screen(Console(file=printed, width=200))
        marks = ((first, {"name": "Größer", "stars": "4"}), (second, {"hidden": True}))
        for take, values in marks:
            assert asyncio.run(commands.takes(settings, screen, "mark", take, tmp_path, values)) == 0
        asyncio.run(commands.takes(settings, screen, "list", "", tmp_path))
        listed = printed.getvalue()
        asyncio.run(commands.takes(settings, screen, "list", "", tmp_path, everything=True))
        asyncio.run(commands.takes(settings, silent, "save", first, tmp_path / "saved"))
        with pytest.raises(ProtocolError, match="--stars belongs to --mark"):
            asyncio.run(commands.takes(settings, screen, "choose", first, tmp_path, {"stars": "1"}))
    assert listed.splitlines()[0] == f'Take {first} is called "Größer", has 4 stars and is shown.'
    (line,) = [line for line in listed.splitlines()[2:] if first in line]
    assert "Größer" in line
    assert "★★★★" in line
    assert second not in "".join(listed.splitlines()[2:])
    assert "1 hidden take is not listed; --all lists them too." in listed
    assert second in printed.getvalue().removeprefix(listed)
    saved = json.loads(capsys.readouterr().out)["clip"]
    assert Path(saved).name == "my song.Größer.1.wav"
