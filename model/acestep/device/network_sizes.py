"""Sizes of a checkpoint's networks for memory_plan.py, counted on the meta device.

Reads no weights. For the published checkpoints the results equal the table in memory_plan.py.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from model.acestep.conditioning.qwen_text_encoder import text_parameters
from model.acestep.device.memory_plan import NetworkSizes
from model.acestep.networks.network_config import NetworkConfig
from model.acestep.networks.vae import Vae
from model.acestep.weights.checkpoint import builders, vae_config
from model.acestep.weights.stored_names import CheckpointPart


def sizes_of(config: NetworkConfig, vae: Path, text_encoder: Path) -> NetworkSizes:
    """Parameters and widths of a checkpoint with the autoencoder and text encoder in these folders or files."""
    with torch.device("meta"):
        networks = {part: build() for part, build in builders(config).items()}
        autoencoder = Vae(vae_config(vae))
    linears = [
        part.weight.numel() for part in networks[CheckpointPart.DIT].modules() if isinstance(part, nn.Linear)
    ]
    block = config.dit.block
    return NetworkSizes(
        decoder=parameters(networks[CheckpointPart.DIT]),
        linear=sum(linears),
        biggest_linear=max(linears),
        encoders=sum(
            parameters(network) for part, network in networks.items() if part is not CheckpointPart.DIT
        ),
        text_encoder=text_parameters(text_encoder),
        vae=parameters(autoencoder),
        width=block.width,
        inner_width=block.inner_width,
        query_width=block.heads * block.head_width,
        key_width=block.key_heads * block.head_width,
        layers=config.dit.layers,
        heads=block.heads,
        window=block.window,
    )


def parameters(network: nn.Module) -> int:
    """Number of parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters())
