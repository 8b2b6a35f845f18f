"""Audio as the autoencoder sees it: log-mel pictures, 128 bands in steps of 512 samples at 44.1 kHz."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

RATE = 44_100
HOP = 512
SPECTRUM = 2048
SMALLEST = 1e-5
_QUIET, _SPAN = 11.0, 14.0  # log-mel -11..3 becomes -1..1, unclipped


class MelPicture:
    """Log-mel pictures with the window [2048] and the filterbank [1025, 128] that are stored with the vocoder.

    They are stored in bfloat16, and the published application uses them so, in float32 too; the networks were trained
    with exact ones, but the difference reaches 0.07.
    """

    def __init__(self, window: Tensor, filterbank: Tensor) -> None:
        self.window = window.float()
        self.filterbank = filterbank.float()

    def of(self, audio: Tensor) -> Tensor:
        """Audio [N, S] -> natural logarithms [N, 128, S / 512], float32."""
        return torch.log(
            (self.spectrum(audio).transpose(1, 2) @ self.filterbank).clamp_min(SMALLEST)
        ).transpose(1, 2)

    def spectrum(self, audio: Tensor) -> Tensor:
        """Magnitudes [N, 1025, S / 512]."""
        side = (SPECTRUM - HOP) // 2
        padded = functional.pad(audio.float()[:, None], (side, side), mode="reflect")[:, 0]
        found = torch.stft(
            padded, SPECTRUM, HOP, window=self.window, center=False, return_complex=True, onesided=True
        )
        return (found.real.square() + found.imag.square() + 1e-6).sqrt()


def scaled(picture: Tensor) -> Tensor:
    """Log-mel -> the autoencoder's range."""
    return (picture + _QUIET) / _SPAN * 2 - 1


def unscaled(picture: Tensor) -> Tensor:
    """The autoencoder's range -> log-mel."""
    return (picture * 0.5 + 0.5) * _SPAN - _QUIET
