"""Information about model checkpoints without loading them: which are published, and what a folder contains.

The entry point to the parts of the engines that need no torch. Only `check_networks` and what
reads or writes weights in half precision need it: call those in a separate process.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from model.acestep.weights.catalogue import ACESTEP_MODELS, is_wanted
from model.acestep.weights.half_copy_place import half_copy_place, remove_half_copy
from model.acestep.weights.half_copy_place import unfinished as unfinished_half_copy
from model.acestep.weights.model_folders import (
    Layout,
    ModelFolder,
    Variant,
    find_models,
    read_fields,
    what_it_is_instead,
)
from model.acestep_v1.weights.published_v1 import V1_MODELS
from model.acestep_v1.weights.v1_folders import is_v1, v1_models
from model.errors import NotLoaded
from model.musicgen.published_musicgen import MUSICGEN_MODELS
from model.prompt_match import MATCH_MODELS
from model.published import Kind, Published, PublishedFile
from model.stable_audio.published_stable_audio import STABLE_AUDIO_MODELS
from model.stems.published_stems import STEM_MODELS
from model.weight_header import read_header
from model.word_hearing import WORD_MODELS

if TYPE_CHECKING:
    from model.acestep.weights.checkpoint import Weights

__all__ = [
    "CATALOGUE",
    "Kind",
    "Layout",
    "ModelFolder",
    "Published",
    "PublishedFile",
    "Variant",
    "by_name",
    "bytes_of_half_copy",
    "check_networks",
    "find_models",
    "half_copy_place",
    "is_wanted",
    "read_fields",
    "read_header",
    "remove_half_copy",
    "unfinished_half_copy",
    "v1_models",
    "what_it_is_instead",
    "with_needs",
    "write_half_copy",
    "wrong_in_half_copy",
]

CATALOGUE: tuple[Published, ...] = (
    *ACESTEP_MODELS,
    *V1_MODELS,
    *MUSICGEN_MODELS,
    *STABLE_AUDIO_MODELS,
    *STEM_MODELS,
    *MATCH_MODELS,
    *WORD_MODELS,
)


def by_name(name: str) -> Published | None:
    """The entry with this name or folder, ignoring case."""
    wanted = name.lower()
    for entry in CATALOGUE:
        if wanted in (entry.name, entry.folder.lower()):
            return entry
    return None


def with_needs(entries: tuple[Published, ...]) -> Iterator[Published]:
    """The entries and those they need, each once, in the order of the table."""
    wanted = {entry.name for entry in entries}
    wanted |= {need for entry in entries for need in entry.needs}
    return (entry for entry in CATALOGUE if entry.name in wanted)


def check_networks(folder: Path, kind: Kind) -> str:
    """Checks that the tensors in a folder match its networks by name and shape; "" if they do, else the mismatch.

    The networks are built on the meta device, without memory; only headers and the autoencoder's weights are read.
    """
    if kind is Kind.STEMS:
        return _check_separator(folder)
    if is_v1(folder):
        from model.acestep_v1.check_v1 import check_v1

        return check_v1(folder)
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


def bytes_of_half_copy(checkpoint: Path) -> int:
    """What a copy of a checkpoint's transformer in half precision takes. Raises NotLoaded where none is to be made."""
    from model.acestep.weights import half_copy

    return half_copy.bytes_of_half_copy(_weights(checkpoint))


def write_half_copy(checkpoint: Path) -> Path:
    """Makes that copy. Raises NotLoaded."""
    from model.acestep.weights import half_copy

    return half_copy.write_half_copy(_weights(checkpoint))


def wrong_in_half_copy(checkpoint: Path) -> str:
    """Compares that copy with the checkpoint's files; "" if they agree, and without one."""
    from model.acestep.weights import half_copy

    try:
        return half_copy.wrong_in_half_copy(_weights(checkpoint))
    except NotLoaded as broken:
        return str(broken)


def _weights(checkpoint: Path) -> Weights:
    from model.acestep.weights.checkpoint import open_weights
    from model.acestep.weights.model_folders import recognise

    return open_weights(recognise(checkpoint))


def _check_separator(folder: Path) -> str:
    from model.stems.network import build

    try:
        for path in sorted(folder.glob("*.safetensors")):
            build(path)
    except NotLoaded as broken:
        return str(broken)
    return ""
