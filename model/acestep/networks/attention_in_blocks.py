"""Attention on a processor: two matrix products through oneDNN for each key head and block of queries.

torch's own kernel for processors computes at a fifth of the speed that oneDNN multiplies matrices with. Here the scores
of a block of queries stay in the processor's cache, and are float32 even where query and key are bfloat16. A sliding
layer computes only the keys within reach of a block. Shapes as in `attention`.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from model.acestep.networks.attention import Visible, attend

_QUERIES = 256
"""Queries at once: with two query heads to a key head, 3 MB of scores over a minute of music."""


def attend_in_blocks(query: Tensor, key: Tensor, value: Tensor, visible: Visible) -> Tensor:
    """As `attend`, for networks without gradients; masks of padding go to `attend` itself.

    Raises AttributeError or RuntimeError where torch has no oneDNN.
    """
    if isinstance(visible, Tensor):
        return attend(query, key, value, visible)
    reach = None if visible is None else visible.window
    B, H, L, D = query.shape
    K = key.shape[1]
    group = H // K
    out = query.new_empty(B, L, H, D)
    scaled = query.float() * D**-0.5
    wide = key.float()
    for item in range(B):
        for head in range(K):
            heads = slice(head * group, (head + 1) * group)
            keys, values = wide[item, head].contiguous(), value[item, head].T.contiguous()  # [S, D], [D, S]
            for begin in range(0, L, _QUERIES):
                end = min(begin + _QUERIES, L)
                low, high = (0, len(keys)) if reach is None else (max(0, begin - reach), min(L, end + reach))
                scores = _product(scaled[item, heads, begin:end].reshape(-1, D), keys[low:high])
                if reach is not None:
                    scores.view(group, end - begin, -1).add_(
                        _near(end - begin, high - low, begin - low, reach)
                    )
                shares = torch.softmax(scores, dim=-1).to(value.dtype)
                found = _product(shares, values[:, low:high].contiguous())  # [G * queries, D]
                out[item, begin:end, heads] = found.view(group, end - begin, D).transpose(0, 1)
    return out.transpose(1, 2)


def _product(rows: Tensor, columns: Tensor) -> Tensor:
    """[N, D] and [M, D] -> [N, M], as of a linear layer without bias."""
    found: Tensor = torch.ops.mkldnn._linear_pointwise(rows, columns, None, "none", [], "")
    return found


@lru_cache(maxsize=16)
def _near(queries: int, keys: int, ahead: int, reach: int) -> Tensor:
    """0 where a key is within reach of a query, else -inf: [queries, keys]. ahead: keys before the first query."""
    distance = torch.arange(keys)[None, :] - torch.arange(queries)[:, None] - ahead
    return torch.zeros(queries, keys).masked_fill_(distance.abs() > reach, float("-inf"))
