"""Recognises ACE-Step checkpoints in folders: which one, in which layout, and where its parts are.

Reads config files and names; never reads weights (checkpoint.py does) and never runs the Python files that come with
some checkpoints. Needs no torch, so that checkpoints can be described without it; only `ModelFolder.config`, which
describes networks, imports it.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.acestep.weights.capabilities import CheckpointTraits, lyric_heads_in, traits_of
from model.acestep.weights.single_files import (
    Held,
    music_fields,
    music_files,
    prefix_in,
    text_encoder_of,
    tokenizer_of,
    vae_of,
)
from model.errors import NotLoaded
from model.weight_header import read_header

if TYPE_CHECKING:
    from model.acestep.networks.network_config import NetworkConfig

GIVE_A_FOLDER = (
    "Use the folder of an ACE-Step 1.5 model, the one that contains config.json and model.safetensors."
)
PLANNERS = ("acestep-5Hz-lm-1.7B", "acestep-5Hz-lm-0.6B", "acestep-5Hz-lm-4B")
"""Planners in order of preference: the one in the main download, then the smaller one, then the large one."""
TEXT_ENCODER = "Qwen3-Embedding-0.6B"
TOKENIZERS = (f"{TEXT_ENCODER}-tokenizer", TEXT_ENCODER)
"""Folders that may contain the tokenizer: downloaded separately, or with the published text encoder."""
UNSAFE_ENDINGS = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
PEFT_CONFIG = "adapter_config.json"
"""Lies in the folder of an adapter that PEFT has exported."""


class Layout(enum.Enum):
    """How the weights are split into files."""

    OFFICIAL = (
        "official"  # one folder per model, all networks except the autoencoder in one file or in shards
    )
    DIFFUSERS = "diffusers"  # one subfolder per network
    COMFYUI = "ComfyUI"  # one file per network, or one for all; no config file


class Variant(enum.Enum):
    """What a checkpoint was trained for."""

    TURBO = "turbo"  # few steps, no guidance
    BASE = "base"  # all tasks, needs guidance
    SFT = "sft"  # fine-tuned on curated music, needs guidance
    UNKNOWN = "unknown"  # not turbo; its name says neither base nor sft


@dataclass(frozen=True)
class ModelFolder:
    """A recognised checkpoint. In ComfyUI's layout path, vae and text_encoder are files, in the others folders.

    name:         of its folder or file.
    fields:       of its config file or files; where: the name of those in messages.
    vae:          folder of the autoencoder, None if missing.
    text_encoder: folder of the text encoder, None if missing.
    tokenizer:    folder of its tokenizer files, None if missing.
    planner:      folder of a 5 Hz language model, None if missing; only planning needs it.
    stem_tuned:   fine-tuned to add single tracks; its captions have their own format.
    damage:       why it cannot be used at all; "" if it can.
    """

    path: Path
    name: str
    layout: Layout
    variant: Variant
    fields: Mapping[str, Any] = field(repr=False, compare=False)
    where: str
    vae: Path | None = None
    text_encoder: Path | None = None
    tokenizer: Path | None = None
    planner: Path | None = None
    stem_tuned: bool = False
    damage: str = ""

    @cached_property
    def config(self) -> NetworkConfig:
        """The sizes of its networks. Raises NotLoaded if the config does not describe them."""
        from model.acestep.networks.network_config import config_from_fields

        return config_from_fields(self.fields, self.where)

    @property
    def traits(self) -> CheckpointTraits:
        """Its traits. Only in XL checkpoints does the encoder's size differ from the transformer's."""
        return traits_of(
            self.name,
            is_turbo=self.variant is Variant.TURBO,
            # Some diffusers folders give the encoder's size even if it equals the transformer's.
            is_xl=self.fields.get("encoder_hidden_size") not in (None, self.fields.get("hidden_size")),
            stem_tuned=self.stem_tuned,
            untrained=bool(self.fields.get("untrained", False)),
            lyric_heads=lyric_heads_in(self.fields.get("lyric_alignment_layers_config")),
        )

    def describe(self) -> str:
        """One line for a list of models."""
        missing = f"; missing {self._missing}" if self._missing else ""
        kind = f"{self.variant.value}, {self.config.size}, {self.layout.value} layout"
        return f"{self.name}: ACE-Step 1.5 {kind}{missing}"

    def what_is_missing(self) -> tuple[str, str] | None:
        """The missing companions as a sentence, and the remedy; None if it is complete."""
        if self.damage:
            return self.damage, "Download that file again."
        if self.layout is Layout.COMFYUI and self.variant is Variant.UNKNOWN:
            return (
                f"{self.path.name} may be a turbo, base or sft checkpoint: its name does not tell, and single files "
                "have no config.json.",
                "Restore its published name, such as acestep_v1.5_turbo.safetensors.",
            )
        if not self._missing:
            return None
        if self.layout is Layout.COMFYUI:
            return (
                f"{self.name} is missing {self._missing}.",
                _get_parts(self.vae is None, self.text_encoder is None, self.tokenizer is None),
            )
        return (
            f"{self.name} is missing {self._missing}.",
            "Run `takebridge models pull turbo` to get both, in the folders vae and Qwen3-Embedding-0.6B.",
        )

    @property
    def _missing(self) -> str:
        parts = (("its VAE", self.vae), ("its text encoder", self.text_encoder))
        missing = [label for label, found in parts if found is None]
        if self.layout is not Layout.OFFICIAL and self.tokenizer is None and self.text_encoder is not None:
            missing.append(f"its {TOKENIZER_FILE}")
        return " and ".join(missing)


def read_fields(path: Path) -> Mapping[str, Any]:
    """A config file's fields. Raises NotLoaded if it is missing or not a JSON object."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as missing:
        raise NotLoaded(f"{path} is missing.", "Download the model again.") from missing
    except (OSError, ValueError, RecursionError) as broken:
        raise NotLoaded(f"{path} cannot be read: {broken}.", "Download that file again.") from broken
    if not isinstance(fields, dict):
        raise NotLoaded(
            f"{path} must contain a JSON object, not a {type(fields).__name__}.", "Download that file again."
        )
    return fields


