"""A small ComfyUI: loads a folder of nodes, checks a workflow and runs it, as far as a node can tell the difference.

What it does, and where that is from: comfyui_facts.md. Its own nodes give a sound to others and keep what they made.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

CONVERSIONS = {"INT": int, "FLOAT": float, "STRING": str}


class InterruptProcessingException(Exception):
    """What ComfyUI raises in a node that its user interrupts."""


class ComfyUI:
    """Nodes by their class names, and what was shown of their progress.

    interrupted: set it to stop the node that runs; a test may do so while progress is shown, with `on_progress`.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, type] = {"Sound": Sound, "Keep": Keep, "Number": Number}
        self.names: dict[str, str] = {}
        self.interrupted = False
        self.shown: list[tuple[float, float]] = []
        self.on_progress = lambda value: None
        self.calls: list[str] = []

    def modules(self) -> dict[str, types.ModuleType]:
        """ComfyUI's own modules, as nodes import them."""
        comfy, utils, management = (
            types.ModuleType(name) for name in ("comfy", "comfy.utils", "comfy.model_management")
        )
        ui = self

        class ProgressBar:
            def __init__(self, total: int, node_id: str | None = None) -> None:
                self.total = total

            def update_absolute(self, value: int, total: int | None = None, preview: Any = None) -> None:
                ui.shown.append((value, total or self.total))
                ui.on_progress(value)

        def throw_exception_if_processing_interrupted() -> None:
            if ui.interrupted:
                ui.interrupted = False
                raise InterruptProcessingException

        utils.ProgressBar = ProgressBar  # type: ignore[attr-defined]
        management.throw_exception_if_processing_interrupted = throw_exception_if_processing_interrupted  # type: ignore[attr-defined]
        management.InterruptProcessingException = InterruptProcessingException  # type: ignore[attr-defined]
        return {"comfy": comfy, "comfy.utils": utils, "comfy.model_management": management}

    def load_custom_node(self, folder: Path) -> None:
        """Takes over the nodes of a folder, whatever that is called."""
        name = str(folder).replace(".", "_x_")
        spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        self.nodes |= module.NODE_CLASS_MAPPINGS
        self.names |= module.NODE_DISPLAY_NAME_MAPPINGS

    def problems(self, workflow: Mapping[str, Any]) -> list[str]:
        """What is wrong with a workflow before it runs: "node input: why"."""
        found = [
            f"{node} {problem}" for node, one in workflow.items() for problem in self._wrong(workflow, one)
        ]
        if not any(getattr(self.nodes[one["class_type"]], "OUTPUT_NODE", False) for one in workflow.values()):
            found.append("the workflow has no output")
        return found

    def _wrong(self, workflow: Mapping[str, Any], one: Mapping[str, Any]) -> Iterator[str]:
        node, inputs = self.nodes[one["class_type"]], one["inputs"]
        known = node.INPUT_TYPES()  # type: ignore[attr-defined]
        check = getattr(node, "VALIDATE_INPUTS", None)
        checked = set(inspect.getfullargspec(check).args) if check else set()
        for name, (kind, *more) in {**known["required"], **known.get("optional", {})}.items():
            options = more[0] if more else {}
            if name not in inputs:
                if name in known["required"]:
                    yield f"{name}: Required input is missing"
                continue
            value = inputs[name]
            if isinstance(value, list):
                source = self.nodes[workflow[value[0]]["class_type"]]
                received = source.RETURN_TYPES[value[1]]  # type: ignore[attr-defined]
                if received != kind:
                    yield f"{name}: received_type({received}) mismatch input_type({kind})"
                continue
            if isinstance(kind, str) and kind in CONVERSIONS:
                value = inputs[name] = CONVERSIONS[kind](value)
            if name in checked:
                continue
            if "min" in options and value < options["min"]:
                yield f"{name}: Value {value} smaller than min of {options['min']}"
            if "max" in options and value > options["max"]:
                yield f"{name}: Value {value} bigger than max of {options['max']}"
            if isinstance(kind, list) and value not in kind:
                yield f"{name}: Value not in list"
        if check:
            given = {
                name: None if isinstance(inputs[name], list) else inputs[name]
                for name in checked & set(inputs)
            }
            answer = check(**given)
            if answer is not True:
                yield f"custom validation: {answer}"

    def run(self, workflow: Mapping[str, Any]) -> dict[str, list[list[Any]]]:
        """The outputs of every node that an output node needs. Raises what a node raises."""
        problems = self.problems(workflow)
        assert problems == [], problems
        done: dict[str, list[list[Any]]] = {}
        with torch.inference_mode():
            for name, one in workflow.items():
                if getattr(self.nodes[one["class_type"]], "OUTPUT_NODE", False):
                    self._execute(workflow, name, done)
        return done

    def _execute(self, workflow: Mapping[str, Any], name: str, done: dict[str, list[list[Any]]]) -> None:
        if name in done:
            return
        one = workflow[name]
        lists: dict[str, list[Any]] = {}
        for key, value in one["inputs"].items():
            if isinstance(value, list):
                self._execute(workflow, value[0], done)
                lists[key] = done[value[0]][value[1]]
            else:
                lists[key] = [value]
        node = self.nodes[one["class_type"]]()
        self.calls.append(name)
        results = [
            getattr(node, node.FUNCTION)(
                **{key: values[min(n, len(values) - 1)] for key, values in lists.items()}
            )
            for n in range(max((len(values) for values in lists.values()), default=1))
        ]
        is_list = getattr(node, "OUTPUT_IS_LIST", (False,) * len(node.RETURN_TYPES))
        assert all(len(result) == len(node.RETURN_TYPES) for result in results), "one value for each output"
        done[name] = [
            [value for result in results for value in result[n]] if is_list[n] else [r[n] for r in results]
            for n in range(len(node.RETURN_TYPES))
        ]


class Sound:
    """Gives a sound to other nodes, as Load Audio does."""

    FUNCTION, RETURN_TYPES = "load", ("AUDIO",)
    given: dict[str, Any] = {}  # noqa: RUF012  # a test puts the sound here

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {}}

    def load(self) -> tuple[dict[str, Any]]:
        return (self.given,)


class Number:
    """Gives a number, as a primitive that another widget was turned into an input for."""

    FUNCTION, RETURN_TYPES = "value", ("FLOAT",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"number": ("FLOAT", {"default": 0.0})}}

    def value(self, number: float) -> tuple[float]:
        return (number,)


class Keep:
    """An output node: what it needs is run."""

    FUNCTION, RETURN_TYPES, OUTPUT_NODE = "keep", (), True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"audio": ("AUDIO",)}}

    def keep(self, audio: dict[str, Any]) -> tuple[()]:
        assert set(audio) == {"waveform", "sample_rate"}
        assert audio["waveform"].dim() == 3
        return ()
