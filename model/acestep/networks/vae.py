"""The audio autoencoder ("Oobleck"): 48 kHz stereo to 25 latent frames per second, and back.

Shapes: B batch, A audio channels, C channels, N samples, T latent frames; N = T * hop (1920).
For inference only: weight norm and the activation's exponentials are folded into plain numbers when the weights are
loaded, and activations are computed in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

DILATIONS = (1, 3, 9)
SMALLEST_DEVIATION = 1e-4


@dataclass(frozen=True)
class VaeConfig:
    """Sizes of the autoencoder.

    strides: samples per step of each encoder block; their product is the hop.
    multiples: channels after each encoder block, as multiples of the first width.
    """

    audio_channels: int = 2
    latent_channels: int = 64
    encoder_width: int = 128
    decoder_width: int = 128
    multiples: tuple[int, ...] = (1, 2, 4, 8, 16)
    strides: tuple[int, ...] = (2, 4, 4, 6, 10)
    rate: int = 48_000

    def __post_init__(self) -> None:
        if len(self.multiples) != len(self.strides):
            raise ValueError(
                f"multiples and strides must have the same length, got {len(self.multiples)} and {len(self.strides)}"
            )
        if any(stride % 2 for stride in self.strides):
            raise ValueError(f"strides must be even to keep frames and samples aligned, got {self.strides}")

    @property
    def hop(self) -> int:
        """Samples per latent frame."""
        return math.prod(self.strides)

    def encoder_widths(self) -> list[int]:
        """Channels before the first and after every encoder block."""
        return [self.encoder_width * multiple for multiple in (1, *self.multiples)]

    def decoder_widths(self) -> list[int]:
        """Channels before the first and after every decoder block."""
        return [self.decoder_width * multiple for multiple in (1, *self.multiples)][::-1]


def snake(x: Tensor, frequency: Tensor, gain: Tensor) -> Tensor:
    """x + gain sin(frequency x)^2; frequency and gain broadcast to x."""
    wave = (x * frequency).sin_().square_()
    # In place: these tensors are huge, and fresh pages cost more than the sine.
    return torch.addcmul(x, wave, gain, out=wave)


class Snake(nn.Module):
    """`snake` with one frequency and gain per channel.

    wave: how, for audio that comes time first; the device may know a faster way than torch's.
    """

    wave: Callable[[Tensor, Tensor, Tensor], Tensor] = staticmethod(snake)

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.ones(channels, 1))
        self.gain = nn.Parameter(torch.ones(channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return snake(x, self.frequency, self.gain)

    def along_time(self, x: Tensor) -> Tensor:
        """The same for audio that comes time first, [B, N, C]."""
        return self.wave(x, self.frequency[:, 0], self.gain[:, 0])


class ResidualUnit(nn.Module):
    """Two convolutions with a shortcut; keeps the length."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.wide_snake = Snake(channels)
        self.wide = nn.Conv1d(channels, channels, 7, dilation=dilation, padding=3 * dilation)
        self.narrow_snake = Snake(channels)
        self.narrow = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.narrow(self.narrow_snake(self.wide(self.wide_snake(x))))
        return out.add_(x)


class Upsample(nn.Module):
    """The transposed convolution of kernel 2s and stride s, as a two-tap convolution to s times the channels.

    Every output sample depends on exactly two inputs. On a CPU a plain convolution is up to three times faster than
    the transposed one, and it can be streamed. The taps give all channels of the first of s samples, then of the next:
    time first, that is the audio itself.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.taps = nn.Conv1d(channels_in, channels_out * stride, 2, padding=1, bias=False)
        self.bias = nn.Parameter(torch.zeros(channels_out))  # one per channel, the same for all phases

    @staticmethod
    def fold(weight: Tensor, stride: int) -> Tensor:
        """A transposed convolution's weight [in, out, 2s] as the two taps' weight [s * out, in, 2]."""
        older_then_newer = torch.unflatten(weight, 2, (2, stride)).flip(2)  # [in, out, 2, s]
        return older_then_newer.permute(3, 1, 0, 2).flatten(0, 1).contiguous()

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, C', T * s]."""
        half = self.stride // 2
        return self.interleave(self.taps(x))[:, :, half:-half]

    def interleave(self, phases: Tensor) -> Tensor:
        """Phases [B, s * C', T + 1] -> samples [B, C', (T + 1) * s], half a stride early."""
        split = torch.unflatten(phases, 1, (self.stride, -1)).permute(0, 2, 3, 1)  # [B, C', T + 1, s]
        return (split + self.bias[:, None, None]).flatten(2)


