"""Sound as ComfyUI has it and as the bridge has it: tensors of batch, channels and samples; WAV files.

ComfyUI's type AUDIO is {"waveform": a float tensor of shape (B, C, T), "sample_rate": Hz}.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import torch

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE


def encode_wav(waveform: torch.Tensor, rate: int) -> bytes:
    """A waveform of shape (C, T) as a WAV file of 32-bit floats, which holds it bit for bit."""
    samples = np.ascontiguousarray(waveform.detach().cpu().numpy().T, dtype="<f4")
    channels = samples.shape[1]
    head = struct.pack("<HHIIHH", FLOAT, channels, rate, rate * channels * 4, channels * 4, 32)
    body = samples.tobytes()
    size = 4 + 8 + len(head) + 8 + len(body)
    return b"".join(
        (b"RIFF", struct.pack("<I", size), b"WAVEfmt ", struct.pack("<I", len(head)), head, b"data",
         struct.pack("<I", len(body)), body)
    )  # fmt: skip


def decode_wav(data: bytes) -> tuple[torch.Tensor, int]:
    """A WAV file as a waveform of shape (C, T), full scale = 1, and its rate. Raises ValueError."""
    kind = channels = rate = bits = 0
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt ":
            kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
            if kind == EXTENSIBLE:
                (kind,) = struct.unpack_from("<H", body, 24)
        elif name == b"data":
            samples = _samples(body, kind, bits).reshape(-1, channels)
            return torch.from_numpy(np.ascontiguousarray(samples.T)), rate
        at += 8 + size + (size & 1)
    raise ValueError("the bridge sent a file without sound")


def _samples(body: bytes, kind: int, bits: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    if kind == FLOAT:
        return np.frombuffer(body, f"<f{bits // 8}").astype(np.float32)
    if kind != PCM or bits not in (16, 24, 32):
        raise ValueError(f"the bridge sent a WAV file of kind {kind} with {bits} bits")
    width = bits // 8
    wide = np.zeros((len(body) // width, 4), np.uint8)
    wide[:, 4 - width :] = np.frombuffer(body[: len(wide) * width], np.uint8).reshape(-1, width)
    return (wide.view("<i4")[:, 0] / 2.0**31).astype(np.float32)


def audio_of(waveforms: list[torch.Tensor], rate: int) -> dict[str, Any]:
    """Waveforms of shape (C, T) as one AUDIO value; the shorter ones end in silence."""
    longest = max(one.shape[-1] for one in waveforms)
    padded = [torch.nn.functional.pad(one, (0, longest - one.shape[-1])) for one in waveforms]
    return {"waveform": torch.stack(padded), "sample_rate": rate}
