"""A convolution over time whose weights lie in the order in which oneDNN multiplies them.

oneDNN reads a step of time as one row, all channels side by side. Fed with rows of channels, as torch usually keeps
audio, it turns both input and output around, and puts the weights in order, at every call: together a third of the
autoencoder's time on a processor, and most of it in the deep layers, whose weights are large and whose audio is short.
Here audio comes time first, [B, N, C], and the weights are put in order once.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

Convolve = Callable[[Tensor, Tensor | None], Tensor]
"""(x [B, N, C], bias) -> [B, M, O], without padding."""


class PackedConvolution(nn.Conv1d):
    """An nn.Conv1d with the same names, whose weight is packed; for inference on a processor."""

    def pack(self) -> None:
        """Replaces the weight [O, C, K] by its packed form, one at a time: the plain one is free afterwards.

        Raises AttributeError or RuntimeError where torch has no oneDNN.
        """
        plain = self.weight.detach()[:, :, None].contiguous(memory_format=torch.channels_last)
        packed = torch.ops.mkldnn._reorder_convolution_weight(
            plain, [0, 0], [1, *self.stride], [1, *self.dilation], 1, None
        )
        self.weight = nn.Parameter(packed, requires_grad=False)

    def along_time(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """See Convolve. Raises RuntimeError for an x that is shorter than the kernel's reach."""
        image = x.contiguous().transpose(1, 2).unsqueeze(2)  # [B, C, 1, N], channels last in memory
        found: Tensor = torch.ops.mkldnn._convolution_pointwise(
            image, self.weight, bias, [0, 0], [1, *self.stride], [1, *self.dilation], 1, "none", [], ""
        )
        return found.squeeze(2).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """As nn.Conv1d: [B, C, N] -> [B, O, M]."""
        padding = int(self.padding[0])
        padded = functional.pad(x, (padding, padding)).transpose(1, 2)
        return self.along_time(padded, self.bias).transpose(1, 2)


def along_time(conv: nn.Conv1d) -> Convolve:
    """The convolution for audio that comes time first."""
    if isinstance(conv, PackedConvolution):
        return conv.along_time

    def usual(x: Tensor, bias: Tensor | None) -> Tensor:
        found = functional.conv1d(x.transpose(1, 2), conv.weight, bias, conv.stride, 0, conv.dilation)
        return found.transpose(1, 2)

    return usual
