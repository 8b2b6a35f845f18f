"""Beats and downbeats by a trained network: Beat This! (F. Foscarin, J. Schlüter, G. Widmer, ISMIR 2024).

The package and its weights are optional. What only this module knows: how the library is called, and that it keeps its
weights in torch's own cache. Nothing is fetched while a song is analysed; `fetch_weights` does so, when asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import first_line
from model.pace import Pace
from model.part_checks import checked_between_parts

STAGE = "listening for beats"
LABEL = "Beat This!"
INSTALL = "pip install 'takebridge[ears]'"
FETCH = "takebridge models ears"
WEIGHTS = "final0"  # all of the authors' training data, first seed
WEIGHTS_SIZE = "about 78 MB"
WEIGHTS_FROM = "cloud.cp.jku.at"

_CHUNK_SECONDS = 29.76  # of music the network takes at once: 1500 frames of 20 ms, less 6 at either end
_PEAK = 0.9

Seconds = NDArray[np.float64]


class CannotHear(Exception):
    """There is no beat tracker, or it cannot be used.

    note: a sentence for the producer with the remedy; "" where the package is not installed, as it is optional.
    """

    def __init__(self, note: str = "") -> None:
        super().__init__(note or "the package is not installed")
        self.note = note


@dataclass(frozen=True)
class HeardBeats:
    """Seconds of the beats and of the downbeats, each ascending, in steps of 20 ms; perhaps none."""

    beats: Seconds
    downbeats: Seconds


class Ears:
    """The beat tracker, loaded at the first song and kept."""

    def __init__(self) -> None:
        self._tracker: Any = None

    def hear(self, mono: NDArray[np.float32], rate: int, pace: Pace) -> HeardBeats:
        """Beats of `mono`, a whole song at `rate` Hz. Raises CannotHear and RenderStopped."""
        pace.at(STAGE, 0.0)
        if self._tracker is None:
            self._tracker = _load()
            pace.check()
        peak = float(np.abs(mono).max(initial=0.0))
        if peak == 0.0:
            return HeardBeats(np.zeros(0), np.zeros(0))
        # The network learnt from mastered music, which peaks near full scale.
        signal = mono * np.float32(_PEAK / peak)
        chunks = max(len(mono) / rate / _CHUNK_SECONDS, 1.0)
        done = 0

        def before_each_chunk(*_: object) -> None:
            nonlocal done
            pace.at(STAGE, min(done / chunks, 1.0))
            done += 1

        # The library takes a song in one call.
        network = self._tracker.model
        chunk_hook = network.register_forward_pre_hook(before_each_chunk)
        try:
            with checked_between_parts(network, pace.check):
                beats, downbeats = self._tracker(signal, rate)
        finally:
            chunk_hook.remove()
        pace.at(STAGE, 1.0)
        return HeardBeats(_ascending(beats), _ascending(downbeats))


def weights_path() -> Path:
    """Where the library keeps the weights once they were fetched. Raises CannotHear without the package."""
    _inference()
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / f"beat_this-{WEIGHTS}.ckpt"


def fetch_weights() -> Path:
    """Fetches the weights from the library's own address, unless they are there, and loads them once.

    Raises CannotHear. Nobody publishes a digest of them; torch reads them as numbers only, so they can run nothing.
    """
    inference = _inference()
    path = weights_path()
    import torch

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            torch.hub.download_url_to_file(
                f"{inference.CHECKPOINT_URL}/{WEIGHTS}.ckpt", str(path), progress=False
            )
    except OSError as error:  # what urllib raises, too
        raise CannotHear(
            f"The weights of {LABEL} could not be fetched from {WEIGHTS_FROM} ({first_line(error)}). "
            "Check the connection and the room on the disk, and try again."
        ) from error
    try:
        inference.load_model(str(path), "cpu")
    except Exception as error:
        path.unlink()
        raise CannotHear(
            f"What came from {WEIGHTS_FROM} is not the weights of {LABEL} ({first_line(error)}). It was deleted; "
            "try again later."
        ) from error
    return path


def _load() -> Any:
    """The library's tracker with its weights from the cache. Raises CannotHear."""
    inference = _inference()
    path = weights_path()
    if not path.is_file():
        raise CannotHear(
            f"{LABEL} has no weights yet, so the embedded analysis found tempo and bars. "
            f"Fetch them ({WEIGHTS_SIZE} from {WEIGHTS_FROM}): {FETCH}"
        )
    try:
        return inference.Audio2Beats(checkpoint_path=str(path), device="cpu", dbn=False)
    except Exception as error:  # a damaged file fails in as many ways as pickle has
        raise CannotHear(
            f"The weights of {LABEL} cannot be read ({first_line(error)}), so the embedded analysis found tempo and "
            f"bars. Delete {path.name} in the cache of torch and fetch it again: {FETCH}"
        ) from error


def _inference() -> Any:
    """The library's module of that name. Raises CannotHear."""
    try:
        import beat_this
    except ModuleNotFoundError as missing:
        raise CannotHear from missing
    try:
        import beat_this.inference
    except (ImportError, OSError) as error:  # torchaudio does not load with a torch of another version
        raise CannotHear(
            f"{LABEL} is installed and does not load ({first_line(error)}), so the embedded analysis "
            f"found tempo and bars. Install torch and torchaudio of the same version: {INSTALL}"
        ) from error
    return beat_this.inference


def _ascending(times: Any) -> Seconds:
    return np.unique(np.asarray(times, dtype=np.float64))
