"""Adapter files: small trained changes to the transformer's weights, read strictly and kept in factored form.

Two kinds: low-rank (LoRA; a PEFT file with its adapter_config.json, diffusers' file with the same config inside, or a
self-contained one of ComfyUI or kohya's scripts) and Kronecker products (LyCORIS LoKr). Every tensor must have a place:
a missing half, an unknown tensor or one that does not fit the network is an error that names it.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import warnings
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from model.acestep.weights.model_folders import PEFT_CONFIG, UNSAFE_ENDINGS, read_fields
from model.acestep.weights.stored_names import Leaf, adapter_place, some_of
from model.errors import CannotRender

LOKR_CONFIG = "lokr_config"  # in the file's own metadata
DIFFUSERS_CONFIG = "lora_adapter_metadata"  # the same
PEFT_STEM = "adapter_model"  # of the file that PEFT writes next to its config
TAKE_ANOTHER = "Export the adapter as a plain LoRA or LoKr for this model's transformer, or use another one."

Leaves = Mapping[Leaf, Tensor]


class Change(ABC):
    """The change of one weight. lengths: [out, 1, ...], the norm of each changed row (DoRA); None = not normalised."""

    lengths: Tensor | None

    @abstractmethod
    def added(self, shape: torch.Size) -> Tensor | None:
        """The float32 summand for a weight of this shape; None for no change. Raises ValueError if it does not fit."""

    def applied(self, weight: Tensor, strength: float) -> Tensor:
        """The changed weight, float32; strength 0 = unchanged, 1 = the full change."""
        added = self.added(weight.shape)
        if added is None or strength == 0:
            return weight
        before = weight.float()
        if self.lengths is None:
            return torch.add(before, added.to(before), alpha=strength)
        return torch.lerp(before, self._normalised(before, added, self.lengths), strength)

    def difference(self, weight: Tensor) -> Tensor | None:
        """What the full change adds to the unchanged weight, float32; None for nothing. Differences of several changes
        of one weight add up, in any order."""
        added = self.added(weight.shape)
        if added is None or self.lengths is None:
            return added
        before = weight.float()
        return self._normalised(before, added, self.lengths) - before

    @staticmethod
    def _normalised(before: Tensor, added: Tensor, lengths: Tensor) -> Tensor:
        after = before + added.to(before)
        length = torch.linalg.vector_norm(after.flatten(1), dim=1).reshape(lengths.shape)
        after *= lengths.to(before) / (length + torch.finfo(torch.float32).eps)
        return after


@dataclass(frozen=True)
class LowRank(Change):
    """up @ down, scaled. down: [rank, in], up: [out, rank]."""

    down: Tensor
    up: Tensor
    scale: float
    lengths: Tensor | None = None

    def added(self, shape: torch.Size) -> Tensor | None:
        change = self.up.float() @ self.down.float()
        if change.shape != shape:
            raise ValueError(f"its shape is {list(change.shape)}, the weight's {list(shape)}")
        return change * self.scale


@dataclass(frozen=True)
class Kronecker(Change):
    """kron(coarse, fine), scaled: every entry of the coarse matrix times the whole fine one."""

    coarse: Tensor
    fine: Tensor
    scale: float
    lengths: Tensor | None = None

    def added(self, shape: torch.Size) -> Tensor | None:
        if not self.coarse.any() or not self.fine.any():
            return None  # these files list every layer, most of them unchanged
        coarse, fine = self.coarse.float(), self.fine.float()
        if len(shape) > 2:  # a convolution: the fine factor contains its taps
            coarse = coarse.reshape(*coarse.shape, *[1] * (len(shape) - 2))
            fine = fine.reshape(fine.shape[0], -1, *shape[2:])
        change = torch.kron(coarse, fine)
        if change.shape != shape:
            raise ValueError(f"its shape is {list(change.shape)}, the weight's {list(shape)}")
        return change * self.scale


@dataclass(frozen=True)
class Adapter:
    """One adapter. name: for producers. digest: SHA-256 of everything it was read from.

    changes: by our name of the weight they change.
    """

    name: str
    digest: str
    changes: Mapping[str, Change]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Adapter) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


Place = tuple[str, str, Leaf]
"""The module's published name, our name of its weight, and the tensor's role."""


def read_adapter(
    path: Path,
    wanted: Mapping[str, torch.Size],
    place_of: Callable[[str], Place | None] = adapter_place,
) -> Adapter:
    """The adapter in a safetensors file. wanted: shapes of the transformer's parameters, by our names.

    place_of: where a stored tensor belongs; None for one that is no adapter's.
    Raises CannotRender that explains what is wrong with the file.
    """
    stored, metadata = _read(path)
    config, config_bytes = _config(path, stored, metadata)
    leaves: dict[str, dict[Leaf, Tensor]] = defaultdict(dict)
    modules: dict[str, str] = {}
    unknown = []
    for name, tensor in stored.items():
        place = place_of(name)
        if place is None or place[1] not in wanted or place[2] in leaves[place[1]]:
            unknown.append(name)
            continue
        module, ours, leaf = place
        modules[ours] = module
        leaves[ours][leaf] = tensor
    if unknown:
        raise CannotRender(
            f"The adapter {path.name} has tensors that do not belong to this checkpoint: {some_of(sorted(unknown))}.",
            TAKE_ANOTHER,
        )
    changes = {
        ours: _fitting(path, modules[ours], found, config, wanted[ours])
        for ours, found in sorted(leaves.items())
    }
    if not changes:
        raise CannotRender(f"The adapter {path.name} changes nothing.", TAKE_ANOTHER)
    digest = hashlib.sha256(path.read_bytes())
    digest.update(config_bytes)
    return Adapter(_called(path), digest.hexdigest(), changes)


def _called(path: Path) -> str:
    """The adapter's name for producers: PEFT and LyCORIS give every file the same name, so it is the folder's there."""
    folder = path.resolve().parent
    if path.stem not in (PEFT_STEM, "lokr_weights", "pytorch_lora_weights"):
        return path.stem
    return folder.parent.name if folder.name == "adapter" else folder.name


def _read(path: Path) -> tuple[dict[str, Tensor], Mapping[str, str]]:
    if path.suffix in UNSAFE_ENDINGS:
        raise CannotRender(
            f"{path.name} could run code when opened; adapters are only read from safetensors files.",
            "Use the adapter's .safetensors file.",
        )
    try:
        with safe_open(path, framework="pt", device="cpu") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}, opened.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as broken:
        raise CannotRender(
            f"The adapter {path.name} is not a complete safetensors file: {broken}.",
            "Copy or download it again.",
        ) from broken


@dataclass(frozen=True)
class _Scaling:
    """How a file scales its changes.

    alpha: for modules that do not store their own; None = equal to the rank. alphas: exceptions by pattern.
    root: whether to divide by the square root of the rank instead of the rank (rsLoRA).
    """

    alpha: float | None = None
    alphas: Mapping[str, float] | None = None
    root: bool = False

    def of(self, module: str, own: Tensor | None, rank: int) -> float:
        alpha = float(rank) if self.alpha is None else self.alpha
        for pattern, value in (self.alphas or {}).items():
            if re.fullmatch(rf"(.*\.)?({pattern})", module):
                alpha = value
                break
        if own is not None:
            alpha = float(own)
        return alpha / (math.sqrt(rank) if self.root else rank)


def _config(path: Path, stored: Mapping[str, Tensor], metadata: Mapping[str, str]) -> tuple[_Scaling, bytes]:
    """The file's scaling, and the bytes of the config it was read from. Raises CannotRender."""
    if any("lokr_" in name for name in stored):
        fields = _lokr_fields(path, metadata)
        return _Scaling(root=bool(fields.get("rs_lora", False))), b""
    if DIFFUSERS_CONFIG in metadata:
        text = metadata[DIFFUSERS_CONFIG]
        return _low_rank_scaling(path, _diffusers_fields(path, text), DIFFUSERS_CONFIG), text.encode()
    config = path.with_name(PEFT_CONFIG)
    if any(name.startswith("base_model.") for name in stored):
        if not config.is_file():
            raise CannotRender(
                f"The adapter {path.name} is missing its {PEFT_CONFIG}, which has its scaling.",
                "Keep both files in one folder, as exported.",
            )
    elif path.stem != PEFT_STEM or not config.is_file():
        return _Scaling(), b""
    return _low_rank_scaling(path, read_fields(config), PEFT_CONFIG), config.read_bytes()


