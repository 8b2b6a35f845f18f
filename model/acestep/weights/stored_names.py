"""The names of tensors in checkpoints, and how each is used. The only file that knows these names.

A recipe defines which stored tensors a network's parameter is made from, and how.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from model.acestep.networks.vae import Upsample, VaeConfig
from model.acestep.weights.tensor_files import DOWNLOAD_AGAIN
from model.errors import NotLoaded

SHOWN = 5  # names listed in a message before "and N more"


class CheckpointPart(enum.Enum):
    """A network with its own weights."""

    DIT = "transformer"
    CONDITIONS = "condition encoder"
    TOKENIZER = "audio tokenizer"
    DETOKENIZER = "audio detokenizer"
    VAE = "autoencoder"
    TEXT = "text encoder"  # its names are text_encoder.py's


# --- names --------------------------------------------------------------------------------------------
# Each row: a pattern for stored names and its replacement. Rows of a part come first, then those of the layers it is
# built from; one row of each table applies. None = dropped on purpose.

Rows = tuple[tuple[str, str | None], ...]

ATTENTION_ROWS: Rows = (
    (r"(q_proj|to_q)\.", "query."),
    (r"(k_proj|to_k)\.", "key."),
    (r"(v_proj|to_v)\.", "value."),
    (r"(o_proj|to_out\.0)\.", "out."),
    (r"(q_norm|norm_q)\.", "query_norm."),
    (r"(k_norm|norm_k)\.", "key_norm."),
    (r"(gate|up|down)_proj\.", r"\1."),
)

DIT_ROWS: Rows = (
    (r"^proj_in(\.1|_conv)\.", "patchify."),
    (r"^proj_out(\.1|_conv)\.", "unpatchify."),
    (r"^condition_embedder\.", "condition_in."),
    (r"^time_embed\.linear_1\.", "time.inner."),
    (r"^time_embed\.linear_2\.", "time.outer."),
    (r"^time_embed\.time_proj\.", "time.modulation."),
    (r"^time_embed_r\.linear_1\.", "time_gap.inner."),
    (r"^time_embed_r\.linear_2\.", "time_gap.outer."),
    (r"^time_embed_r\.time_proj\.", "time_gap.modulation."),
    (r"^norm_out\.", "norm."),
    (r"^scale_shift_table$", "shift_scale"),
    (r"^(layers\.\d+)\.scale_shift_table$", r"\1.shift_scale_gate"),
    (r"^(layers\.\d+)\.(self|cross)_attn_norm\.", r"\1.\2_norm."),
    (r"^(layers\.\d+)\.(self|cross)_attn\.", r"\1.\2_attention."),
)

STACK_ROWS: Rows = (
    (r"layers\.(\d+)\.input_layernorm\.", r"stack.layers.\1.attention_norm."),
    (r"layers\.(\d+)\.post_attention_layernorm\.", r"stack.layers.\1.mlp_norm."),
    (r"layers\.(\d+)\.self_attn\.", r"stack.layers.\1.attention."),
    (r"layers\.(\d+)\.mlp\.", r"stack.layers.\1.mlp."),
    (r"embed_tokens\.", "embed."),
    (r"special_tokens$", "offsets"),
    (r"special_token$", "token"),
    (r"(?<!_)norm\.", "stack.norm."),
)

CONDITION_ROWS: Rows = (
    (r"^null_condition_emb$", "no_condition"),
    (r"^text_projector\.", "text."),
    (r"^lyric_encoder\.", "lyrics."),
    (r"^timbre_encoder\.", "timbre."),
    (r"^silence_latent$", None),  # not a weight; `Weights.silence` reads it
)

TOKENIZER_ROWS: Rows = (
    (r"^audio_acoustic_proj\.", "latents_in."),
    (r"^attention_pooler\.", ""),
    (r"^quantizer\.project_in\.", "fsq.narrow."),
    (r"^quantizer\.project_out\.", "fsq.widen."),
)

DETOKENIZER_ROWS: Rows = ((r"^proj_out\.", "latents_out."),)

TABLES: Mapping[CheckpointPart, tuple[Rows, ...]] = {
    CheckpointPart.DIT: (DIT_ROWS, ATTENTION_ROWS),
    CheckpointPart.CONDITIONS: (CONDITION_ROWS, STACK_ROWS, ATTENTION_ROWS),
    CheckpointPart.TOKENIZER: (TOKENIZER_ROWS, STACK_ROWS, ATTENTION_ROWS),
    CheckpointPart.DETOKENIZER: (DETOKENIZER_ROWS, STACK_ROWS, ATTENTION_ROWS),
}

OFFICIAL_PREFIXES: Mapping[str, tuple[CheckpointPart, str]] = {
    "decoder.": (CheckpointPart.DIT, ""),
    "encoder.": (CheckpointPart.CONDITIONS, ""),
    "tokenizer.": (CheckpointPart.TOKENIZER, ""),
    "detokenizer.": (CheckpointPart.DETOKENIZER, ""),
    "null_condition_emb": (CheckpointPart.CONDITIONS, "null_condition_emb"),
}

DIFFUSERS_FOLDERS: Mapping[str, CheckpointPart] = {
    "transformer": CheckpointPart.DIT,
    "condition_encoder": CheckpointPart.CONDITIONS,
    "audio_tokenizer": CheckpointPart.TOKENIZER,
    "audio_token_detokenizer": CheckpointPart.DETOKENIZER,
}


def our_name(part: CheckpointPart, stored: str) -> str | None:
    """Our name of the tensor `stored` (without its part's prefix); None = dropped on purpose."""
    name = stored
    for rows in TABLES[part]:
        for pattern, replacement in rows:
            if re.search(pattern, name):
                if replacement is None:
                    return None
                name = re.sub(pattern, replacement, name, count=1)
                break
    return name


def split_official(stored: str) -> tuple[CheckpointPart, str] | None:
    """The part of an official name and the name within it; None for an unknown part."""
    for prefix, (part, stands_for) in OFFICIAL_PREFIXES.items():
        if stored.startswith(prefix):
            return part, stands_for or stored.removeprefix(prefix)
    return None


# --- recipes ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """How one parameter is made from stored tensors: their names and the function."""

    sources: tuple[str, ...]
    make: Callable[..., Tensor] = lambda stored: stored


def _named(names: Iterable[tuple[str, str | None]]) -> dict[str, Recipe]:
    """Recipes for unchanged tensors, from pairs (stored, ours). Raises NotLoaded for a clash."""
    recipes: dict[str, Recipe] = {}
    for stored, ours in names:
        if ours is None:
            continue
        if ours in recipes:
            raise _clash(recipes[ours].sources[0], stored, ours)
        recipes[ours] = Recipe((stored,))
    return recipes


def _clash(one: str, other: str, ours: str) -> NotLoaded:
    return NotLoaded(f"The tensors {one} and {other} both map to {ours}.", DOWNLOAD_AGAIN)


def official_recipes(stored: Iterable[str]) -> dict[CheckpointPart, dict[str, Recipe]]:
    """Recipes of an official checkpoint. Raises NotLoaded for names of unknown networks."""
    pairs: dict[CheckpointPart, list[tuple[str, str | None]]] = {part: [] for part in TABLES}
    unknown = []
    for key in stored:
        split = split_official(key)
        if split is None:
            unknown.append(key)
        else:
            pairs[split[0]].append((key, our_name(*split)))
    if unknown:
        raise NotLoaded(f"The weights have tensors of unknown networks: {some_of(unknown)}.", DOWNLOAD_AGAIN)
    return {part: _named(names) for part, names in pairs.items()}


def diffusers_recipes(part: CheckpointPart, stored: Iterable[str]) -> dict[str, Recipe]:
    """Recipes of one subfolder of a diffusers checkpoint."""
    return _named((key, our_name(part, key)) for key in stored)


VAE_ROWS: Rows = (
    (r"\bblock\.(\d+)\.res_unit(\d)\.snake1\.", r"blocks.\1.units.\2.wide_snake."),
    (r"\bblock\.(\d+)\.res_unit(\d)\.conv1\.", r"blocks.\1.units.\2.wide."),
    (r"\bblock\.(\d+)\.res_unit(\d)\.snake2\.", r"blocks.\1.units.\2.narrow_snake."),
    (r"\bblock\.(\d+)\.res_unit(\d)\.conv2\.", r"blocks.\1.units.\2.narrow."),
    (r"\bblock\.(\d+)\.snake1\.", r"blocks.\1.snake."),
    (r"\bblock\.(\d+)\.conv1\.", r"blocks.\1.down."),
    (r"\bblock\.(\d+)\.conv_t1\.bias$", r"blocks.\1.up.bias"),
    (r"\bblock\.(\d+)\.conv_t1\.", r"blocks.\1.up.taps."),
    (r"^(encoder|decoder)\.snake1\.", r"\1.snake."),
    (r"^(encoder|decoder)\.conv1\.", r"\1.first."),
    (r"^(encoder|decoder)\.conv2\.", r"\1.last."),
)
# Single files for ComfyUI number all layers: of the network, of a block, of a residual unit.
NUMBERED_VAE = r"(encoder|decoder)\.layers\.(\d+)\.(?:layers\.(\d)\.(?:layers\.(\d)\.)?)?((?!layers\b).+)"
UNIT_LAYERS = {"0": "wide_snake", "1": "wide", "2": "narrow_snake", "3": "narrow"}
BLOCK_LAYERS = {
    "encoder": {"0": "units.0", "1": "units.1", "2": "units.2", "3": "snake", "4": "down"},
    "decoder": {"0": "snake", "1": "up.taps", "2": "units.0", "3": "units.1", "4": "units.2"},
}
# Newer torch versions name a weight norm's length and direction differently.
NORM_ROWS: Rows = (
    (r"\.parametrizations\.weight\.original0$", ".weight_g"),
    (r"\.parametrizations\.weight\.original1$", ".weight_v"),
)


def fold_weight_norm(length: Tensor, direction: Tensor) -> Tensor:
    """length * direction / |direction|, over all but the first axis; in float32."""
    direction = direction.float()
    norm: Tensor = torch.linalg.vector_norm(direction, dim=(1, 2), keepdim=True)
    return direction * (length.float() / norm)


def fold_frequency(alpha: Tensor) -> Tensor:
    """Stored as a logarithm, [1, C, 1] or [C] -> [C, 1]."""
    return alpha.float().exp().reshape(-1, 1)


def fold_gain(beta: Tensor) -> Tensor:
    """The activation divides sin^2 by exp(beta), [1, C, 1] or [C] -> factor [C, 1]."""
    return (beta.float().exp().reshape(-1, 1) + 1e-9).reciprocal()


def _vae_name(stored: str) -> str:
    numbered = _unnumbered(stored)
    name = _renamed(numbered or stored, NORM_ROWS)
    if numbered:
        return name
    # Residual units are numbered from 1 there.
    return re.sub(r"units\.(\d)\.", lambda found: f"units.{int(found[1]) - 1}.", _renamed(name, VAE_ROWS))


def _renamed(name: str, rows: Rows) -> str:
    """The name after the first row that matches."""
    for pattern, replacement in rows:
        changed, times = re.subn(pattern, str(replacement), name)
        if times:
            return changed
    return name


def _unnumbered(stored: str) -> str:
    """Our name for a numbered one; "" for any other."""
    found = re.fullmatch(NUMBERED_VAE, stored)
    if found is None:
        return ""
    side, block, step, layer, leaf = found.groups()
    if step is None:
        if block == "0":
            return f"{side}.first.{leaf}"
        return f"{side}.snake.{leaf}" if leaf in ("alpha", "beta") else f"{side}.last.{leaf}"
    place = BLOCK_LAYERS[side].get(step, f"layers.{step}")
    if place == "up.taps" and leaf == "bias":
        place = "up"  # one for all taps
    if layer is not None:
        place += f".{UNIT_LAYERS.get(layer, layer)}"
    return f"{side}.blocks.{int(block) - 1}.{place}.{leaf}"


def vae_recipes(stored: Iterable[str], config: VaeConfig) -> dict[str, Recipe]:
    """Recipes of the autoencoder. Raises NotLoaded for an incomplete weight norm and for a clash."""
    by_name: dict[str, str] = {}
    for key in stored:
        name = _vae_name(key)
        if name in by_name:
            raise _clash(by_name[name], key, name)
        by_name[name] = key
    recipes: dict[str, Recipe] = {}
    for name, key in by_name.items():
        stem, _, leaf = name.rpartition(".")
        if leaf == "alpha":
            recipes[f"{stem}.frequency"] = Recipe((key,), fold_frequency)
        elif leaf == "beta":
            recipes[f"{stem}.gain"] = Recipe((key,), fold_gain)
        elif leaf in ("weight_g", "weight_v"):
            halves = (by_name.get(f"{stem}.weight_g"), by_name.get(f"{stem}.weight_v"))
            if halves[0] is None or halves[1] is None:
                raise NotLoaded(
                    f"The autoencoder's weights have {key} without its other half.", DOWNLOAD_AGAIN
                )
            recipes[f"{stem}.weight"] = Recipe((halves[0], halves[1]), _vae_weight(stem, config))
        else:
            recipes[name] = Recipe((key,))
    return recipes


def _vae_weight(stem: str, config: VaeConfig) -> Callable[[Tensor, Tensor], Tensor]:
    upsampling = re.fullmatch(r"decoder\.blocks\.(\d+)\.up\.taps", stem)
    if upsampling is None or int(upsampling[1]) >= len(config.strides):
        return fold_weight_norm
    stride = config.strides[::-1][int(upsampling[1])]
    return lambda length, direction: Upsample.fold(fold_weight_norm(length, direction), stride)


def some_of(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


# --- adapters -----------------------------------------------------------------------------------------
# Small files that change some of the transformer's weights. Modules have the checkpoint's names, the official ones or
# those of diffusers, after a prefix of the program that wrote them; LyCORIS and kohya's scripts write underscores for
# dots.


class Leaf(enum.Enum):
    """The role of one tensor of an adapter."""

    ALPHA = "alpha"  # divided by the rank, scales the change
    LENGTHS = "lengths"  # the norm of each row of the changed weight (DoRA)
    DOWN = "down"  # low rank: [rank, in]
    UP = "up"  # low rank: [out, rank]
    COARSE = "coarse"  # Kronecker: the first factor, whole ...
    COARSE_UP = "coarse up"  # ... or as a product of two
    COARSE_DOWN = "coarse down"
    FINE = "fine"  # Kronecker: the second factor
    FINE_UP = "fine up"
    FINE_DOWN = "fine down"


ADAPTER_PREFIX = r"^(base_model\.model\.)?(model\.)?(diffusion_model\.|transformer\.|decoder\.)*"
UNDERSCORED_PREFIX = (
    r"^(lycoris|lora_unet|lora_transformer|lora_decoder)_((diffusion_model|transformer|decoder)_)*"
)
LEAF_ROWS: tuple[tuple[str, Leaf], ...] = (
    (r"\.alpha$", Leaf.ALPHA),
    (r"\.dora_scale$", Leaf.LENGTHS),
    (r"\.lora(_A|_down|\.down)(\.default)?\.weight$", Leaf.DOWN),
    (r"\.lora(_B|_up|\.up)(\.default)?\.weight$", Leaf.UP),
    (r"\.lokr_w1$", Leaf.COARSE),
    (r"\.lokr_w1_a$", Leaf.COARSE_UP),
    (r"\.lokr_w1_b$", Leaf.COARSE_DOWN),
    (r"\.lokr_w2$", Leaf.FINE),
    (r"\.lokr_w2_a$", Leaf.FINE_UP),
    (r"\.lokr_w2_b$", Leaf.FINE_DOWN),
)
UNDERSCORED_ROWS: Rows = (
    (r"^layers_(\d+)_(self|cross)_attn_to_out_0$", r"layers.\1.\2_attn.to_out.0"),
    (r"^layers_(\d+)_(self|cross)_attn_(\w+)$", r"layers.\1.\2_attn.\3"),
    (r"^layers_(\d+)_mlp_(\w+)$", r"layers.\1.mlp.\2"),
    (r"^proj_(in|out)_1$", r"proj_\1.1"),
    (r"^(time_embed(?:_r)?)_(linear_1|linear_2|time_proj)$", r"\1.\2"),
)


def adapter_place(stored: str) -> tuple[str, str, Leaf] | None:
    """(the module's published name, our name of its weight, the tensor's role); None if it is not an adapter's."""

    for pattern, leaf in LEAF_ROWS:
        found = re.search(pattern, stored)
        if found:
            module = re.sub(ADAPTER_PREFIX, "", stored[: found.start()])
            underscored, prefixes = re.subn(UNDERSCORED_PREFIX, "", module)
            if prefixes:
                module = _with_dots(underscored)
            ours = our_name(CheckpointPart.DIT, f"{module}.weight")
            return None if ours is None else (module, ours, leaf)
    return None


def _with_dots(underscored: str) -> str:
    for pattern, replacement in UNDERSCORED_ROWS:
        name, changed = re.subn(pattern, str(replacement), underscored)
        if changed:
            return name
    return underscored
