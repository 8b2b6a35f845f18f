"""Networks of the tests: one without torch whose output depends on where a frame lies in its chunk, and the library's
own with few and random weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.stems.published_stems import STEM_MODELS

SOURCES = ("drums", "bass", "other", "vocals")
TINY = {
    "sources": list(SOURCES), "channels": 8, "nfft": 1024, "depth": 3, "bottom_channels": 8, "t_layers": 1,
    "t_heads": 2, "segment": Fraction(1, 4),
}  # fmt: skip


class PlainNetwork:
    """Each stem is a part of the mix, a little louder towards the chunk's end: seams and places would show."""

    sources = SOURCES

    def __init__(self, rate: int = 44_100, chunk: int = 4_410) -> None:
        self.rate = rate
        self.chunk = chunk
        self.runs = 0

    def run(self, mix: NDArray[np.float32], check: Callable[[], None]) -> NDArray[np.float32]:
        check()
        self.runs += 1
        assert mix.shape == (2, self.chunk)
        slope = np.linspace(1.0, 1.1, self.chunk, dtype=np.float32)
        parts = np.array([0.1, 0.2, 0.3, 0.4, 0.0, 0.0], np.float32)[: len(self.sources), None, None]
        return np.asarray(parts * mix * slope, np.float32)


def write_weights(models: Path, number: int = 0, fields: dict[str, object] | None = None) -> Path:
    """The library's own network with random weights, where the one published under this number would lie."""
    import torch
    from demucs.htdemucs import HTDemucs
    from safetensors.torch import save_file

    entry = STEM_MODELS[number]
    fields = fields or (TINY if number == 0 else {**TINY, "sources": [*SOURCES, "guitar", "piano"]})
    path = models / entry.folder / entry.files[0].name
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(number)
        network = HTDemucs(**fields)
        for weights in network.parameters():
            weights.data += 0.05 * torch.randn_like(weights)
    tensors = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, str(path), about(fields))
    return path


def about(fields: dict[str, object], klass: str = "demucs.htdemucs.HTDemucs") -> dict[str, str]:
    """A weights file's metadata, as its author writes it."""
    return {
        "klass": klass,
        "args": "[]",
        "kwargs": json.dumps({name: _encoded(one) for name, one in fields.items()}),
    }


def _encoded(value: object) -> object:
    if isinstance(value, Fraction):
        return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}
    return value
