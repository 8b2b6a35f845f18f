"""Which takes of a request the transformer computes in one pass.

Products of several takes are summed in another order than those of one, so a take's last bits depend on its batch.
Batches are therefore cut by the numbers of the takes alone: a take has the same bits whichever of the others are there
already and wherever it is rendered, and a request that is sent again has the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Batch:
    """takes: computed together, in the order of their rows. wanted: those of them that are decoded and delivered."""

    takes: tuple[int, ...]
    wanted: tuple[int, ...]

    def split(self, size: int) -> tuple[Batch, ...]:
        """Batches of at most `size` takes; one that nothing is wanted of is left out."""
        return _cut(self.takes, self.wanted, size)


def batches_of(takes: tuple[int, ...], in_all: int, size: int) -> tuple[Batch, ...]:
    """The batches of at most `size` takes that have the wanted takes. in_all: takes of the request, 0 = not known."""
    return _cut(range(in_all) if in_all else takes, takes, size)


def _cut(takes: Sequence[int], wanted: tuple[int, ...], size: int) -> tuple[Batch, ...]:
    rows = (tuple(takes[at : at + size]) for at in range(0, len(takes), size))
    found = (Batch(each, tuple(take for take in each if take in wanted)) for each in rows)
    return tuple(batch for batch in found if batch.wanted)
