"""What may be known of model checkpoints without loading any: which are published, and what a folder holds.

The door to the parts of model.acestep that need no torch; only `check_networks` does, and it is meant to be called
in a process of its own.
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
from model.acestep.weights.weight_header import read_header
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
    """Whether the tensors in a folder are those of its networks, by name and shape; "" = they are, else what is not.

    The networks are built without memory of their own; only headers and the autoencoder's weights are read.
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
            beside = ((found.vae, Kind.VAE), (found.text_encoder, Kind.TEXT_ENCODER))
            for place, part in beside if found.layout is Layout.COMFYUI else ():
                # Nobody looks at the others' single files by themselves.
                if place is not None and (problem := check_networks(place, part)):
                    return problem
    except NotLoaded as broken:
        return str(broken)
    return ""
