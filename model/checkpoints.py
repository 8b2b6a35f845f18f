"""Information about model checkpoints without loading them: which are published, and what a folder contains.

The entry point to the parts of model.acestep that need no torch. Only `check_networks` needs it, so call that in a
separate process.
"""

from __future__ import annotations

from pathlib import Path

from model.acestep.weights.catalogue import (
    CATALOGUE,
    Kind,
    Published,
    PublishedFile,
    by_name,
    is_wanted,
    with_needs,
)
from model.acestep.weights.model_folders import (
    Layout,
    ModelFolder,
    Variant,
    find_models,
    read_fields,
    what_it_is_instead,
)
from model.weight_header import read_header
from model.errors import NotLoaded

__all__ = [
    "CATALOGUE",
    "Kind",
    "Layout",
    "ModelFolder",
    "Published",
    "PublishedFile",
    "Variant",
    "by_name",
    "check_networks",
    "find_models",
    "is_wanted",
    "read_fields",
    "read_header",
    "what_it_is_instead",
    "with_needs",
]


def check_networks(folder: Path, kind: Kind) -> str:
    """Checks that the tensors in a folder match its networks by name and shape; "" if they do, else the mismatch.

    The networks are built on the meta device, without memory; only headers and the autoencoder's weights are read.
    """
    from torch import float32

    from model.acestep.weights.checkpoint import load_vae, open_weights
    from model.acestep.weights.model_folders import recognise

    try:
        if kind is Kind.VAE:
            load_vae(folder, float32, "meta")
        elif kind is Kind.TEXT_ENCODER:
            from model.acestep.conditioning.qwen_text_encoder import load_network

            load_network(folder, float32, "meta")
        elif kind is Kind.MUSIC:
            found = recognise(folder)
            weights = open_weights(found)
            weights.silence()
            for load in (
                weights.load_dit,
                weights.load_condition_encoder,
                weights.load_tokenizer,
                weights.load_detokenizer,
            ):
                load(float32, "meta")
            companions = ((found.vae, Kind.VAE), (found.text_encoder, Kind.TEXT_ENCODER))
            for place, part in companions if found.layout is Layout.COMFYUI else ():
                # In this layout the VAE and text encoder are single files that no other call checks.
                if place is not None and (problem := check_networks(place, part)):
                    return problem
    except NotLoaded as broken:
        return str(broken)
    return ""
