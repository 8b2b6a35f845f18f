"""Takes that are rendered one after the other say which they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.engine import OnProgress, Piece, Progress, Rendered, RenderRequest, Report
from model.takes_in_order import takes_in_order
from tests.model.test_engine import asked


def test_takes_in_order_name_their_take_in_all_that_comes() -> None:
    def render_one(request: RenderRequest, progress: OnProgress) -> Iterator[Rendered]:
        progress(Progress("drawing", 0.5))
        yield Piece("mix", 0, np.full((100, 2), request.take, np.float32))
        yield Report("Drawn.")

    told: list[Progress] = []
    found = list(takes_in_order(asked(0, 3), told.append, render_one))
    assert [each.take for each in found] == [0, 0, 3, 3]
    assert [each.samples[0, 0] for each in found if isinstance(each, Piece)] == [0, 3]
    assert [each.take for each in told] == [0, 3]
