"""The most memory of the tensors that are made inside a block and alive at once."""

from __future__ import annotations

import weakref
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class BytesAtOnce(TorchDispatchMode):
    """Counts each piece of memory once, from the operation that makes it until nothing refers to it.

    most: bytes. What an operation takes and gives back inside itself is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.most = self._now = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = {value.untyped_storage().data_ptr() for value in tree_leaves((args, kwargs)) if _is(value)}
        out = func(*args, **(kwargs or {}))
        for value in tree_leaves(out):
            if _is(value) and value.untyped_storage().data_ptr() not in given | self._known:
                self._count(value)
        self.most = max(self.most, self._now)
        return out

    def _count(self, value: Tensor) -> None:
        storage = value.untyped_storage()
        place, size = storage.data_ptr(), storage.nbytes()
        self._known.add(place)
        self._now += size
        weakref.finalize(storage, self._forget, place, size)

    def _forget(self, place: int, size: int) -> None:
        self._known.discard(place)
        self._now -= size


def _is(value: object) -> bool:
    return isinstance(value, Tensor) and value.numel() > 0
