"""Trainable changes of the transformer's attention projections: LoRA and LoKr next to frozen weights.

A changed layer answers frozen(x) + scale * change(x), so the checkpoint's own weights stay as they are, in their dtype.
The change's own numbers are float32 and are used in the dtype of the input. Untrained changes are exactly nothing.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.acestep.networks.dit import Dit, DitLayer
from model.acestep.training.training_settings import AdapterKind, TrainingSettings

PROJECTIONS = ("query", "key", "value", "out")
ATTENTIONS = ("self_attention", "cross_attention")


class ChangedLinear(nn.Module):
    """A frozen linear layer and its trained change."""

    def __init__(self, frozen: nn.Linear, scale: float, dropout: float) -> None:
        super().__init__()
        self.frozen = frozen
        self.scale = scale
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        out: Tensor = self.frozen(x)
        return out + self.scale * self.change(functional.dropout(x, self.dropout, self.training))

    @abstractmethod
    def change(self, x: Tensor) -> Tensor:
        """The unscaled change of the layer's output."""

    @abstractmethod
    def stored(self) -> dict[str, Tensor]:
        """The change's tensors by the names they have in adapter files."""


class LowRankLinear(ChangedLinear):
    """LoRA: down [rank, in], then up [out, rank]."""

    def __init__(self, frozen: nn.Linear, settings: TrainingSettings, source: torch.Generator) -> None:
        super().__init__(frozen, settings.alpha / settings.rank, settings.dropout)
        self.down = nn.Parameter(_drawn(settings.rank, frozen.in_features, source))
        self.up = nn.Parameter(torch.zeros(frozen.out_features, settings.rank))

    def change(self, x: Tensor) -> Tensor:
        return functional.linear(functional.linear(x, self.down.to(x.dtype)), self.up.to(x.dtype))

    def stored(self) -> dict[str, Tensor]:
        return {"lora_A.weight": self.down, "lora_B.weight": self.up}


class KroneckerLinear(ChangedLinear):
    """LoKr: every entry of the coarse matrix times the whole fine one, which is a product of two where that is smaller.

    As LyCORIS shapes it: both sides of the weight are split as evenly as they divide, the coarse matrix gets the
    smaller parts. Two whole factors are not scaled.
    """

    def __init__(self, frozen: nn.Linear, settings: TrainingSettings, source: torch.Generator) -> None:
        coarse_out, fine_out = even_split(frozen.out_features)
        coarse_in, fine_in = even_split(frozen.in_features)
        factored = settings.rank < max(fine_out, fine_in) / 2
        super().__init__(frozen, settings.alpha / settings.rank if factored else 1.0, settings.dropout)
        self.alpha = settings.alpha if factored else settings.rank  # as LyCORIS writes it: a scale of 1
        self.coarse = nn.Parameter(_drawn(coarse_out, coarse_in, source))
        self.fine = None if factored else nn.Parameter(torch.zeros(fine_out, fine_in))
        self.fine_up = nn.Parameter(_drawn(fine_out, settings.rank, source)) if factored else None
        self.fine_down = nn.Parameter(torch.zeros(settings.rank, fine_in)) if factored else None

    def change(self, x: Tensor) -> Tensor:
        coarse, fine = self.coarse.to(x.dtype), self._fine().to(x.dtype)
        split = torch.unflatten(x, -1, (coarse.shape[1], fine.shape[1]))  # [..., coarse in, fine in]
        inner = functional.linear(split, fine)  # [..., coarse in, fine out]
        return functional.linear(inner.transpose(-1, -2), coarse).transpose(-1, -2).flatten(-2)

    def stored(self) -> dict[str, Tensor]:
        found = {"alpha": torch.tensor(float(self.alpha)), "lokr_w1": self.coarse}
        if self.fine is not None:
            return found | {"lokr_w2": self.fine}
        assert self.fine_up is not None
        assert self.fine_down is not None
        return found | {"lokr_w2_a": self.fine_up, "lokr_w2_b": self.fine_down}

    def _fine(self) -> Tensor:
        if self.fine is not None:
            return self.fine
        assert self.fine_up is not None
        assert self.fine_down is not None
        return self.fine_up @ self.fine_down


def even_split(size: int) -> tuple[int, int]:
    """The two factors of a size that are closest to each other, the smaller first."""
    small = next(one for one in range(math.isqrt(size), 0, -1) if size % one == 0)
    return small, size // small


def _drawn(rows: int, columns: int, source: torch.Generator) -> Tensor:
    """As torch draws the weights of a linear layer: even within 1 / sqrt(columns)."""
    bound = 1 / math.sqrt(columns)
    return torch.rand(rows, columns, generator=source).mul_(2 * bound).sub_(bound)


def attach(dit: Dit, settings: TrainingSettings) -> Mapping[str, ChangedLinear]:
    """Puts an untrained change next to every attention projection; by the name of the layer they change.

    All else is frozen. The same seed gives the same start.
    """
    dit.requires_grad_(False)
    device = dit.patchify.weight.device
    source = torch.Generator().manual_seed(settings.seed)
    built = LowRankLinear if settings.kind is AdapterKind.LORA else KroneckerLinear
    found: dict[str, ChangedLinear] = {}
    for number, layer in enumerate(dit.layers):
        assert isinstance(layer, DitLayer)
        for attention in ATTENTIONS:
            holder = layer.get_submodule(attention)
            for projection in PROJECTIONS:
                frozen = holder.get_submodule(projection)
                assert isinstance(frozen, nn.Linear)
                changed = built(frozen, settings, source).to(device)
                setattr(holder, projection, changed)
                found[f"layers.{number}.{attention}.{projection}"] = changed
    return found


def detach(dit: Dit, changes: Mapping[str, ChangedLinear]) -> None:
    """Takes the changes away: the transformer is as it was loaded."""
    for name, changed in changes.items():
        holder, _, projection = name.rpartition(".")
        setattr(dit.get_submodule(holder), projection, changed.frozen)


def trained(changes: Mapping[str, ChangedLinear]) -> dict[str, nn.Parameter]:
    """Every trainable tensor by name, in a fixed order."""
    return {
        f"{name}.{leaf}": parameter
        for name, changed in changes.items()
        for leaf, parameter in changed.named_parameters()
        if not leaf.startswith("frozen.")
    }
