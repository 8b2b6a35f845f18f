"""A producer's own ComfyUI workflow, in the format for programs, with the inputs that the bridge fills in.

An input is named NODE.INPUT, where NODE is the node's number or its title. Nothing else of the workflow is touched.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.errors import NotLoaded
from model.remote.http_link import read_json

MOST_BYTES = 8 * 1024 * 1024
SAVE_AGAIN = "In ComfyUI, export the workflow for the API (File, Export (API)), and name that file."
_MODEL_INPUTS = ("ckpt_name", "unet_name", "model_name", "diffusion_model")


@dataclass(frozen=True)
class WorkflowInput:
    """An input of one node, to be filled in."""

    node: str
    name: str


@dataclass(frozen=True)
class Workflow:
    """graph: node number -> class and inputs, as ComfyUI takes it. inputs: what is filled in, by our name for it.

    output: the node whose sound is the result.
    """

    graph: Mapping[str, Any]
    inputs: Mapping[str, WorkflowInput]
    output: str

    @property
    def classes(self) -> tuple[str, ...]:
        """The kinds of nodes in it, each once."""
        return tuple(dict.fromkeys(str(node["class_type"]) for node in self.graph.values()))

    @property
    def models(self) -> tuple[str, ...]:
        """The model files it names."""
        named = (node["inputs"].get(name) for node in self.graph.values() for name in _MODEL_INPUTS)
        return tuple(dict.fromkeys(name for name in named if isinstance(name, str)))

    def filled(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The graph with these values; those the workflow has no input for are left out."""
        graph: dict[str, Any] = copy.deepcopy(dict(self.graph))
        for name, value in values.items():
            if name in self.inputs:
                place = self.inputs[name]
                graph[place.node]["inputs"][place.name] = value
        return graph


def read_workflow(path: str, inputs: Mapping[str, str], output: str) -> Workflow:
    """inputs: "NODE.INPUT" by our name, "" for those it has not. Raises NotLoaded with what is wrong and where."""
    graph = _graph(Path(path))
    places = {name: _place(graph, name, text) for name, text in inputs.items() if text}
    if not output:
        raise NotLoaded(
            "The workflow's output is not named.", "Name the node that saves the sound: comfyui.output=NODE."
        )
    return Workflow(graph, places, _node(graph, "output", output))


def _graph(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotLoaded(f"The workflow {path.name} cannot be read: {reason}.", SAVE_AGAIN) from error
    try:
        found = read_json(data) if len(data) <= MOST_BYTES else None
    except ValueError:
        found = None
    whole = isinstance(found, dict) and bool(found) and all(map(_is_node, found.values()))
    if not whole:
        raise NotLoaded(f"{path.name} is no workflow in ComfyUI's format for programs.", SAVE_AGAIN)
    assert isinstance(found, dict), "checked"
    return found


def _is_node(node: Any) -> bool:
    return (
        isinstance(node, dict)
        and isinstance(node.get("class_type"), str)
        and isinstance(node.get("inputs"), dict)
    )


def _node(graph: Mapping[str, Any], name: str, text: str) -> str:
    """The number of the node that is called so, by number or by title."""
    if text in graph:
        return text
    titled = [number for number, node in graph.items() if _title(node) == text]
    has = f"It has: {', '.join(sorted(map(str, graph)))}."
    if not titled:
        raise NotLoaded(f"{name}: the workflow has no node called {text!r}.", has)
    if len(titled) > 1:
        raise NotLoaded(f"{name}: several nodes of the workflow are called {text!r}.", has)
    return titled[0]


def _title(node: Mapping[str, Any]) -> str:
    meta = node.get("_meta")
    return str(meta.get("title", "")) if isinstance(meta, dict) else ""


def _place(graph: Mapping[str, Any], name: str, text: str) -> WorkflowInput:
    node, dot, wanted = text.rpartition(".")
    if not dot:
        raise NotLoaded(f"{name}: {text!r} names no input.", f"Write comfyui.{name}=NODE.INPUT.")
    number = _node(graph, name, node)
    inputs = graph[number]["inputs"]
    if wanted not in inputs:
        raise NotLoaded(
            f"{name}: the node {node} has no input called {wanted!r}.",
            f"It has: {', '.join(map(str, inputs))}.",
        )
    return WorkflowInput(number, wanted)
