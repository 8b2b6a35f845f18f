"""How well a sound follows a prompt, as a trained network hears both: CLAP (Y. Wu et al., ICASSP 2023).

The package and the weights are optional; nothing is fetched here. What only this module knows: how the library is
called, and how a clip of any length becomes the ten seconds the network hears at once. Loading takes seconds and a
gigabyte: it is meant for a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.dsp.resample import ANALYSIS, resample
from model.errors import NotLoaded, first_line
from model.packages import require_packages
from model.published import Kind, Published, PublishedFile

LABEL = "CLAP"
INSTALL = "pip install 'takebridge[ears]'"
FETCH = (
    "Run `takebridge models pull prompt-match` (about 780 MB), or start the server with --models and your models "
    "folder."
)
PACKAGES = ("torch", "transformers")

RATE = 48_000
WINDOW_SECONDS = 10.0
MAX_WINDOWS = 12
"""Of a clip: two minutes of it, evenly spread, tell what it sounds like."""

_WEIGHTS = ("pytorch_model.bin", "model.safetensors")
"""Which of them a folder has is up to who made it; the library reads either, and no code with it."""

MATCH_MODELS = (
    Published(
        "prompt-match", Kind.LISTENER, "larger_clap_music", "laion/larger_clap_music",
        (
            PublishedFile("config.json"), PublishedFile("preprocessor_config.json"),
            PublishedFile("pytorch_model.bin"), PublishedFile("tokenizer.json"),
            PublishedFile("tokenizer_config.json"), PublishedFile("special_tokens_map.json"),
            PublishedFile("vocab.json"), PublishedFile("merges.txt"),
        ), 780_000_000,
        "Hears how well takes follow their prompt, to rank them; trained on music with descriptions in English.",
        whole=False, licence="Apache-2.0, by its page",
    ),
)  # fmt: skip

Samples = NDArray[Any]


@dataclass(frozen=True)
class Clip:
    """A sound and the words to compare it with. samples: (frames,) or (frames, channels) at `rate`, full scale 1."""

    samples: Samples
    rate: int
    prompt: str


def match_folder(models: Path | None) -> Path:
    """The folder of the weights in a folder of models. Raises NotLoaded where packages or weights are missing."""
    require_packages(PACKAGES, LABEL, INSTALL)
    entry = MATCH_MODELS[0]
    folder = None if models is None else models / entry.folder
    if folder is None or not any((folder / name).is_file() for name in _WEIGHTS):
        raise NotLoaded(f"The weights of {LABEL} are not here.", FETCH)
    return folder


class PromptMatcher:
    """The network, loaded. One clip and one prompt at a time, so that no score depends on what is scored with it."""

    def __init__(self, folder: Path) -> None:
        """Raises NotLoaded for weights that cannot be read."""
        import torch
        import transformers

        self._torch = torch
        try:
            self._processor = transformers.ClapProcessor.from_pretrained(folder, local_files_only=True)
            # It comes without dropout: the library puts what it reads into evaluation mode.
            self._network = transformers.ClapModel.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # a damaged file fails in as many ways as there are readers in the library
            raise NotLoaded(
                f"The weights of {LABEL} in {folder.name} cannot be read ({first_line(error)}).",
                "Delete that folder and fetch it again: takebridge models pull prompt-match",
            ) from error

    def score(self, clip: Clip) -> float:
        """The cosine between what the clip and its prompt are to the network, -1 to 1; 0 for silence."""
        if not np.any(clip.samples):
            return 0.0
        with self._torch.inference_mode():
            words = self._processor(text=[clip.prompt], return_tensors="pt", truncation=True)
            text = _direction(_vector(self._network.get_text_features(**words)))
            heard = sum(_direction(self._heard(window)) for window in windows(clip.samples, clip.rate))
        return float(np.clip(np.dot(_direction(np.asarray(heard)), text), -1.0, 1.0))

    def _heard(self, window: NDArray[np.float32]) -> NDArray[np.float64]:
        given = self._processor(audio=window, sampling_rate=RATE, return_tensors="pt")
        return _vector(self._network.get_audio_features(**given))


def windows(samples: Samples, rate: int) -> Iterator[NDArray[np.float32]]:
    """A sound as mono stretches of at most ten seconds at RATE, evenly spread over it, at most MAX_WINDOWS.

    Never longer: of more, the library would hear a part that it chooses at random.
    """
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    length = round(WINDOW_SECONDS * rate)
    count = min(MAX_WINDOWS, -(-len(mono) // length))
    for start in np.linspace(0, max(0, len(mono) - length), count).round().astype(int):
        part = np.ascontiguousarray(mono[start : start + length], np.float32)
        yield np.asarray(resample(part, rate, RATE, quality=ANALYSIS), np.float32)[
            : round(WINDOW_SECONDS * RATE)
        ]


def _vector(found: Any) -> NDArray[np.float64]:
    """The features, which some versions of the library wrap."""
    found = getattr(found, "pooler_output", found)
    return np.asarray(found.cpu().numpy()[0], np.float64)


def _direction(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
