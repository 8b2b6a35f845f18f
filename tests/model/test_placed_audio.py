"""Audio of a network in a project: cut to what is wanted, silence before it, mono and stereo."""

from __future__ import annotations

import numpy as np
import pytest

from model.placed_audio import placed, with_channels


def test_pieces_are_cut_to_what_is_wanted_and_silence_stands_before_them():
    pieces = [np.full((4, 1), value, np.float32) for value in (1, 2, 3)]
    assert [(at, len(cut)) for at, cut in placed(iter(pieces), 10, (12, 19))] == [(12, 2), (14, 4), (18, 1)]
    found = list(placed(iter(pieces), 10, (7, 15)))
    assert [(at, float(cut[0, 0])) for at, cut in found] == [(7, 0.0), (10, 1.0), (14, 2.0)]
    with pytest.raises(AssertionError):
        list(placed(iter(pieces), 10, (10, 23)))


def test_channels():
    stereo = np.array([[1.0, 3.0]], np.float32)
    assert with_channels(stereo, 1).tolist() == [[2.0]]
    assert with_channels(stereo, 2) is stereo
    assert with_channels(np.array([[2.0]], np.float32), 2).tolist() == [[2.0, 2.0]]