def _diffusers_fields(path: Path, text: str) -> Mapping[str, Any]:
    """What diffusers writes into a file's metadata: PEFT's config, from a pipeline after the name of the network."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise CannotRender(f"The adapter {path.name} has an unreadable {DIFFUSERS_CONFIG}.", TAKE_ANOTHER)
    return {name.removeprefix("transformer."): value for name, value in fields.items()}


def _low_rank_scaling(path: Path, fields: Mapping[str, Any], where: str) -> _Scaling:
    """The scaling in PEFT's fields. Raises CannotRender."""
    kind = fields.get("peft_type", "LORA")
    refused = [name for name in ("use_dora", "fan_in_fan_out", "use_qalora", "lora_bias") if fields.get(name)]
    if kind != "LORA" or refused:
        what = ", ".join(refused) or kind
        raise CannotRender(f"The adapter {path.name} uses {what}, which is not supported.", TAKE_ANOTHER)
    try:
        alpha = float(fields["lora_alpha"])
        patterns = dict(fields.get("alpha_pattern") or {})
        alphas = {_checked_pattern(str(name)): float(value) for name, value in patterns.items()}
    except (KeyError, TypeError, ValueError, OverflowError) as wrong:
        raise CannotRender(
            f"The adapter {path.name} has no valid lora_alpha or alpha_pattern in its {where}.",
            TAKE_ANOTHER,
        ) from wrong
    return _Scaling(alpha, alphas, bool(fields.get("use_rslora", False)))


