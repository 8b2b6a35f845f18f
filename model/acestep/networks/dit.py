"""The diffusion transformer: noisy latents, their context and the condition in, flow-matching velocity out.

Shapes: B batch, T latent frames (25 per second), L tokens = ceil(T / patch), C width, S condition tokens.
The prediction is v = noise - data. Padded frames and padded condition tokens are not masked, as in training, so
reproducible items must share one condition length.

Whatever stays constant during a render is prepared once: `plan` for a length, `condition` for the encoder states.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.acestep.networks.attention import (
    Attention,
    Band,
    BlockShape,
    GatedMlp,
    KeysValues,
    RmsNorm,
    Rotary,
    Visible,
    rotary_tables,
    sliding_band,
)

TIME_FEATURES = 256  # sinusoidal features of a time
TIME_SCALE = 1000.0  # times are 0..1 outside and 0..1000 inside the sinusoids
SLOWEST_PERIOD = 10_000.0


@dataclass(frozen=True)
class DitConfig:
    """Sizes of the transformer.

    sliding: for every layer, whether it attends only within its window.
    condition_width: width of the incoming encoder states.
    context_channels: source channels plus mask channels.
    """

    block: BlockShape
    sliding: tuple[bool, ...]
    condition_width: int
    latent_channels: int = 64
    context_channels: int = 128
    patch: int = 2

    def __post_init__(self) -> None:
        if not self.sliding:
            raise ValueError("the transformer needs at least one layer, got 0")
        if self.context_channels != 2 * self.latent_channels:
            raise ValueError(
                f"context_channels ({self.context_channels}) must be twice latent_channels "
                f"({self.latent_channels}): source, then mask"
            )

    @property
    def layers(self) -> int:
        return len(self.sliding)


def sinusoids(time: Tensor) -> Tensor:
    """[B] -> [B, 256], cosines first; in float32."""
    half = TIME_FEATURES // 2
    steps = torch.arange(half, device=time.device, dtype=torch.float32)
    rate = torch.exp(-math.log(SLOWEST_PERIOD) * steps / half)
    angle = TIME_SCALE * time.float()[:, None] * rate
    return torch.cat((angle.cos(), angle.sin()), dim=-1)


class TimeEmbedding(nn.Module):
    """A time as a vector for the head, and as the six modulation vectors of every layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(TIME_FEATURES, width)
        self.outer = nn.Linear(width, width)
        self.modulation = nn.Linear(width, 6 * width)

    def forward(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """[B] -> [B, C] and [B, 6, C]."""
        features = sinusoids(time).to(self.inner.bias.dtype)  # the weight may be packed in 8 bits
        vector: Tensor = self.outer(functional.silu(self.inner(features)))
        return vector, self.modulation(functional.silu(vector)).unflatten(-1, (6, -1))


def modulate(normed: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return torch.addcmul(shift, normed, 1 + scale)


class DitLayer(nn.Module):
    """Self attention and MLP, shifted, scaled and gated by the time; between them plain cross attention."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.shift_scale_gate = nn.Parameter(torch.zeros(1, 6, shape.width))
        self.self_norm = RmsNorm(shape.width, shape.norm_floor)
        self.self_attention = Attention(shape)
        self.cross_norm = RmsNorm(shape.width, shape.norm_floor)
        self.cross_attention = Attention(shape)
        self.mlp_norm = RmsNorm(shape.width, shape.norm_floor)
        self.mlp = GatedMlp(shape.width, shape.inner_width)

    def forward(
        self,
        x: Tensor,
        modulation: Tensor,
        seen: KeysValues,
        rotary: Rotary,
        visible: Visible,
        watch: Callable[[Tensor], None] | None = None,
    ) -> Tensor:
        """x [B, L, C], modulation [B or 1, 6, C], seen = this layer's condition -> [B, L, C].

        watch: gets what cross attention asks with, [B, L, C].
        """
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = (self.shift_scale_gate + modulation).chunk(
            6, dim=1
        )
        attended = self.self_attention(modulate(self.self_norm(x), shift, scale), rotary, visible)
        x = torch.addcmul(x, gate, attended)
        asking = self.cross_norm(x)
        if watch is not None:
            watch(asking)
        x = x + self.cross_attention.across(asking, seen)
        return torch.addcmul(x, mlp_gate, self.mlp(modulate(self.mlp_norm(x), mlp_shift, mlp_scale)))


@dataclass(frozen=True)
class DitPlan:
    """Everything that depends only on the length: rotary tables and the sliding window."""

    frames: int
    rotary: Rotary
    band: Band | None


@dataclass(frozen=True)
class Condition:
    """Every layer's cross-attention keys and values of the encoder states. One item serves a batch of any size."""

    layers: tuple[KeysValues, ...]


Step = Callable[[Tensor, Tensor], Tensor]
"""(noisy [B, T, 64], time [B or 1]) -> velocity [B, T, 64], with everything that stays the same in a render."""

RunLayer = Callable[[DitLayer, Tensor, Tensor, KeysValues, Rotary, Visible], Tensor]
"""As `DitLayer.forward`."""


@dataclass(frozen=True)
class RenderStep:
    """A `Step`. run: how its layers are run."""

    dit: Dit
    context: Tensor
    condition: Condition
    plan: DitPlan
    run: RunLayer = DitLayer.__call__

    def __call__(self, noisy: Tensor, time: Tensor) -> Tensor:
        found: Tensor = self.dit(noisy, self.context, time, self.condition, self.plan, run=self.run)
        return found


Prepare = Callable[[RenderStep, int], Step]
"""What a device makes of a step that a render will call so many times, as far as can be told before."""


def _keep(
    found: list[Tensor], across: Attention, seen: KeysValues, heads: list[int], entries: slice, asking: Tensor
) -> None:
    found.extend(across.probabilities(asking, seen, head, entries) for head in heads)


class Dit(nn.Module):
    """The network. Prepare a plan and a condition, then call it once per step.

    prepare: what the device makes of the steps of a render; as they are, unless it knows better.
    """

    prepare: Prepare = staticmethod(lambda step, _calls: step)

    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        self.config = config
        shape, patch = config.block, config.patch
        channels = config.context_channels + config.latent_channels
        self.patchify = nn.Conv1d(channels, shape.width, patch, patch)
        self.time = TimeEmbedding(shape.width)
        self.time_gap = TimeEmbedding(shape.width)
        self.condition_in = nn.Linear(config.condition_width, shape.width)
        self.layers = nn.ModuleList(DitLayer(shape) for _ in config.sliding)
        self.shift_scale = nn.Parameter(torch.zeros(1, 2, shape.width))
        self.norm = RmsNorm(shape.width, shape.norm_floor)
        self.unpatchify = nn.ConvTranspose1d(shape.width, config.latent_channels, patch, patch)

    def plan(self, frames: int) -> DitPlan:
        """Prepares renders of `frames` latent frames."""
        weight, shape = self.patchify.weight, self.config.block
        tokens = -(-frames // self.config.patch)
        rotary = rotary_tables(tokens, shape.head_width, shape.rotary_base, weight.device, weight.dtype)
        band = None
        if any(self.config.sliding):
            band = sliding_band(tokens, shape.window, weight.device, weight.dtype)
        return DitPlan(frames, rotary, band)

    def condition(self, states: Tensor) -> Condition:
        """Prepares encoder states [B, S, condition width]; once per render, not once per step."""
        states = self.condition_in(states.to(self.condition_in.bias.dtype))
        return Condition(tuple(layer.cross_attention.keys_values(states) for layer in self._layers()))

    def embed_time(self, time: Tensor, gap: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Times [B] and the gap from each to the time it jumps to [B] (None = 0) -> [B, C] and [B, 6, C].

        The embedding of a gap of 0 is not zero, so it is part of every result.
        """
        vector, modulation = self.time(time)
        gap_vector, gap_modulation = self.time_gap(torch.zeros_like(time) if gap is None else gap)
        return vector + gap_vector, modulation + gap_modulation

    def forward(
        self,
        noisy: Tensor,
        context: Tensor,
        time: Tensor,
        condition: Condition,
        plan: DitPlan,
        gap: Tensor | None = None,
        run: RunLayer = DitLayer.__call__,
    ) -> Tensor:
        """noisy [B, T, 64], context [B or 1, T, 128], time [B or 1] -> velocity [B, T, 64].

        Computes in the dtype of the weights and returns that of `noisy`; times stay float32 up to the sinusoids.
        """
        batch, frames, _ = noisy.shape
        if frames != plan.frames:
            raise ValueError(f"the plan is for {plan.frames} latent frames, the latents have {frames}")
        vector, modulation = self.embed_time(time, gap)
        x = self._tokens(noisy, context)
        for layer, sliding, seen in zip(self._layers(), self.config.sliding, condition.layers, strict=True):
            x = run(layer, x, modulation, seen.for_batch(batch), plan.rotary, plan.band if sliding else None)
        shift, scale = (self.shift_scale + vector[:, None]).chunk(2, dim=1)
        x = modulate(self.norm(x), shift, scale)
        out: Tensor = self.unpatchify(x.transpose(1, 2)).transpose(1, 2)
        return out[:, :frames].to(noisy.dtype)

    def step(self, context: Tensor, condition: Condition, plan: DitPlan, calls: int) -> Step:
        """For one render: `forward` with all that stays the same in it. calls: about how many times it will run."""
        return self.prepare(RenderStep(self, context, condition, plan), calls)

    def attention_to(
        self,
        noisy: Tensor,
        context: Tensor,
        time: Tensor,
        condition: Condition,
        plan: DitPlan,
        heads: Sequence[tuple[int, int]],
        entries: slice,
    ) -> list[Tensor]:
        """How some heads, as (layer, head), attend to some entries N of the condition: float32 [B, L, N] each.

        The inputs are those of `forward`, for one item; the answer is in the order of the layers. Those after the last
        that is asked for are not computed.
        """
        found: list[Tensor] = []
        _, modulation = self.embed_time(time)
        x = self._tokens(noisy, context)
        layers = self._layers()[: max(layer for layer, _ in heads) + 1]
        for index, layer in enumerate(layers):
            seen, sliding = condition.layers[index], self.config.sliding[index]
            asked = [head for at, head in heads if at == index]
            watch = partial(_keep, found, layer.cross_attention, seen, asked, entries)
            x = layer(x, modulation, seen, plan.rotary, plan.band if sliding else None, watch)
        return found

    def _tokens(self, noisy: Tensor, context: Tensor) -> Tensor:
        """Context channels first, then the noisy ones; the order is part of the weights. -> [B, L, C]"""
        channels = torch.cat((context.to(noisy).expand(noisy.shape[0], -1, -1), noisy), dim=-1)  # [B, T, 192]
        channels = functional.pad(channels, (0, 0, 0, -noisy.shape[1] % self.config.patch))
        tokens: Tensor = self.patchify(channels.transpose(1, 2).to(self.patchify.weight.dtype))
        # Otherwise every layer inherits the convolution's channel-first memory layout, which slows matrix products.
        return tokens.transpose(1, 2).contiguous()

    def _layers(self) -> list[DitLayer]:
        return [layer for layer in self.layers if isinstance(layer, DitLayer)]
