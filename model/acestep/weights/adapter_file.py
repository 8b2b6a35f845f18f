"""Adapter files: small trained changes to the transformer's weights, read strictly and kept as what they are.

Two kinds: low-rank (LoRA; as a PEFT file with its adapter_config.json beside it, or as one file that says all) and
kronecker products (LoKr of LyCORIS). Every tensor must find its place: a missing half, a tensor nobody knows or one
that does not fit the network is an error that names it.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from model.acestep.weights.model_folders import UNSAFE_ENDINGS, read_fields
from model.acestep.weights.stored_names import Leaf, adapter_place, some_of
from model.errors import CannotRender

PEFT_CONFIG = "adapter_config.json"
LOKR_CONFIG = "lokr_config"  # in the file's own metadata
TAKE_ANOTHER = (
    "Export the adapter again as a plain LoRA or LoKr for ACE-Step 1.5's decoder, or take another one."
)

Leaves = Mapping[Leaf, Tensor]


class Change(ABC):
    """What becomes of one weight. lengths: [out, 1, ...], how long each of its rows shall be; None = as they come."""

    lengths: Tensor | None

    @abstractmethod
    def added(self, shape: torch.Size) -> Tensor | None:
        """What is added to a weight of that shape, float32; None for nothing. Raises ValueError if it does not fit."""

    def applied(self, weight: Tensor, strength: float) -> Tensor:
        """The weight on its way to the changed one: 0 leaves it as it is, 1 is all of the change; float32."""
        added = self.added(weight.shape)
        if added is None or strength == 0:
            return weight
        before = weight.float()
        if self.lengths is None:
            return torch.add(before, added.to(before), alpha=strength)
        after = before + added.to(before)
        length = torch.linalg.vector_norm(after.flatten(1), dim=1).reshape(self.lengths.shape)
        after *= self.lengths.to(before) / (length + torch.finfo(torch.float32).eps)
        return torch.lerp(before, after, strength)


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
            raise ValueError(f"it makes {list(change.shape)} of a weight that is {list(shape)}")
        return change * self.scale


@dataclass(frozen=True)
class Kronecker(Change):
    """kron(coarse, fine), scaled: every number of the coarse matrix times the whole fine one."""

    coarse: Tensor
    fine: Tensor
    scale: float
    lengths: Tensor | None = None

    def added(self, shape: torch.Size) -> Tensor | None:
        if not self.coarse.any() or not self.fine.any():
            return None  # such files list every layer, most of them unchanged
        coarse, fine = self.coarse.float(), self.fine.float()
        if len(shape) > 2:  # a convolution: the fine factor holds its taps
            coarse = coarse.reshape(*coarse.shape, *[1] * (len(shape) - 2))
            fine = fine.reshape(fine.shape[0], -1, *shape[2:])
        change = torch.kron(coarse, fine)
        if change.shape != shape:
            raise ValueError(f"it makes {list(change.shape)} of a weight that is {list(shape)}")
        return change * self.scale


@dataclass(frozen=True)
class Adapter:
    """One adapter. name: of its file, for people. digest: SHA-256 of everything it was read from.

    changes: by our name of the weight they change.
    """

    name: str
    digest: str
    changes: Mapping[str, Change]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Adapter) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


def read_adapter(path: Path, wanted: Mapping[str, torch.Size]) -> Adapter:
    """The adapter in a safetensors file. wanted: shapes of the transformer's parameters, by our names.

    Raises CannotRender naming what is wrong with the file.
    """
    stored, metadata = _read(path)
    config, beside = _config(path, stored, metadata)
    leaves: dict[str, dict[Leaf, Tensor]] = defaultdict(dict)
    modules: dict[str, str] = {}
    strangers = []
    for name, tensor in stored.items():
        place = adapter_place(name)
        if place is None or place[1] not in wanted or place[2] in leaves[place[1]]:
            strangers.append(name)
            continue
        module, ours, leaf = place
        modules[ours] = module
        leaves[ours][leaf] = tensor
    if strangers:
        raise CannotRender(
            f"The adapter {path.name} holds tensors with no place in this checkpoint: {some_of(sorted(strangers))}.",
            TAKE_ANOTHER,
        )
    changes = {
        ours: _fitting(path, modules[ours], found, config, wanted[ours])
        for ours, found in sorted(leaves.items())
    }
    if not changes:
        raise CannotRender(f"The adapter {path.name} changes nothing.", TAKE_ANOTHER)
    digest = hashlib.sha256(path.read_bytes())
    digest.update(beside)
    return Adapter(_called(path), digest.hexdigest(), changes)


def _called(path: Path) -> str:
    """A name people know it by: PEFT and LyCORIS call every file the same, so there it is the folder's."""
    folder = path.resolve().parent
    if path.stem not in ("adapter_model", "lokr_weights"):
        return path.stem
    return folder.parent.name if folder.name == "adapter" else folder.name


