"""A producer's workflow: only what is named is filled in, and what is wrong with it has a sentence."""

import json

import pytest

from model.errors import NotLoaded
from model.remote.comfy_workflow import read_workflow
from tests.model.remote.comfy_double import NAMED, WORKFLOW

INPUTS = {name: place for name, place in NAMED.items() if name != "output"}


def written(tmp_path, graph):
    path = tmp_path / "mine.json"
    path.write_text(graph if isinstance(graph, str) else json.dumps(graph), encoding="utf-8")
    return str(path)


def test_a_workflow(tmp_path):
    found = read_workflow(written(tmp_path, WORKFLOW), INPUTS, "9")
    assert found.models == ("ace_step_1.5.safetensors",)
    filled = found.filled({"seed": 7, "source": "a.wav", "nothing": 1})
    assert filled["5"]["inputs"]["seed"] == 7
    assert filled["2"]["inputs"]["audio"] == "a.wav"
    assert found.graph["5"]["inputs"]["seed"] == 0, "the file's own stays"


@pytest.mark.parametrize(
    "graph",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"nodes": [], "links": []}',
        '{"1": {"class_type": "A"}}',
        "[" * 100_000,
        '{"1": 7}',
    ],
)
def test_what_is_no_workflow(tmp_path, graph):
    with pytest.raises(NotLoaded, match=r"format for programs") as caught:
        read_workflow(written(tmp_path, graph), {}, "9")
    assert "Export" in caught.value.remedy


@pytest.mark.parametrize(
    ("inputs", "output", "told"),
    [
        ({"seed": "seed"}, "9", "names no input"),
        ({"seed": "99.seed"}, "9", "no node called '99'"),
        ({"seed": "5.noise"}, "9", "no input called 'noise'"),
        ({}, "", "output is not named"),
        ({}, "99", "no node called '99'"),
    ],
)
def test_what_it_has_not(tmp_path, inputs, output, told):
    with pytest.raises(NotLoaded, match=told):
        read_workflow(written(tmp_path, WORKFLOW), inputs, output)


def test_two_nodes_of_one_title(tmp_path):
    twice = {**WORKFLOW, "22": WORKFLOW["2"]}
    with pytest.raises(NotLoaded, match="several nodes"):
        read_workflow(written(tmp_path, twice), {"source": "the song.audio"}, "9")


@pytest.mark.parametrize("path", ["missing.json", "", "a\0b"])
def test_a_file_that_cannot_be_read(tmp_path, path):
    with pytest.raises(NotLoaded, match="cannot be read"):
        read_workflow(str(tmp_path / path) if "\0" not in path else path, {}, "9")
