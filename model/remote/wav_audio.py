"""Audio as other servers send and take it: WAV in memory. The one place of the engines that knows soundfile."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from model.engine import Samples


def encode_wav(samples: Samples, rate: int) -> bytes:
    """float32 [frames, channels] as a WAV file of 32-bit floats: nothing is rounded or clipped."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="FLOAT")
    return file.getvalue()


def decode_audio(data: bytes) -> tuple[Samples, int]:
    """float32 [frames, channels] and the rate of a sound file. Raises ValueError for anything else."""
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise ValueError("no audio that can be read") from error
    return np.ascontiguousarray(samples), int(rate)
