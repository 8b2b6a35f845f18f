"""Audio as other servers send and take it: WAV in memory. The one place of the engines that knows soundfile."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from model.engine import Samples

MOST_SAMPLES = 100_000_000
"""Of all channels, 400 MB: ten minutes at 48 kHz have 58 million. A small file may hold far more silence."""


def encode_wav(samples: Samples, rate: int) -> bytes:
    """float32 [frames, channels] as a WAV file of 32-bit floats: nothing is rounded or clipped."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="FLOAT")
    return file.getvalue()


def decode_audio(data: bytes) -> tuple[Samples, int]:
    """float32 [frames, channels] and the rate of a sound file. Raises ValueError for anything else."""
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.frames * file.channels > MOST_SAMPLES:
                raise ValueError("more audio than can be meant")
            samples = file.read(dtype="float32", always_2d=True)
            rate = int(file.samplerate)
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise ValueError("no audio that can be read") from error
    return np.ascontiguousarray(samples), rate