def recognise(path: Path) -> ModelFolder:
    """The one checkpoint in a folder, or in the single model folder inside it.

    Raises NotLoaded if there is none or more than one, with what was found instead and which folder to use.
    """
    found = find_models(path)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(model.name for model in found)
        raise NotLoaded(f"{path} contains {len(found)} models: {names}.", "Use the folder of one of them.")
    raise NotLoaded(what_it_is_instead(path), GIVE_A_FOLDER)


def find_models(path: Path) -> list[ModelFolder]:
    """Every checkpoint that `path` is or directly contains, by name; single files last.

    Raises NotLoaded if a checkpoint's config cannot be read and there is no other: of several, a damaged one, perhaps
    of another family, takes none of the others away.
    """
    found, damaged = sorted_out(path)
    if damaged and not found:
        raise next(iter(damaged.values()))
    return found


def sorted_out(path: Path) -> tuple[list[ModelFolder], dict[str, NotLoaded]]:
    """The checkpoints, and what is wrong with folders whose config cannot be read, by name."""
    single = [_read_single(file) for file in music_files(path)]
    if not path.is_dir():
        return single, {}
    if _is_model(path):
        return [_read_model(path), *single], {}
    found, damaged = [], {}
    for folder in sorted(child for child in path.iterdir() if child.is_dir()):
        try:
            if _is_model(folder):
                found.append(_read_model(folder))
        except NotLoaded as error:
            damaged[folder.name] = error
    return found + single, damaged


def _is_model(path: Path) -> bool:
    return _is_diffusers(path) or _is_official(path)


def _is_official(path: Path) -> bool:
    config = path / "config.json"
    return config.is_file() and read_fields(config).get("model_type") == "acestep"


def _is_diffusers(path: Path) -> bool:
    config = path / "transformer" / "config.json"
    return config.is_file() and str(read_fields(config).get("_class_name", "")).startswith("AceStep")


def _read_model(path: Path) -> ModelFolder:
    return _read_diffusers(path) if _is_diffusers(path) else _read_official(path)


def _read_official(path: Path) -> ModelFolder:
    fields = read_fields(path / "config.json")
    return ModelFolder(
        path=path,
        name=path.resolve().name,
        layout=Layout.OFFICIAL,
        variant=_variant(fields, path.resolve().name),
        fields=fields,
        where=str(path / "config.json"),
        vae=_neighbour(path, "AutoencoderOobleck", "_class_name", ("vae",)),
        text_encoder=_neighbour(path, "qwen3", "model_type", (TEXT_ENCODER,)),
        tokenizer=_neighbour(path, "qwen3", "model_type", (TEXT_ENCODER,)),
        planner=_neighbour(path, "qwen3", "model_type", PLANNERS),
        stem_tuned=bool(fields.get("is_lego_sft", False)),
    )


def _neighbour(path: Path, kind: str, field: str, names: tuple[str, ...]) -> Path | None:
    """A folder of one of these names, inside the model's or next to it, whose config confirms the kind."""
    for name in names:
        for folder in (path / name, path.resolve().parent / name):
            if (folder / "config.json").is_file() and read_fields(folder / "config.json").get(field) == kind:
                return folder
    return None


def _read_diffusers(path: Path) -> ModelFolder:
    fields = _diffusers_fields(path)
    return ModelFolder(
        path=path,
        name=path.resolve().name,
        layout=Layout.DIFFUSERS,
        variant=_variant(fields, path.resolve().name),
        fields=fields,
        where=f"{path}/*/config.json",
        vae=_subfolder(path, "vae"),
        text_encoder=_subfolder(path, "text_encoder"),
        tokenizer=_tokenizer(path),
        planner=_neighbour(path, "qwen3", "model_type", PLANNERS),
    )


TOKENIZER_FILE = "tokenizer.json"


