"""Stored weights into networks. The only file that knows how tensors are called in checkpoints.

Tensors are read from safetensors by memory map and become the network's parameters directly, so a
checkpoint is never in memory twice; without a change of dtype or device the parameters stay in the mapped
file. Loading is strict: a missing, surplus or misshapen tensor is an error that names it. No code from a
checkpoint is ever run.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from model.acestep.audio_tokenizer import AudioDetokenizer, AudioTokenizer
from model.acestep.condition_encoder import ConditionEncoder
from model.acestep.dit import Dit
from model.acestep.model_folders import Layout, ModelFolder, read_fields
from model.acestep.network_config import NetworkConfig, vae_from_fields
from model.acestep.tensor_files import DOWNLOAD_AGAIN as DOWNLOAD_AGAIN
from model.acestep.tensor_files import SILENCE, silence_from_file
from model.acestep.tensor_files import TensorFiles as TensorFiles
from model.acestep.tensor_files import weight_files as weight_files
from model.acestep.vae import Upsample, Vae, VaeConfig
from model.errors import NotLoaded

Network = TypeVar("Network", bound=nn.Module)

SHOWN = 5  # names listed in a message before "and N more"


class Part(enum.Enum):
    """A network with weights of its own."""

    DIT = "transformer"
    CONDITIONS = "condition encoder"
    TOKENIZER = "audio tokenizer"
    DETOKENIZER = "audio detokenizer"
    VAE = "autoencoder"
    TEXT = "text encoder"  # its names are text_encoder.py's


# --- names --------------------------------------------------------------------------------------------
# Each row: a pattern for stored names and what it becomes here. Rows of a part come first, then those of the
# layers it is built from; one row of each table applies. None = dropped on purpose.

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
    (r"^silence_latent$", None),  # no weight; `Weights.silence` reads it
)

TOKENIZER_ROWS: Rows = (
    (r"^audio_acoustic_proj\.", "latents_in."),
    (r"^attention_pooler\.", ""),
    (r"^quantizer\.project_in\.", "fsq.narrow."),
    (r"^quantizer\.project_out\.", "fsq.widen."),
)

DETOKENIZER_ROWS: Rows = ((r"^proj_out\.", "latents_out."),)

TABLES: Mapping[Part, tuple[Rows, ...]] = {
    Part.DIT: (DIT_ROWS, ATTENTION_ROWS),
    Part.CONDITIONS: (CONDITION_ROWS, STACK_ROWS, ATTENTION_ROWS),
    Part.TOKENIZER: (TOKENIZER_ROWS, STACK_ROWS, ATTENTION_ROWS),
    Part.DETOKENIZER: (DETOKENIZER_ROWS, STACK_ROWS, ATTENTION_ROWS),
}

OFFICIAL_PREFIXES: Mapping[str, tuple[Part, str]] = {
    "decoder.": (Part.DIT, ""),
    "encoder.": (Part.CONDITIONS, ""),
    "tokenizer.": (Part.TOKENIZER, ""),
    "detokenizer.": (Part.DETOKENIZER, ""),
    "null_condition_emb": (Part.CONDITIONS, "null_condition_emb"),
}

DIFFUSERS_FOLDERS: Mapping[str, Part] = {
    "transformer": Part.DIT,
    "condition_encoder": Part.CONDITIONS,
    "audio_tokenizer": Part.TOKENIZER,
    "audio_token_detokenizer": Part.DETOKENIZER,
}


def our_name(part: Part, stored: str) -> str | None:
    """What a network calls the tensor `stored` (its part's prefix removed); None = dropped on purpose."""
    name = stored
    for rows in TABLES[part]:
        for pattern, replacement in rows:
            if re.search(pattern, name):
                if replacement is None:
                    return None
                name = re.sub(pattern, replacement, name, count=1)
                break
    return name


def split_official(stored: str) -> tuple[Part, str] | None:
    """The part an official name belongs to and the name inside it; None for a name of no part."""
    for prefix, (part, stands_for) in OFFICIAL_PREFIXES.items():
        if stored.startswith(prefix):
            return part, stands_for or stored.removeprefix(prefix)
    return None


# --- recipes ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """How one parameter is made from stored tensors: their names, and what to do with them."""

    sources: tuple[str, ...]
    make: Callable[..., Tensor] = lambda stored: stored


def _named(names: Iterable[tuple[str, str | None]]) -> dict[str, Recipe]:
    """Recipes for tensors taken as they are, from pairs (stored, ours). Raises NotLoaded for a clash."""
    recipes: dict[str, Recipe] = {}
    for stored, ours in names:
        if ours is None:
            continue
        if ours in recipes:
            clash = recipes[ours].sources[0]
            raise NotLoaded(f"The tensors {clash} and {stored} both stand for {ours}.", DOWNLOAD_AGAIN)
        recipes[ours] = Recipe((stored,))
    return recipes


def official_recipes(stored: Iterable[str]) -> dict[Part, dict[str, Recipe]]:
    """Recipes of an official checkpoint. Raises NotLoaded for names that belong to no network."""
    pairs: dict[Part, list[tuple[str, str | None]]] = {part: [] for part in TABLES}
    strangers = []
    for key in stored:
        split = split_official(key)
        if split is None:
            strangers.append(key)
        else:
            pairs[split[0]].append((key, our_name(*split)))
    if strangers:
        raise NotLoaded(f"The weights hold tensors of no known network: {_some(strangers)}.", DOWNLOAD_AGAIN)
    return {part: _named(names) for part, names in pairs.items()}


def diffusers_recipes(part: Part, stored: Iterable[str]) -> dict[str, Recipe]:
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
# Newer torch writes a weight norm's length and direction under other names.
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
    """Stored as a logarithm, [1, C, 1] -> [C, 1]."""
    return alpha.float().exp()[0]


def fold_gain(beta: Tensor) -> Tensor:
    """The activation divides sin^2 by exp(beta), [1, C, 1] -> factor [C, 1]."""
    return (beta.float().exp()[0] + 1e-9).reciprocal()


def _vae_name(stored: str) -> str:
    name = stored
    for rows in (VAE_ROWS, NORM_ROWS):
        for pattern, replacement in rows:
            name, changed = re.subn(pattern, str(replacement), name)
            if changed:
                break
    # Their residual units count from 1.
    return re.sub(r"units\.(\d)\.", lambda found: f"units.{int(found[1]) - 1}.", name)


def vae_recipes(stored: Iterable[str], config: VaeConfig) -> dict[str, Recipe]:
    """Recipes of the autoencoder. Raises NotLoaded for half a weight norm."""
    by_name = {_vae_name(key): key for key in stored}
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
                    f"The autoencoder's weights hold {key} without its other half.", DOWNLOAD_AGAIN
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


# --- filling networks ---------------------------------------------------------------------------------


def fill(
    build: Callable[[], Network],
    recipes: Mapping[str, Recipe],
    read: Callable[[str], Tensor],
    part: Part,
    dtype: torch.dtype,
    device: torch.device | str,
) -> Network:
    """Builds a network without memory of its own and gives it the stored tensors, converted one by one.

    Raises NotLoaded naming tensors that are missing, left over or of another shape than the config says.
    """
    with torch.device("meta"):
        network = build()
    wanted = network.state_dict()
    check_complete(wanted, recipes, part)
    state = {}
    for name, recipe in recipes.items():
        made = recipe.make(*(read(key) for key in recipe.sources))
        if made.shape != wanted[name].shape:
            raise NotLoaded(
                f"{recipe.sources[-1]} gives the {part.value}'s {name} the shape {list(made.shape)}, "
                f"the config says {list(wanted[name].shape)}.",
                "The weights and the config.json belong to different models.",
            )
        if made.is_floating_point() != wanted[name].is_floating_point():
            raise NotLoaded(
                f"{recipe.sources[-1]} holds {made.dtype} numbers, the {part.value} needs {wanted[name].dtype}.",
                "Weights that were quantised by another program cannot be used: take the published ones.",
            )
        # Integers are packed weights, which stay what they are.
        state[name] = made.to(device=device, dtype=dtype if made.is_floating_point() else None)
    network.load_state_dict(state, strict=True, assign=True)
    return network.requires_grad_(False).eval()


def check_complete(wanted: Iterable[str], recipes: Mapping[str, Recipe], part: Part) -> None:
    """Raises NotLoaded unless the recipes make exactly the wanted parameters."""
    missing = sorted(set(wanted) - set(recipes))
    surplus = sorted(key for name in set(recipes) - set(wanted) for key in recipes[name].sources)
    if missing:
        raise NotLoaded(f"The {part.value}'s weights lack {_some(missing)}.", DOWNLOAD_AGAIN)
    if surplus:
        raise NotLoaded(f"The {part.value} has no place for these weights: {_some(surplus)}.", DOWNLOAD_AGAIN)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


# --- what callers use ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Weights:
    """An opened checkpoint, known to be complete; each network is loaded when it is needed."""

    folder: ModelFolder
    recipes: Mapping[Part, Mapping[str, Recipe]]
    files: Mapping[Part, TensorFiles]

    def load_dit(self, dtype: torch.dtype, device: torch.device | str) -> Dit:
        return self._fill(lambda: Dit(self._config.dit), Part.DIT, dtype, device)

    def load_condition_encoder(self, dtype: torch.dtype, device: torch.device | str) -> ConditionEncoder:
        return self._fill(lambda: ConditionEncoder(self._config.conditions), Part.CONDITIONS, dtype, device)

    def load_tokenizer(self, dtype: torch.dtype, device: torch.device | str) -> AudioTokenizer:
        return self._fill(lambda: AudioTokenizer(self._config.tokens), Part.TOKENIZER, dtype, device)

    def load_detokenizer(self, dtype: torch.dtype, device: torch.device | str) -> AudioDetokenizer:
        return self._fill(lambda: AudioDetokenizer(self._config.tokens), Part.DETOKENIZER, dtype, device)

    def silence(self) -> Tensor:
        """Latents of silence, float32 [1, F, 64]."""
        inside = self.files[Part.CONDITIONS]
        if self.folder.layout is Layout.DIFFUSERS and "silence_latent" in inside.names():
            return inside.read("silence_latent").float()
        return silence_from_file(self.folder.path / SILENCE, self._config.dit.latent_channels)

    @property
    def _config(self) -> NetworkConfig:
        return self.folder.config

    def _fill(
        self, build: Callable[[], Network], part: Part, dtype: torch.dtype, device: torch.device | str
    ) -> Network:
        return fill(build, self.recipes[part], self.files[part].read, part, dtype, device)


def open_weights(folder: ModelFolder) -> Weights:
    """Opens a checkpoint without reading its weights.

    Raises NotLoaded when a file is missing or broken or when tensors are missing or left over in any network.
    """
    if folder.layout is Layout.OFFICIAL:
        shared = TensorFiles(weight_files(folder.path, "model"))
        weights = Weights(folder, official_recipes(shared.names()), dict.fromkeys(TABLES, shared))
    else:
        files = {
            part: TensorFiles(weight_files(folder.path / name, "diffusion_pytorch_model"))
            for name, part in DIFFUSERS_FOLDERS.items()
        }
        recipes = {part: diffusers_recipes(part, opened.names()) for part, opened in files.items()}
        weights = Weights(folder, recipes, files)
    for part, build in builders(folder.config).items():
        with torch.device("meta"):
            check_complete(build().state_dict(), weights.recipes[part], part)
    return weights


def builders(config: NetworkConfig) -> Mapping[Part, Callable[[], nn.Module]]:
    """How each network of a checkpoint is built."""
    return {
        Part.DIT: lambda: Dit(config.dit),
        Part.CONDITIONS: lambda: ConditionEncoder(config.conditions),
        Part.TOKENIZER: lambda: AudioTokenizer(config.tokens),
        Part.DETOKENIZER: lambda: AudioDetokenizer(config.tokens),
    }


def load_vae(folder: Path, dtype: torch.dtype, device: torch.device | str) -> Vae:
    """The autoencoder in `folder`. Raises NotLoaded."""
    config = vae_from_fields(read_fields(folder / "config.json"), str(folder / "config.json"))
    files = TensorFiles(weight_files(folder, "diffusion_pytorch_model"))
    return fill(lambda: Vae(config), vae_recipes(files.names(), config), files.read, Part.VAE, dtype, device)
