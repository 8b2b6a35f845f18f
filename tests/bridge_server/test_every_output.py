"""Every command prints to every console: Windows code pages, plain ASCII, readers that leave, names of all kinds."""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_server.__main__ import STORE_VARIABLE, main
from bridge_server.cli import demo, midi
from bridge_server.cli.parser import parser
from tests.bridge_server.peers import (
    PATIENCE,
    ServerThread,
    band_song,
    bridge_command,
    environment,
    noise_song,
)
from tests.bridge_server.servers import open_settings
from tests.doubles import ENGINES
from tests.places import PROJECT

ENCODINGS = ("ascii", "cp1252", "cp949")
NAME = "\ud55c\uad6d Gr\u00f6\u00dfe \U0001f3b8"
NOT_UNICODE = b"caf\xe9" if sys.platform == "linux" else "caf\u00e9".encode()

SONG = ("SONG", "--start", "0", "--end", "4800", "-o", "out")
WORDS: dict[str, tuple[str, ...]] = {
    "repaint": ("repaint", *SONG, "--takes", "2"),
    "complete": ("complete", "SONG", "--length", "4800", "--bpm", "120", "-o", "out"),
    "accompany": ("accompany", *SONG),
    "extract": ("extract", *SONG),
    "analyse": ("analyse", "SONG"),
    "song": ("song", "undo", "song"),
    "generate": ("generate", "--length", "4800", "-o", "out"),
    "plan": ("plan", "--prompt", "slow", "--length", "4800", "-o", "out"),
    "rewrite": ("rewrite", "--prompt", "slow", "-o", "out"),
    "lego": ("lego", *SONG),
    "cover": ("cover", *SONG),
    "vary": ("vary", "TAKE", "-o", "out"),
    "jobs": ("jobs",),
    "presets": ("presets", "--save", "x", "--task", "repaint", "--prompt", "no drums"),
    "rank": ("rank",),
    "takes": ("takes", "--save", "TAKE", "-o", "out"),
    "store": ("store", "verify"),
    "export": ("export", "take", "TAKE", "--as", "wav", "--to", "out"),
    "ledger": ("ledger", "song", "--to", "out"),
    "models": ("models", "list"),
    "train": ("train", "--songs", "none", "--name", "x"),
    "autostart": ("autostart", "status"),
    "scripts": ("scripts", "osc", "--to", "scripts"),
    "send": ("send", "/bridge/takes/show", "TAKE"),
    "midi list": ("midi", "list"),
    "midi check": ("midi", "check", "pads.txt"),
    "midi learn": ("midi", "learn", "--midi-in", "none"),
    "panel": ("panel", "--code"),
    "doctor": ("doctor",),
    "mcp": ("mcp",),
    "docs": ("docs", "made docs"),
    "host": ("host",),
    "serve": ("serve", "--midi-clock"),  # refused; the test of the running one is below
    "demo": ("demo", "-o", "out"),
}
"""A call of every command; SONG and TAKE stand for those there are."""

ELSEWHERE = {
    "demo",
    "host",
    "mcp",
}  # the first is long, the second stays, the third prints for programs alone: they have tests of their own

MAY_BE_REFUSED = {
    "rank",
    "train",
    "song",
    "ledger",
    "lego",
    "cover",
    "generate",
    "midi list",
    "midi learn",
    "midi check",
    "serve",
    "panel",
    "doctor",
}