class EncoderBlock(nn.Module):
    """Three residual units, then downsampling to more channels."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.units = nn.ModuleList(ResidualUnit(channels_in, dilation) for dilation in DILATIONS)
        self.snake = Snake(channels_in)
        self.down = nn.Conv1d(channels_in, channels_out, 2 * stride, stride, padding=stride // 2)


class DecoderBlock(nn.Module):
    """Upsampling to fewer channels, then three residual units."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.snake = Snake(channels_in)
        self.up = Upsample(channels_in, channels_out, stride)
        self.units = nn.ModuleList(ResidualUnit(channels_out, dilation) for dilation in DILATIONS)


class Encoder(nn.Module):
    """Audio to latent statistics."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        widths = config.encoder_widths()
        self.first = nn.Conv1d(config.audio_channels, widths[0], 7, padding=3)
        self.blocks = nn.ModuleList(map(EncoderBlock, widths[:-1], widths[1:], config.strides))
        self.snake = Snake(widths[-1])
        self.last = nn.Conv1d(widths[-1], 2 * config.latent_channels, 3, padding=1)

    def steps(self) -> list[nn.Module]:
        """The layers in order, the same list for direct and streamed use."""
        steps: list[nn.Module] = [self.first]
        for block in self.blocks:
            assert isinstance(block, EncoderBlock)
            steps += [*block.units, block.snake, block.down]
        return [*steps, self.snake, self.last]


class Decoder(nn.Module):
    """Latents to audio."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        widths = config.decoder_widths()
        self.first = nn.Conv1d(config.latent_channels, widths[0], 7, padding=3)
        self.blocks = nn.ModuleList(map(DecoderBlock, widths[:-1], widths[1:], config.strides[::-1]))
        self.snake = Snake(widths[-1])
        self.last = nn.Conv1d(widths[-1], config.audio_channels, 7, padding=3, bias=False)

    def steps(self) -> list[nn.Module]:
        """The layers in order, the same list for direct and streamed use."""
        steps: list[nn.Module] = [self.first]
        for block in self.blocks:
            assert isinstance(block, DecoderBlock)
            steps += [block.snake, block.up, *block.units]
        return [*steps, self.snake, self.last]


def run(steps: Sequence[nn.Module], x: Tensor) -> Tensor:
    for step in steps:
        x = step(x)
    return x


@dataclass(frozen=True)
class LatentDistribution:
    """The encoder's output: a normal distribution per number, [B, 64, T] each, float32."""

    mean: Tensor
    scale: Tensor

    @property
    def deviation(self) -> Tensor:
        return functional.softplus(self.scale) + SMALLEST_DEVIATION

    def sample(self, noise: Tensor) -> Tensor:
        """mean + deviation * noise; the caller, who knows the seed, provides noise [B, 64, T]."""
        return self.mean + self.deviation * noise.to(self.mean)

    @staticmethod
    def joined(parts: Sequence[LatentDistribution]) -> LatentDistribution:
        """Parts of a clip, in order, as one."""
        return LatentDistribution(
            torch.cat([part.mean for part in parts], dim=2), torch.cat([part.scale for part in parts], dim=2)
        )

    def copied(self, first: int, end: int) -> LatentDistribution:
        """Its frames [first, end), without keeping the others in memory."""
        return LatentDistribution(self.mean[:, :, first:end].clone(), self.scale[:, :, first:end].clone())


class Vae(nn.Module):
    """The autoencoder; both directions compute in the dtype of the weights and return float32."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    @torch.no_grad()
    def encode(self, audio: Tensor) -> LatentDistribution:
        """Audio [B, A, N] -> T = N // hop frames; samples beyond the last whole frame are dropped.

        Raises ValueError for less than one frame.
        """
        frames = audio.shape[-1] // self.config.hop
        if frames < 1:
            raise ValueError(f"{audio.shape[-1]} samples are less than one latent frame ({self.config.hop})")
        statistics = run(self.encoder.steps(), audio.to(self.encoder.first.weight))
        return self.distribution(statistics[:, :, :frames])

    def distribution(self, statistics: Tensor) -> LatentDistribution:
        """Encoder output [B, 128, T]: mean first, then scale."""
        mean, scale = statistics.float().chunk(2, dim=1)
        return LatentDistribution(mean, scale)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents [B, 64, T] -> audio [B, A, T * hop]; may exceed +-1."""
        return run(self.decoder.steps(), latents.to(self.decoder.first.weight)).float()