def _read(path: Path) -> tuple[dict[str, Tensor], Mapping[str, str]]:
    if path.suffix in UNSAFE_ENDINGS:
        raise CannotRender(
            f"{path.name} may run code when it is opened; adapters are read from safetensors files only.",
            "Name the adapter's .safetensors file.",
        )
    try:
        with safe_open(path, framework="pt", device="cpu") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}, opened.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as broken:
        raise CannotRender(
            f"The adapter {path.name} is not a whole safetensors file: {broken}.",
            "Copy or download it again.",
        ) from broken


@dataclass(frozen=True)
class _Scaling:
    """How a file scales its changes.

    alpha: for modules that do not store their own; None = equal to the rank. alphas: exceptions by pattern.
    root: divide by the root of the rank instead of the rank.
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
    """How the file scales, and the bytes of whatever beside it said so. Raises CannotRender."""
    if any("lokr_" in name for name in stored):
        fields = _lokr_fields(path, metadata)
        return _Scaling(root=bool(fields.get("rs_lora", False))), b""
    if not any(name.startswith("base_model.") for name in stored):
        return _Scaling(), b""
    beside = path.with_name(PEFT_CONFIG)
    if not beside.is_file():
        raise CannotRender(
            f"The adapter {path.name} comes without its {PEFT_CONFIG}, which says how strong it is.",
            "Keep both files in one folder, as they were exported.",
        )
    fields = read_fields(beside)
    kind = fields.get("peft_type", "LORA")
    refused = [name for name in ("use_dora", "fan_in_fan_out", "use_qalora", "lora_bias") if fields.get(name)]
    if kind != "LORA" or refused:
        what = ", ".join(refused) or kind
        raise CannotRender(f"The adapter {path.name} uses {what}, which is not supported.", TAKE_ANOTHER)
    try:
        alpha = float(fields["lora_alpha"])
        alphas = {str(name): float(value) for name, value in dict(fields.get("alpha_pattern") or {}).items()}
    except (KeyError, TypeError, ValueError) as wrong:
        raise CannotRender(f"{beside} does not say the adapter's lora_alpha.", TAKE_ANOTHER) from wrong
    return _Scaling(alpha, alphas, bool(fields.get("use_rslora", False))), beside.read_bytes()


def _lokr_fields(path: Path, metadata: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        fields = json.loads(metadata.get(LOKR_CONFIG, "{}"))
    except ValueError as wrong:
        raise CannotRender(
            f"The adapter {path.name} has an unreadable {LOKR_CONFIG}.", TAKE_ANOTHER
        ) from wrong
    return fields if isinstance(fields, dict) else {}


def _fitting(path: Path, module: str, found: Leaves, config: _Scaling, shape: torch.Size) -> Change:
    """The change of one module, known to fit its weight. Raises CannotRender."""
    try:
        change = _change(module, found, config)
        lengths = change.lengths
        if lengths is not None and lengths.shape != (shape[0], *[1] * (len(shape) - 1)):
            raise ValueError(f"its row lengths are {list(lengths.shape)} for a weight that is {list(shape)}")
        change.added(shape)
    except (ValueError, RuntimeError) as wrong:
        raise CannotRender(
            f"The adapter {path.name} does not fit {module}: {wrong}.",
            "It was trained for another size of the model: load that checkpoint, or take another adapter.",
        ) from wrong
    return change


def _change(module: str, found: Leaves, config: _Scaling) -> Change:
    """Raises ValueError for leaves that do not make one change."""
    rest = dict(found)
    own, lengths = rest.pop(Leaf.ALPHA, None), rest.pop(Leaf.LENGTHS, None)
    if set(rest) == {Leaf.DOWN, Leaf.UP}:
        down, up = rest[Leaf.DOWN], rest[Leaf.UP]
        return LowRank(down, up, config.of(module, own, down.shape[0]), lengths)
    coarse, coarse_rank = _factor(rest, Leaf.COARSE, Leaf.COARSE_UP, Leaf.COARSE_DOWN)
    fine, fine_rank = _factor(rest, Leaf.FINE, Leaf.FINE_UP, Leaf.FINE_DOWN)
    if rest or coarse is None or fine is None:
        names = ", ".join(sorted(leaf.value for leaf in found))
        raise ValueError(f"it holds {names}, which make no change")
    rank = fine_rank or coarse_rank
    # Alpha means something only against a rank: two whole factors are taken as they are.
    scale = 1.0 if rank is None else config.of(module, own, rank)
    return Kronecker(coarse, fine, scale, lengths)


def _factor(rest: dict[Leaf, Tensor], whole: Leaf, up: Leaf, down: Leaf) -> tuple[Tensor | None, int | None]:
    """A factor, given whole or as a product of two, with the rank of that; takes it out of `rest`."""
    if whole in rest:
        return rest.pop(whole), None
    if up in rest and down in rest:
        first, second = rest.pop(up).float(), rest.pop(down).float()
        return first @ second, first.shape[1]
    return None, None
