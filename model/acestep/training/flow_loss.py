"""The loss of one example: how far the transformer's velocity is from noise - song, on average over all frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from model.acestep.networks.dit import Dit
from model.acestep.sampling.samplers import from_source
from model.acestep.training.examples import Example


class FlowLoss:
    """The loss of examples on one transformer, with gradients; plans of the lengths it has met are kept."""

    def __init__(self, dit: Dit) -> None:
        self._dit = dit
        self._plans = {0: dit.plan(2)}

    def __call__(self, example: Example) -> Tensor:
        """The mean squared error, float32. The adapter's dropout is the example's own."""
        weight = self._dit.patchify.weight
        latents, noise = example.latents.to(weight.device), example.noise.to(weight.device)
        time = example.time.to(weight.device)
        noisy = from_source(latents, noise, float(example.time))
        frames = latents.shape[1]
        if frames not in self._plans:
            self._plans[frames] = self._dit.plan(frames)
        with _dropout(example.dropout_seed, weight.device):
            condition = self._dit.condition(example.states.to(weight.device))
            answer = self._dit(
                noisy.to(weight.dtype),
                example.context.to(weight),
                time,
                condition,
                self._plans[frames],
            )
        return functional.mse_loss(answer.float(), noise - latents)


def save_activations(dit: Dit) -> None:
    """Computes each layer's activations a second time in the backward pass instead of keeping them: about half the
    memory for a quarter more time, and the same gradients."""
    for layer in dit.layers:
        setattr(layer, "forward", partial(checkpoint, layer.forward, use_reentrant=False))  # noqa: B010 - a method


@contextmanager
def _dropout(seed: int, device: torch.device) -> Iterator[None]:
    """Dropout layers draw from torch's own generators: seeded inside, and as they were afterwards."""
    devices = [] if device.type != "cuda" else [device]
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield
