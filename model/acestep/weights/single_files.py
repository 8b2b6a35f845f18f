"""ACE-Step 1.5 in ComfyUI's format: networks in single safetensors files, without config.json. Needs no torch.

A file contains one network, or ("all in one") every network under its own prefix. Config values come from the tensors'
shapes; those that no shape reveals are the same in every published checkpoint. Names and prefixes follow ComfyUI's own
loaders (comfy/ldm/ace/ace_step15.py, comfy/ldm/audio/autoencoder.py, comfy/text_encoders/ace15.py). The music model's
tensors keep their official names: by sha256, that file is byte-identical to the official one.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from model.acestep.latent_grid import HOP, MODEL_RATE
from model.errors import NotLoaded
from model.weight_header import read_header, read_metadata

Shapes = Mapping[str, tuple[int, ...]]


class Held(enum.Enum):
    """The networks a single file may contain: (a tensor unique to it, its possible prefixes)."""

    MUSIC = ("encoder.lyric_encoder.layers.0.input_layernorm.weight", ("", "model.diffusion_model."))
    VAE = ("decoder.layers.1.layers.0.beta", ("", "vae."))
    TEXT = ("model.layers.0.post_attention_layernorm.weight", ("", "text_encoders.qwen3_06b.transformer."))

    def __init__(self, sign: str, prefixes: tuple[str, ...]) -> None:
        self.sign = sign
        self.prefixes = prefixes


OTHERS_IN_ONE = ("text_encoders.",)
"""Other prefixes in all-in-one files: planners, which are read from their own folders instead."""

FOLDERS: Mapping[Held, tuple[str, ...]] = {
    Held.MUSIC: ("diffusion_models", "unet", "checkpoints"),
    Held.VAE: ("vae",),
    Held.TEXT: ("text_encoders", "clip"),
}
LEVELS = 4  # how many folders up from a music model to look for the sibling folders above
NAMED = "ace"
"""Part of the file names that belong to ACE-Step: other files in those folders may have equal shapes."""


def prefix_in(path: Path, held: Held) -> str | None:
    """The prefix of this network in the file; None if it is not there, or the file is not a safetensors file."""
    try:
        names = _shapes(path)
    except (NotLoaded, OSError):
        return None
    return next((prefix for prefix in held.prefixes if prefix + held.sign in names), None)


def shapes_in(path: Path, held: Held) -> Shapes:
    """Shapes of the network's tensors by name without the prefix. Raises NotLoaded if the file does not contain it."""
    prefix = prefix_in(path, held)
    if prefix is None:
        read_header(path)  # raises for a file that is not a safetensors file
        raise NotLoaded(f"{path} is not the expected network: it has no {held.sign}.", "Download it again.")
    return {
        name.removeprefix(prefix): shape for name, shape in _shapes(path).items() if name.startswith(prefix)
    }


def unknown_tensors(path: Path) -> list[str]:
    """Tensors of an all-in-one file without a known prefix."""
    if not prefix_in(path, Held.MUSIC):
        return []  # without a prefix, every tensor is the music model's
    known = (*(held.prefixes[1] for held in Held), *OTHERS_IN_ONE)
    return [name for name in _shapes(path) if not name.startswith(known)]


def _shapes(path: Path) -> Shapes:
    about = path.stat()
    return _shapes_of(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=256)  # model folders are scanned repeatedly
def _shapes_of(path: Path, _size: int, _modified: int) -> Shapes:
    return {name: tuple(entry.get("shape", ())) for name, entry in read_header(path).items()}


# --- config values ------------------------------------------------------------------------------------


def music_fields(path: Path) -> Mapping[str, Any]:
    """The config.json fields of a music model, from its shapes. Raises NotLoaded if they match no music model."""
    shapes = shapes_in(path, Held.MUSIC)
    patches = _first(shapes, "decoder.proj_in.1.weight", 3)
    dit = _block(shapes, "decoder.layers.0.self_attn", "decoder.layers.0.mlp")
    encoder = "encoder.lyric_encoder.layers"
    own = _block(shapes, f"{encoder}.0.self_attn", f"{encoder}.0.mlp")
    fields: dict[str, Any] = {
        **dit,
        "num_hidden_layers": _count(shapes, "decoder.layers"),
        "num_lyric_encoder_hidden_layers": _count(shapes, encoder),
        "num_timbre_encoder_hidden_layers": _count(shapes, "encoder.timbre_encoder.layers"),
        "num_attention_pooler_hidden_layers": _count(shapes, "tokenizer.attention_pooler.layers"),
        "in_channels": patches[1],
        "patch_size": patches[2],
        "audio_acoustic_hidden_dim": _first(shapes, "decoder.proj_out.1.weight", 3)[1],
        "text_hidden_dim": _first(shapes, "encoder.text_projector.weight", 2)[1],
        "timbre_hidden_dim": _first(shapes, "encoder.timbre_encoder.embed_tokens.weight", 2)[1],
        "pool_window_size": _first(shapes, "detokenizer.special_tokens", 3)[1],
        # The same in every published checkpoint, and not visible in any shape.
        "fsq_input_levels": None,  # the default
        "sliding_window": 128,
        "rope_theta": 1_000_000,
        "rms_norm_eps": 1e-6,
        "untrained": read_metadata(path).get("untrained") == "true",
    }
    if own["hidden_size"] != dit["hidden_size"]:
        fields |= {f"encoder_{name}": value for name, value in own.items() if name != "head_dim"}
    return fields


def vae_fields(path: Path) -> Mapping[str, Any]:
    """The config.json fields of an autoencoder, likewise."""
    shapes = shapes_in(path, Held.VAE)
    blocks = sum(f"encoder.layers.{index}.layers.4.bias" in shapes for index in range(1, 64))
    first = _kernel(shapes, "encoder.layers.0")
    steps = [_kernel(shapes, f"encoder.layers.{index}.layers.4") for index in range(1, blocks + 1)]
    return {
        "audio_channels": first[1],
        "encoder_hidden_size": first[0],
        "decoder_channels": _kernel(shapes, f"decoder.layers.{blocks + 2}")[1],
        "decoder_input_channels": _kernel(shapes, "decoder.layers.0")[1],
        "channel_multiples": [step[0] // first[0] for step in steps],
        "downsampling_ratios": [step[2] // 2 for step in steps],
        "sampling_rate": MODEL_RATE,
    }


def text_fields(path: Path) -> Mapping[str, Any]:
    """The same for a text encoder."""
    shapes = shapes_in(path, Held.TEXT)
    rows, width = _first(shapes, "model.embed_tokens.weight", 2)
    return {
        "model_type": "qwen3",
        **_block(shapes, "model.layers.0.self_attn", "model.layers.0.mlp"),
        "hidden_size": width,
        "vocab_size": rows,
        "num_hidden_layers": _count(shapes, "model.layers"),
        "rope_theta": 1_000_000,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": True,
    }


def _block(shapes: Shapes, attention: str, mlp: str) -> dict[str, int]:
    """Sizes of a transformer layer."""
    queries, width = _first(shapes, f"{attention}.q_proj.weight", 2)
    (head,) = _first(shapes, f"{attention}.q_norm.weight", 1)
    return {
        "hidden_size": width,
        "intermediate_size": _first(shapes, f"{mlp}.gate_proj.weight", 2)[0],
        "num_attention_heads": queries // max(1, head),
        "num_key_value_heads": _first(shapes, f"{attention}.k_proj.weight", 2)[0] // max(1, head),
        "head_dim": head,
    }


def _kernel(shapes: Shapes, name: str) -> tuple[int, ...]:
    """Shape of a convolution's weight, under the older or the newer name of its direction."""
    newer = f"{name}.parametrizations.weight.original1"
    return _first(shapes, newer if newer in shapes else f"{name}.weight_v", 3)


def _first(shapes: Shapes, name: str, axes: int) -> tuple[int, ...]:
    shape = shapes.get(name, ())
    if len(shape) != axes:
        wrong = f"has the shape {list(shape)}" if name in shapes else "is missing"
        raise NotLoaded(f"The tensor {name} {wrong}.", "Download that file again.")
    return shape


def _count(shapes: Shapes, layers: str) -> int:
    """How many layers of that name there are, counted from 0."""
    prefix = f"{layers}."
    numbers = {name.removeprefix(prefix).partition(".")[0] for name in shapes if name.startswith(prefix)}
    return next(index for index in range(len(numbers) + 1) if str(index) not in numbers)


# --- finding files ------------------------------------------------------------------------------------


def music_files(place: Path) -> list[Path]:
    """Every single-file music model: `place` itself, inside it, or in ComfyUI's folders in it or in its `models`."""
    if place.is_file():
        return [place] if prefix_in(place, Held.MUSIC) is not None else []
    if (place / "config.json").is_file():
        return []  # a model folder: the file is its weights
    files = set(place.glob("*.safetensors"))
    for root in (place, place / "models"):
        for name in FOLDERS[Held.MUSIC]:
            files |= set((root / name).rglob("*.safetensors"))
    return [file for file in sorted(files) if prefix_in(file, Held.MUSIC) is not None]


def vae_of(music: Path) -> Path | None:
    """The file with the autoencoder of a music model; None if there is none."""

    def fits(file: Path) -> bool:
        strides: list[int] = vae_fields(file)["downsampling_ratios"]
        return math.prod(strides) == HOP

    return _beside(music, Held.VAE, fits)


def text_encoder_of(music: Path) -> Path | None:
    """The file with the text encoder of a music model (planners are wider); None if there is none."""
    width = shapes_in(music, Held.MUSIC).get("encoder.text_projector.weight", (0, 0))[-1]
    return _beside(music, Held.TEXT, lambda file: bool(text_fields(file)["hidden_size"] == width))


def tokenizer_of(music: Path, folders: tuple[str, ...]) -> Path | None:
    """A tokenizer folder with one of these names near the file, or the one that ships with ComfyUI."""
    for above in list(music.absolute().parents)[: LEVELS + 1]:
        for name in folders:
            if (above / name / "tokenizer.json").is_file():
                return above / name
        own = above / "comfy" / "text_encoders" / "qwen25_tokenizer"
        if (own / "merges.txt").is_file() and (own / "vocab.json").is_file():
            return own
    return None


def _beside(music: Path, held: Held, fits: Callable[[Path], bool]) -> Path | None:
    if prefix_in(music, held) is not None:
        return music
    for file in _near(music, held):
        try:
            if NAMED in file.stem.lower() and prefix_in(file, held) is not None and fits(file):
                return file
        except NotLoaded:
            continue  # belongs to another program
    return None


def _near(music: Path, held: Held) -> Iterator[Path]:
    for above in list(music.absolute().parents)[:LEVELS]:
        yield from sorted(above.glob("*.safetensors"))
        for name in FOLDERS[held]:
            yield from sorted((above / name).rglob("*.safetensors"))
