"""Advice that helps: every remedy names only what exists. All of them are read from the sources."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bridge_server.cli.parser import parser
from bridge_server.engines.registry import BUILT_IN
from daw_protocol.addresses import BY_ADDRESS, BY_NAME, COMMANDS
from daw_protocol.tasks import TASKS
from model.acestep.sampling.option_help import ENGINE_HELP
from model.engine import Task
from tests.places import PROJECT

PACKAGES = ("daw_protocol", "clip_store", "model", "bridge_server")
GAP = "\N{REPLACEMENT CHARACTER}"
"""Stands for what a remedy is filled in with."""

# What carries a remedy -> where it is among the arguments; errors that are not named here have it second.
REMEDY_AT = {"ProtocolError": 2, "Capability": 3, "Finding": 3}
# Constants, keyword arguments and variables that hold one.
REMEDY_NAME = re.compile(r"(.*_)?(remedy|remedies|advice|install.*|again|any_device)", re.IGNORECASE)

OTHER_PROGRAMS = {"hf auth login", "hf auth logout", "sha256sum"}
OTHERS_NAMES = {"HF_HUB_OFFLINE", "MIDO_BACKEND", "UNIX_JACK"}
# Fields of answers, files and headers that remedies may name besides the fields of requests.
MORE_FIELDS = {"token", "task", "bar1"}


@dataclasses.dataclass(frozen=True)
class Remedy:
    where: str
    text: str


@cache
def remedies() -> tuple[Remedy, ...]:
    """Every remedy of the sources, gaps marked."""
    found = []
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            name = path.relative_to(PROJECT).as_posix()
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                found += [
                    Remedy(f"{name}:{node.lineno}", text)  # type: ignore[attr-defined]
                    for given in remedy_in(node)
                    for text in texts_in(given)
                ]
    return tuple(found)


def remedy_in(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions of a remedy that this node carries."""
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        place = REMEDY_AT.get(name)
        if place is None and (
            name.endswith("Error") or name in ("CannotRender", "NotLoaded", "RanOutOfMemory")
        ):
            place = 1
        if place is not None and len(node.args) > place:
            yield node.args[place]
        if name not in ("replace", "evolve"):  # a shorter form of one that was said in full
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "remedy")
    elif isinstance(node, ast.Assign):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if any(REMEDY_NAME.fullmatch(name) for name in names):
            yield node.value
    elif isinstance(node, ast.FunctionDef) and "remedy" in node.name:
        yield from (one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value)


def texts_in(node: ast.expr) -> list[str]:
    """The texts an expression may become."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            return [
                "".join(texts_in(value)[0] if isinstance(value, ast.Constant) else GAP for value in values)
            ]
        case ast.IfExp(body=body, orelse=orelse):
            return texts_in(body) + texts_in(orelse)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return [one + other for one in texts_in(left) for other in texts_in(right)]
        case ast.Dict(values=values):
            return [text for value in values for text in texts_in(value)]
        case ast.Tuple(elts=elements):
            return [text for element in elements for text in texts_in(element)]
    return [GAP]


def parsers(top: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command with its parser; "" is the whole."""
    yield name, top
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, one in action.choices.items():
                yield from parsers(one, f"{name} {word}".strip())


PARSERS = dict(parsers(parser(Path("store"), Path("models"), Path())))
OPTIONS = {name: set(one._option_string_actions) for name, one in PARSERS.items()}
ALL_OPTIONS = set().union(*OPTIONS.values())
GROUPS = {command.name.partition(".")[0] for command in COMMANDS if "." in command.name}
FIELDS = MORE_FIELDS.union(
    ENGINE_HELP, *({entry.name for entry in dataclasses.fields(command.request)} for command in COMMANDS)
)
EXTRAS = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]


