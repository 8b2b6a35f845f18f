"""The notes in a sound, by a small trained network: Basic Pitch (Spotify, ICASSP 2022; Apache-2.0, LICENSE beside it).

The weights, 230 kB, lie in this folder and need nothing but onnxruntime; the published package would bring TensorFlow
or Core ML, librosa and three more for what is done here: cut into windows, put together, read off the notes. The
network takes 22,050 Hz mono; its own layers make the spectrogram.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.dsp.resample import GOOD, resample
from model.errors import NotLoaded
from model.notes.note_events import notes_in

LABEL = "Basic Pitch"
INSTALL = "pip install 'takebridge[notes]'"
WEIGHTS = Path(__file__).with_name("nmp.onnx")

RATE = 22_050
FRAME = 256
"""Samples from one frame of the network's answer to the next."""
_WINDOW = 2 * RATE - FRAME
_OVERLAP = 30  # frames that one window and the next have in common; half of them are used of each
_HOP = _WINDOW - _OVERLAP * FRAME
_EDGE = _OVERLAP // 2
_INPUT = "serving_default_input_2:0"
_SOUNDING, _ONSETS = "StatefulPartitionedCall:1", "StatefulPartitionedCall:2"


@dataclass(frozen=True)
class HeardNote:
    """start, end: seconds from the sound's first sample; pitch: MIDI; velocity: 1 to 127."""

    start: float
    end: float
    pitch: int
    velocity: int


def refuse_without_package() -> None:
    """Raises NotLoaded where onnxruntime is not installed."""
    if importlib.util.find_spec("onnxruntime") is None:
        raise NotLoaded(
            f"Finding notes ({LABEL}) needs the package onnxruntime, which is not installed.", INSTALL
        )


class Transcriber:
    """The network, loaded. threads: 0 for as many as there are processors."""

    def __init__(self, threads: int = 0) -> None:
        """Raises NotLoaded."""
        refuse_without_package()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # its remarks on the file are for its makers
        self._session: Any = onnxruntime.InferenceSession(
            str(WEIGHTS), options, providers=["CPUExecutionProvider"]
        )

    def notes(
        self, samples: NDArray[Any], rate: int, progress: Callable[[float], None] = lambda _: None
    ) -> list[HeardNote]:
        """The notes of a sound, (frames,) or (frames, channels), in order. progress: 0 to 1; what it raises ends it."""
        mono = samples if samples.ndim == 1 else samples.mean(axis=1)
        mono = np.asarray(
            resample(np.ascontiguousarray(mono, np.float32), rate, RATE, quality=GOOD), np.float32
        )
        if not mono.any():
            return []
        sounding, onsets = self._heard(mono, progress)
        places = np.concatenate([_places(number) for number in range(_windows(len(mono)))])
        seconds = len(samples) / rate
        found = []
        for note in notes_in(sounding, onsets):
            start, end = (min(float(places[frame]) / RATE, seconds) for frame in (note.start, note.end))
            if end > start:
                found.append(HeardNote(start, end, note.pitch, max(1, min(127, round(127 * note.strength)))))
        return found

    def _heard(
        self, mono: NDArray[np.float32], progress: Callable[[float], None]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What sounds, and what begins: (frames, keys) each. One window at a time: equal sound gives equal notes."""
        count = _windows(len(mono))
        padded = np.zeros((count - 1) * _HOP + _WINDOW, np.float32)
        padded[_EDGE * FRAME : _EDGE * FRAME + len(mono)] = mono
        sounding: list[NDArray[np.float32]] = []
        onsets: list[NDArray[np.float32]] = []
        for number in range(count):
            progress(number / count)
            window = padded[number * _HOP : number * _HOP + _WINDOW].reshape(1, _WINDOW, 1)
            two = self._session.run([_SOUNDING, _ONSETS], {_INPUT: window})
            for rows, found in zip((sounding, onsets), two, strict=True):
                rows.append(found[0, _EDGE:-_EDGE])
        return np.concatenate(sounding), np.concatenate(onsets)


def _windows(frames: int) -> int:
    return max(1, -(-frames // _HOP))


def _places(number: int) -> NDArray[np.int64]:
    """Where the frames of a window that are used lie in the sound, in samples at RATE.

    Windows follow each other at _HOP samples, and the frames of one at FRAME: not the same, by 188 samples a window.
    """
    used = _WINDOW // FRAME + 1 - _OVERLAP
    return number * _HOP + FRAME * np.arange(used, dtype=np.int64)
