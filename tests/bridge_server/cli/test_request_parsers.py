"""Requests on the command line: every value is an option, and what was not typed is left to the server."""

import dataclasses
from pathlib import Path

import pytest

from bridge_server.cli.request_parsers import LEFT_OUT, fields_of, take_action
from daw_protocol.addresses import BY_NAME, COMMANDS, Group
from daw_protocol.fields import Flag
from daw_protocol.requests import Repaint
from tests.bridge_server.cli.test_parser import parse

# `analyse` has options of its own: tests/bridge_server/cli/test_analyse_parser.py.
RENDERS = [command for command in COMMANDS if command.group is Group.RENDER and command.name != "analyse"]
VALUES = {
    "start": "17|1", "end": "21|1", "bars": "17-20", "length": "8 bars", "source_position": "0", "rate": "48000",
    "bpm": "127.3", "meter": "6/8", "key": "F# minor", "prompt": "warm", "lyrics": "la la", "language": "en",
    "takes": "3", "seed": "7", "handles": "0.5", "depth": "24", "crossfade": "20", "context": "30", "engine": "sketch",
    "options": '{"steps": 8}', "strength": "0.25", "layers": "drums only", "instruments": "piano",
    "stems": "vocals,drums", "reference": "voice.wav", "preset": "Dark", "hears": "original",
    "chords": "Am F C G", "blueprint": "j0123456789", "lock": "prompt,key",
    "variance": "0.2", "song_prompt": "piano", "song_lyrics": "old words",
}  # fmt: skip


def words_for(command):
    """The command with what it cannot do without."""
    needed = {"vary": ["t1"], "generate": [], "plan": [], "rewrite": []}
    return [command.name, *needed.get(command.name, ["song.wav"])]


def given(command, *options):
    """The values that were typed as options."""
    found = fields_of(parse(*words_for(command), *options), command)
    return {name: value for name, value in found.items() if (command.name, name) != ("vary", "take")}


@pytest.mark.parametrize("command", RENDERS, ids=lambda command: command.name)
def test_every_value_of_a_request_is_an_option_that_reaches_it(command):
    for entry in dataclasses.fields(command.request):
        if entry.name in LEFT_OUT or entry.name == "take":
            continue
        option = f"--{entry.name.replace('_', '-')}"
        if isinstance(entry.metadata["kind"], Flag):
            for word, meant in ((option, True), (option.replace("--", "--no-", 1), False)):
                assert given(command, word) == {entry.name: meant}
        else:
            found = given(command, option, VALUES[entry.name])
            assert found == {entry.name: VALUES[entry.name]}
            kind = entry.metadata["kind"]
            kind.read(found[entry.name])  # understood as it was typed


@pytest.mark.parametrize("command", RENDERS, ids=lambda command: command.name)
def test_what_is_not_typed_is_left_to_the_server(command):
    assert given(command) == {}


def test_the_example_of_the_manual():
    arguments = parse("repaint", "song.wav", "--bars", "17-20", "--bpm", "120", "--takes", "3", "-o", "out/")
    assert arguments.song == ["song.wav"]
    assert arguments.out == Path("out")
    request = Repaint.from_fields(fields_of(arguments, BY_NAME["repaint"]))
    assert request == Repaint(bars="17-20", bpm=120, takes=3)


def test_a_tempo_map_comes_as_a_file():
    assert parse("repaint", "song.wav", "--tempo-map", "song.mid").tempo_map == Path("song.mid")
    assert parse("repaint", "song.wav").tempo_map is None


def test_a_variation_names_a_take():
    assert parse("vary", "t1", "--strength", "0.8").take == "t1"


@pytest.mark.parametrize("name", ["choose", "revert", "redo", "lineage", "delete", "save", "mark"])
def test_one_thing_is_done_with_a_take(name):
    assert take_action(parse("takes")) == ("list", "")
    assert take_action(parse("takes", f"--{name}", "t1")) == (name, "t1")
    with pytest.raises(SystemExit):
        parse("takes", "--choose", "t1", "--revert", "t1", "--redo", "t1")


def test_a_part_of_a_take_and_the_history_of_a_song():
    asked = parse("takes", "--choose", "t1", "--start", "17|1", "--end", "-0.5s")
    assert (take_action(asked), asked.start, asked.end) == (("choose", "t1"), "17|1", "-0.5s")
    assert [(one.action, one.song) for one in (parse("song", "undo", "My song"), parse("song", "redo", "ab"))] == [
        ("undo", "My song"), ("redo", "ab"),
    ]  # fmt: skip
    assert parse("export", "song", "x", "--as", "mix").mix_format == "wav"
