"""One separation network: the library's own, with the weights of a safetensors file, run a chunk at a time.

Only this module knows the library and torch. The file names the network's class and sizes; it is not followed blindly,
as the library does: any other class could run code of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.errors import NotLoaded, RanOutOfMemory, first_line
from model.weight_header import read_metadata

if TYPE_CHECKING:
    import torch
    from torch import nn

Waves = NDArray[np.float32]
"""Stereo audio, [2, frames], or of several stems, [stems, 2, frames]."""

Check = Callable[[], None]
"""Called at least every 100 ms of work on a machine that can keep up; may raise to cancel."""

CLASS = "demucs.htdemucs.HTDemucs"
CHANNELS = 2
POLL_SECONDS = 0.02

_AGAIN = "Fetch it again: takebridge models pull stems"


class StemNetwork:
    """A loaded network. sources: its stems, in the order of its output; rate: hertz; chunk: frames it takes at once."""

    def __init__(self, network: nn.Module, place: torch.device, label: str) -> None:
        described: Any = network
        self._network = network
        self._place = place
        self._label = label
        self.sources: tuple[str, ...] = tuple(described.sources)
        self.rate = int(described.samplerate)
        self.chunk = int(described.samplerate * described.segment)

    def run(self, mix: Waves, check: Check) -> Waves:
        """The stems [sources, 2, chunk] of a chunk [2, chunk]. Raises what `check` raises, and RanOutOfMemory."""
        import torch

        from model.torch_device import out_of_memory

        try:
            with torch.inference_mode(), _polled(check):
                given = torch.from_numpy(mix[None]).to(self._place)
                found = self._network(given)[0].float().cpu().numpy()
        except (RuntimeError, MemoryError) as error:
            if out_of_memory(error):
                raise RanOutOfMemory(
                    f"The separation ran out of memory on {self._label}.",
                    "Close other programs that use the device, or start the server with --device cpu.",
                ) from error
            raise
        return np.asarray(found, dtype=np.float32)


def load(path: Path, device: str) -> StemNetwork:
    """The network of a weights file on `device` ("auto", "cpu", ...). Raises NotLoaded."""
    from model.torch_device import choose_place, spare_a_core

    place, label = choose_place(device)
    if place.type == "cpu":
        spare_a_core()
    return StemNetwork(build(path).to(place).eval(), place, label)


def build(path: Path) -> nn.Module:
    """The network with its weights, in float32 on the CPU. Raises NotLoaded for any other file."""
    arguments, fields = described_network(path)
    import torch
    from demucs.htdemucs import HTDemucs
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    unfit = (RuntimeError, TypeError, ValueError, AttributeError, AssertionError, KeyError, SafetensorError)
    try:
        with torch.random.fork_rng(devices=[]):  # it draws weights, which the file's replace
            network: nn.Module = HTDemucs(*arguments, **fields)
        network.load_state_dict(load_file(path))
    except unfit as wrong:
        raise NotLoaded(
            f"{path.name} does not hold the network it describes ({first_line(wrong, without='.:')}).", _AGAIN
        ) from wrong
    return network


def described_network(path: Path) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of the network that a weights file describes. Raises NotLoaded for a network of another kind."""
    try:
        about = read_metadata(path)
    except OSError as error:
        raise NotLoaded(f"{path.name} cannot be read ({first_line(error, without='.:')}).", _AGAIN) from error
    if about.get("klass") != CLASS:
        raise NotLoaded(f"{path.name} holds {about.get('klass', 'no named network')}, not {CLASS}.", _AGAIN)
    try:
        arguments = _decoded(json.loads(about.get("args", "[]")))
        fields = _decoded(json.loads(about.get("kwargs", "{}")))
    except (ValueError, TypeError, KeyError, ZeroDivisionError, RecursionError) as broken:
        raise NotLoaded(
            f"{path.name} describes its network in a way that cannot be read.", _AGAIN
        ) from broken
    if not isinstance(arguments, list) or not isinstance(fields, dict):
        raise NotLoaded(f"{path.name} describes its network in a way that cannot be read.", _AGAIN)
    return arguments, fields


def _decoded(value: Any) -> Any:
    """JSON as the weights' author writes it, where a fraction is an object of its own."""
    if isinstance(value, Mapping):
        if value.get("_type") == "fraction":
            return Fraction(int(value["numerator"]), int(value["denominator"]))
        return {name: _decoded(each) for name, each in value.items()}
    return [_decoded(each) for each in value] if isinstance(value, list) else value


def _polled(check: Check) -> Any:
    """A context in which `check` is called between the operations of torch, however deep in a layer they are."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Polling(TorchDispatchMode):  # type: ignore[no-untyped-call]
        checked = time.monotonic()

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if time.monotonic() - self.checked > POLL_SECONDS:
                check()
                self.checked = time.monotonic()
            return func(*args, **(kwargs or {}))

    check()
    return Polling()  # type: ignore[no-untyped-call]