def commands_of(top: argparse.ArgumentParser) -> Iterator[str]:
    """Every command of the parser; audition's actions are one kind, told apart by their answers only."""
    (group,) = (action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    for name, one in group.choices.items():
        nested = [action for action in one._actions if isinstance(action, argparse._SubParsersAction)]
        if nested:
            yield from (f"{name} {action}" for action in nested[0].choices)
        else:
            yield name


EVERY = sorted(commands_of(parser(Path("store"), Path("models"), Path())))
AUDITION = [name for name in EVERY if name.startswith("audition ")]


def test_the_table_has_every_command():
    assert {name for name in EVERY if name not in AUDITION} == set(WORDS)


class Console(io.TextIOWrapper):
    """A console or pipe in an encoding."""

    def __init__(self, encoding: str) -> None:
        self.memory = io.BytesIO()
        super().__init__(self.memory, encoding=encoding, errors="strict", write_through=True)

    def text(self) -> str:
        return self.memory.getvalue().decode(self.encoding)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server whose store and root have a name that no code page has; the commands find it by its store."""
    folder = tmp_path_factory.mktemp("outputs") / NAME
    settings = open_settings(
        folder / "store",
        roots=(folder,),
        osc_port=0,
        websocket_port=0,
        engine="noise",
        engines=ENGINES,
        sound=False,
    )
    folder.mkdir()
    with ServerThread(settings) as running:
        yield running


@pytest.fixture
def run(server, monkeypatch):
    """Runs one command as `main` does: its exit status and what it printed to stdout and stderr."""
    folder = server.settings.roots[0]
    monkeypatch.chdir(folder)
    monkeypatch.setenv(STORE_VARIABLE, str(server.settings.store))
    monkeypatch.setattr(webbrowser, "open", lambda _: True)
    (folder / "pads.txt").write_text(f"note 36 /bridge/repaint prompt {NAME}\n", encoding="utf-8")

    def call(encoding: str, *words: str) -> tuple[int, str, str]:
        out, err = Console(encoding), Console(encoding)
        monkeypatch.setattr(sys, "argv", ["takebridge", *words])
        with monkeypatch.context() as streams:
            streams.setattr(sys, "stdout", out)
            streams.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as ended:
                main()
        return int(ended.value.code or 0), out.text(), err.text()

    return call


@pytest.fixture
def song(server):
    """A song with a name that is no Unicode at all, in a folder with one that no code page has."""
    path = server.settings.roots[0] / os.fsdecode(NOT_UNICODE + b".wav")
    if not path.exists():
        plain = noise_song(server.settings.store.parent / "plain.wav", 9600)
        plain.rename(path)
    return path


@pytest.fixture
def take(server, song, run):
    takes = server.takes()
    if not takes:
        run("utf-8", "repaint", str(song), *SONG[1:])
        takes = server.takes()
    return takes[0].id


def stand_in(monkeypatch) -> None:
    """The demo without its songs, and inputs without devices: what they print is looked at in their own tests."""
    monkeypatch.setattr(demo, "STEPS", ())
    monkeypatch.setattr(midi, "input_names", lambda: [NAME])


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", [name for name in WORDS if name not in ELSEWHERE])
def test_every_command_prints_in_every_encoding(run, song, take, monkeypatch, encoding, name):
    stand_in(monkeypatch)
    stands_for = {"SONG": str(song), "TAKE": take}
    status, out, err = run(encoding, *(stands_for.get(word, word) for word in WORDS[name]))
    assert "Traceback" not in err
    assert status == 0 or (status == 1 and name in MAY_BE_REFUSED), err
    assert out or err


@pytest.mark.parametrize("name", AUDITION)
def test_every_audition_command_is_refused_in_words(run, name):
    """No test is heard through somebody's loudspeakers; what is refused is printed all the same."""
    words = {"play": ("--take", "none"), "side": ("take",), "move": ("2",), "gain": ("0",), "match": ("on",)}
    status, out, err = run("ascii", *name.split(), *words.get(name.split()[1], ()))
    assert status in (0, 1, 2)
    assert "Traceback" not in err
    assert out or err


@pytest.mark.parametrize(
    "words",
    [
        ("repaint", *SONG),
        ("takes",),
        ("jobs",),
        ("store", "sweep"),
        ("export", "take", "TAKE", "--as", "wav", "--to", NAME),
        ("models", "list"),
    ],
    ids=lambda words: words[0],
)
def test_json_is_ascii(run, song, take, words):
    stands_for = {"SONG": str(song), "TAKE": take}
    status, out, err = run("ascii", *(stands_for.get(word, word) for word in words), "--json")
    assert (status, err) == (0, "")
    assert out.isascii()
    json.loads(out)


def test_help_in_a_folder_with_such_a_name(run):
    for encoding in ENCODINGS:
        assert run(encoding, "--help")[0] == 0


def test_progress_and_marks_are_drawn_in_ascii_where_there_is_nothing_better(run, song):
    _, out, _ = run("ascii", "repaint", str(song), *SONG[1:])
    assert "ok take 1" in out
    assert "-> out" in out


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("ascii", NAME.encode()), ("cp949", NOT_UNICODE), ("utf-8", NOT_UNICODE)],
)
def test_serve_starts_in_a_folder_with_any_name(tmp_path, encoding, name):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    folder.mkdir()
    command = [*bridge_command(folder / "store"), "serve", "--port", "0", "--osc-port", "0", "--no-sound"]
    serving = subprocess.Popen(
        [*command, "--watch", str(folder)],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**environment(), "PYTHONIOENCODING": encoding, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert serving.stdout is not None
    lines = []
    for line in serving.stdout:
        lines.append(line.decode(encoding))
        if "Ctrl-C" in lines[-1]:
            break
    serving.terminate()
    _, errors = serving.communicate(timeout=PATIENCE)
    assert "is ready" in "".join(lines), errors
    assert b"Traceback" not in errors
    assert serving.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="head is not there")
@pytest.mark.parametrize("command", ["takes", "doctor", "docs docs", "repaint song.wav --bars 3-4 --bpm 120"])
def test_a_reader_that_leaves_ends_nothing(tmp_path, command):
    """`takebridge takes | head -0`: the command does its work, and complains about nothing."""
    band_song(tmp_path / "song.wav", bars=6)
    words = [*bridge_command(tmp_path / "store"), *command.split()]
    read, write = os.pipe()
    os.close(read)  # before anything is written
    done = subprocess.run(
        words, cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, timeout=PATIENCE, check=False,
        env={**environment(), "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    os.close(write)
    errors = b"\n".join(line for line in done.stderr.splitlines() if not line.startswith(b"ALSA"))
    assert (done.returncode, errors) == (0, b"")
    if command.startswith("repaint"):
        assert (tmp_path / "song.repaint.1.wav").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_output_that_cannot_be_written_is_a_problem(tmp_path):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*bridge_command(tmp_path / "store"), "takes", "--json"], cwd=PROJECT, env=environment(),
            stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert b"the output could not be written" in done.stderr