def _tokenizer(path: Path) -> Path | None:
    """The folder of a diffusers model's tokenizer; older ones lack it and use that of the official set."""
    candidates = (
        path / "tokenizer",
        path / "text_encoder",
        *(path.resolve().parent / name for name in TOKENIZERS),
    )
    return next((folder for folder in candidates if (folder / TOKENIZER_FILE).is_file()), None)


def _subfolder(path: Path, name: str) -> Path | None:
    return path / name if (path / name).is_dir() else None


def _read_single(file: Path) -> ModelFolder:
    """A music model in a single file, with its companions in single files or published folders."""
    fields, damage = {}, ""
    try:
        fields = dict(music_fields(file))
    except NotLoaded as broken:
        damage = f"{file} cannot be read: {broken.sentence}"
    return ModelFolder(
        path=file,
        name=file.stem,
        layout=Layout.COMFYUI,
        variant=_variant({}, file.stem),
        fields=fields,
        where=str(file),
        vae=vae_of(file) or _neighbour(file.parent, "AutoencoderOobleck", "_class_name", ("vae",)),
        text_encoder=text_encoder_of(file) or _neighbour(file.parent, "qwen3", "model_type", (TEXT_ENCODER,)),
        tokenizer=tokenizer_of(file, TOKENIZERS),
        damage=damage,
    )


def _get_parts(vae: bool, text_encoder: bool, tokenizer: bool) -> str:
    """The remedy for a single file's missing companions."""
    missing = [
        name
        for name, is_missing in (
            ("ace_1.5_vae.safetensors in the folder vae", vae),
            ("qwen_0.6b_ace15.safetensors in the folder text_encoders", text_encoder),
        )
        if is_missing
    ]
    put = f"Put {' and '.join(missing)} of ComfyUI's models. " if missing else ""
    pull = (
        "Run `takebridge models pull tokenizer --models FOLDER` to get the tokenizer (11 MB) in that folder."
    )
    return (put + (pull if tokenizer and not text_encoder else "")).strip()


DIFFUSERS_DEFAULTS: Mapping[str, Any] = {
    # The library's defaults for fields missing from a config file.
    "pool_window_size": 5,
    "fsq_input_levels": (8, 8, 8, 5, 5, 5),
    "num_attention_pooler_hidden_layers": 2,
}


def _diffusers_fields(path: Path) -> Mapping[str, Any]:
    """The four config files of a diffusers folder as the fields of one official config."""
    transformer = read_fields(path / "transformer" / "config.json")
    encoder = read_fields(path / "condition_encoder" / "config.json")
    tokenizer_config = path / "audio_tokenizer" / "config.json"
    tokenizer = read_fields(tokenizer_config) if tokenizer_config.is_file() else {}
    own_size = {}
    if encoder.get("hidden_size") != transformer.get("hidden_size"):
        sizes = ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads")
        own_size = {f"encoder_{name}": encoder.get(name) for name in sizes}
    return {**DIFFUSERS_DEFAULTS, **tokenizer, **encoder, **transformer, **own_size}


def _variant(fields: Mapping[str, Any], name: str) -> Variant:
    lowered = name.lower()
    if fields.get("is_turbo") or ("is_turbo" not in fields and "turbo" in lowered):
        return Variant.TURBO
    for variant in (Variant.SFT, Variant.BASE):
        if variant.value in lowered:
            return variant
    return Variant.UNKNOWN


def what_it_is_instead(path: Path) -> str:
    """One sentence about what is at `path`, if it is not a checkpoint."""
    if not path.exists():
        return f"There is nothing at {path}."
    if path.is_file():
        return _what_file(path)
    config = path / "config.json"
    if config.is_file():
        return _what_config(path, read_fields(config))
    for file in _files_ending(path, UNSAFE_ENDINGS):
        return f"{path} contains {file.name}, but weights are only read from safetensors files."
    for file in _files_ending(path, (".safetensors",)):
        return f"{path} contains {file.name} but no config.json, so its network is unknown."
    return f"There is no ACE-Step model in {path}."


def _what_file(path: Path) -> str:
    if path.suffix in UNSAFE_ENDINGS:
        return f"{path} could run code when opened; weights are only read from safetensors files."
    if path.suffix == ".safetensors":
        try:
            read_header(path)
        except NotLoaded as broken:
            return str(broken)
        for held, what in ((Held.VAE, "an autoencoder (VAE)"), (Held.TEXT, "a text encoder or planner")):
            if prefix_in(path, held) is not None:
                return f"{path} is {what}, not a music model."
        return f"{path} is a single weight file; without a config.json its network is unknown."
    return f"{path} is a file, not a model folder."


def _what_config(path: Path, fields: Mapping[str, Any]) -> str:
    if fields.get("_class_name") == "AutoencoderOobleck":
        return f"{path} is an autoencoder (VAE), not a music model."
    if fields.get("model_type") == "qwen3":
        return f"{path} is a text encoder or planner, not a music model."
    kind = fields.get("model_type") or fields.get("_class_name") or "unknown"
    return f"{path} is not an ACE-Step 1.5 model (its config says: {kind})."


def _files_ending(path: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    return (child for child in sorted(path.iterdir()) if child.suffix in endings)