def wrong_in(text: str) -> Iterator[str]:
    """What a remedy names that does not exist."""
    yield from wrong_commands(text)
    for option in re.findall(r"(?<![\w-])(--[a-z][\w-]*)", re.sub(r"pip install [^;,.]*", "", text)):
        if option not in ALL_OPTIONS:
            yield f"the option {option}"
    for address in re.findall(r"/bridge/[\w./]*\w", text):
        if address not in BY_ADDRESS:
            yield f"the address {address}"
    for method in re.findall(rf"\b(?:{'|'.join(sorted(GROUPS))})\.[a-z_]+", text):
        if method not in BY_NAME:
            yield f"the method {method}"
    for page in re.findall(r"\b[\w/-]+\.md\b", text):
        if not (PROJECT / page).is_file():
            yield f"the page {page}"
    for extra in re.findall(r"takebridge\[(\w+)\]", text):
        if extra not in EXTRAS:
            yield f"the extra {extra}"
    for name in re.findall(r"\b[A-Za-z]+(?:_[A-Za-z0-9]+)+\b", text):
        if name not in FIELDS | OTHERS_NAMES and not any(name in one for one in BY_NAME):
            yield f"the field {name}"
    for task in re.findall(r"\b[Uu]se (complete|repaint|extract|accompany|generate|lego|cover|vary)\b", text):
        if task not in {*TASKS, *(one.value for one in Task), *BY_NAME}:
            yield f"the task {task}"
    for engine in re.findall(r"\bthe (\w+) engine\b", text):
        if engine not in {spec.name for spec in BUILT_IN}:
            yield f"the engine {engine}"
    for vague in re.findall(r"\b(?:settings?|preferences|configuration)\b", text):
        yield f"{vague}, without saying which"


def wrong_commands(text: str) -> Iterator[str]:
    for quoted in re.findall(r"`([^`]+)`", text):
        words = quoted.split()
        if words[0] != "takebridge":
            known = quoted in OTHER_PROGRAMS or GAP in quoted or quoted in BY_NAME or quoted in FIELDS
            if not known:
                yield f"`{quoted}`"
    for call in re.findall(r"\btakebridge((?: [a-z][a-z-]*| --[a-z-]+)+)", text):
        name = ""
        for word in call.split():
            if word.startswith("--"):
                if word not in OPTIONS[name] | OPTIONS[""]:
                    yield f"the option {word} of takebridge {name}"
            elif f"{name} {word}".strip() in PARSERS:
                name = f"{name} {word}".strip()
            elif not takes_a_word(name, word):
                if not name:
                    yield f"the command takebridge {word}"
                break


def takes_a_word(name: str, word: str) -> bool:
    """Whether a command has this word as one of the choices of an argument."""
    return any(word in (action.choices or ()) for action in PARSERS[name]._actions)


def test_they_are_found():
    assert len(remedies()) > 150
    assert {remedy.where.partition("/")[0] for remedy in remedies()} == set(PACKAGES)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Raise the limit in the server's settings.", "settings"),
        ("Start one with `takebridge server`.", "takebridge server"),
        ("Run `takebridge serve --song-hours 3`.", "--song-hours"),
        ("Choose another with --colour.", "--colour"),
        ("Send /bridge/fly first.", "/bridge/fly"),
        ("jobs.show_all shows them.", "jobs.show_all"),
        ("See docs/magic.md.", "docs/magic.md"),
        ("Set reference_agreed to true.", "reference_agreed"),
        ("pip install 'takebridge[magic]'", "magic"),
        ("Use the bagpipe engine.", "bagpipe"),
        ("`engine-list` lists them.", "engine-list"),
    ],
)
def test_what_does_not_exist_is_noticed(text, wrong):
    assert any(wrong in found for found in wrong_in(text))


def test_every_remedy_names_what_exists():
    wrong = [
        f"{remedy.where} names {what}: {remedy.text}"
        for remedy in remedies()
        for what in wrong_in(remedy.text)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_refusal_has_a_remedy():
    assert not [remedy.where for remedy in remedies() if not remedy.text]