def _checked_pattern(pattern: str) -> str:
    """A pattern of module names as PEFT writes them. Raises ValueError for one that could take for ever to match."""
    others = _REPEATED.sub("", pattern)
    if any(sign in others for sign in "*+?{") or len(_REPEATED.findall(pattern)) > MAX_REPEATED:
        raise ValueError(f"{pattern[:80]} is no pattern of module names")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # of a pattern that a later Python reads otherwise
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError, FutureWarning) as wrong:
        raise ValueError(f"{pattern[:80]} is no pattern") from wrong
    return pattern


_REPEATED = re.compile(r"\.\*|\\d\+")
MAX_REPEATED = 3  # each may multiply the time by the length of a name


def _lokr_fields(path: Path, metadata: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        fields = json.loads(metadata.get(LOKR_CONFIG, "{}"))
    except (ValueError, RecursionError) as wrong:
        raise CannotRender(
            f"The adapter {path.name} has an unreadable {LOKR_CONFIG}.", TAKE_ANOTHER
        ) from wrong
    return fields if isinstance(fields, dict) else {}


def _fitting(path: Path, module: str, found: Leaves, config: _Scaling, shape: torch.Size) -> Change:
    """The change of one module, checked against its weight. Raises CannotRender."""
    try:
        change = _change(module, found, config)
        lengths = change.lengths
        if lengths is not None and lengths.shape != (shape[0], *[1] * (len(shape) - 1)):
            raise ValueError(
                f"the shape of its row norms is {list(lengths.shape)}, the weight's {list(shape)}"
            )
        change.added(shape)
    except (ValueError, RuntimeError) as wrong:
        raise CannotRender(
            f"The adapter {path.name} does not fit {module}: {wrong}.",
            "It was trained for another model size: use that checkpoint, or another adapter.",
        ) from wrong
    return change


def _change(module: str, found: Leaves, config: _Scaling) -> Change:
    """The change described by a module's tensors. Raises ValueError if they do not form one."""
    rest = dict(found)
    own, lengths = rest.pop(Leaf.ALPHA, None), rest.pop(Leaf.LENGTHS, None)
    if set(rest) == {Leaf.DOWN, Leaf.UP}:
        down, up = rest[Leaf.DOWN], rest[Leaf.UP]
        return LowRank(down, up, config.of(module, own, down.shape[0]), lengths)
    coarse, coarse_rank = _factor(rest, Leaf.COARSE, Leaf.COARSE_UP, Leaf.COARSE_DOWN)
    fine, fine_rank = _factor(rest, Leaf.FINE, Leaf.FINE_UP, Leaf.FINE_DOWN)
    if rest or coarse is None or fine is None:
        names = ", ".join(sorted(leaf.value for leaf in found))
        raise ValueError(f"its tensors ({names}) do not form a LoRA or LoKr")
    rank = fine_rank or coarse_rank
    # Alpha is relative to a rank, so two unfactored matrices are not scaled.
    scale = 1.0 if rank is None else config.of(module, own, rank)
    return Kronecker(coarse, fine, scale, lengths)


def _factor(rest: dict[Leaf, Tensor], whole: Leaf, up: Leaf, down: Leaf) -> tuple[Tensor | None, int | None]:
    """A factor, stored whole or as a product of two, and the rank of that product; removes it from `rest`."""
    if whole in rest:
        return rest.pop(whole), None
    if up in rest and down in rest:
        first, second = rest.pop(up).float(), rest.pop(down).float()
        return first @ second, first.shape[1]
    return None, None
